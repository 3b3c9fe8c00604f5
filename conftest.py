"""Doctests of a part whose extra is not installed are not collected."""

import importlib.util

_NEED = {
    "torch": ["verify/torch/*", "verify/importers/torch/*", "tests/zoo/modules.py"],
    "pytorch_lightning": ["verify/torch/lightning.py"],
    "transformers": ["verify/torch/hugging_face.py"],
    "onnx": [
        *(f"verify/importers/onnx/{name}.py" for name in ("reading", "evaluation", "evaluated", "replacing")),
        "tests/importers/onnx/m*.py",
    ],
}
collect_ignore_glob = [part for name, parts in _NEED.items() if not importlib.util.find_spec(name) for part in parts]
