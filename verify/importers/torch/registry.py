"""The rules by which operations of PyTorch become operations of the vocabulary, found by name."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, final

import numpy as np
import torch

from verify.graph.tensor import GraphBuilder, Tensor

Rule = Callable[..., Any]
RULES: dict[str, Rule] = {}
"""Rules by the name of a core operation, e.g. ``"linear.default"``; each takes a `Scope`, then the arguments."""


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule of some operations."""

    def register(function: Rule) -> Rule:
        for name in names:
            if name in RULES:
                raise TypeError(f"two rules for {name}")
            RULES[name] = function
        return function

    return register


@final
class Scope:
    """The graph under construction, and what is known of the module.

    Attributes
    ----------
    builder : GraphBuilder
    constants : dict of str to array
        Values of the constant leaves.
    """

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.constants: dict[str, np.ndarray] = {}

    def constant(self, label: str, value: torch.Tensor) -> Tensor:
        """Return a leaf with the value of a tensor, exactly."""
        array = np.asarray(value.detach().to(torch.float64).numpy())
        self.constants[label] = array
        return self.builder.constant(label, array.shape)

    def tensor(self, value: Any) -> Tensor:
        """Return a node's tensor as it is, numbers and tensors of PyTorch as exact constants."""
        if isinstance(value, Tensor):
            return value
        if isinstance(value, torch.Tensor):
            return self.constant(f"constant.{len(self.constants)}", value)
        return self.builder.filled(1).scale(Fraction(value))
