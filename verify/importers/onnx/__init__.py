"""ONNX files as problems; the onnx package is imported by a child process alone."""
