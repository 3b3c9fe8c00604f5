"""Rigorous arithmetic on PyTorch's tensors: the package's own formulas, computed where the tensors live."""
