"""The rules by which operations of PyTorch become operations of the vocabulary, found by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
import torch

from verify.arithmetic.floats import float64_array, fraction
from verify.graph.tensor import GraphBuilder, Tensor

Rule = Callable[..., Any]
TAKE_MASKED = frozenset({"softmax.int", "_softmax.default", "logsumexp.default", "clone.default", "alias.default"})
"""Operations that take `Masked` logits."""
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
    buffers : set of str
        Names of the module's buffers that the loss is computed from.
    operation : str
        Name of the operation whose rule is asked.
    trained : dict
        Name and values of a parameter, by the position of its leaf.
    held : list of (str, int)
        Rows of parameters that PyTorch never changes, and of which the loss is taken to be no function.
    """

    def __init__(self, builder: GraphBuilder) -> None:
        self.builder = builder
        self.constants: dict[str, np.ndarray] = {}
        self.buffers: set[str] = set()
        self.operation = ""
        self.trained: dict[int, tuple[str, torch.Tensor]] = {}
        self.held: list[tuple[str, int]] = []
        self._known: dict[int, tuple[torch.Tensor, str]] = {}
        self._values: dict[int, torch.Tensor] = {}

    @property
    def count(self) -> int:
        """How many tensors of PyTorch are registered."""
        return len(self._known)

    def know(self, label: str, value: torch.Tensor) -> None:
        """Register numbers of the data or the module under a label, before it is known what they are used for."""
        self._known[id(value)] = value, label

    def knows(self, value: Any) -> bool:
        """Whether one of the values, or of the parts of lists, is registered."""
        if isinstance(value, list | tuple):
            return any(self.knows(part) for part in value)
        return id(value) in self._known

    def constant(self, label: str, value: torch.Tensor) -> Tensor:
        """Return a leaf with the value of a tensor, exactly, under a label that no parameter or other number has."""
        numbers = value.detach().to(torch.float64) if value.is_floating_point() else value.detach()
        array = float64_array(numbers.numpy(), label)
        parameters = {name for name, _ in self.trained.values()}
        while label in parameters or (
            label in self.constants and not np.array_equal(self.constants[label], array, equal_nan=True)
        ):
            label += "'"
        self.constants[label] = array
        leaf = self.builder.constant(label, array.shape)
        self._values[leaf.position] = value
        return leaf

    def value(self, tensor: Any) -> torch.Tensor | None:
        """Return the numbers of data, buffers and constants; None for what is computed of them or trained."""
        return self._values.get(tensor.position) if isinstance(tensor, Tensor) else tensor

    def tensor(self, value: Any) -> Tensor:
        """Return a node's tensor as it is, numbers and tensors of PyTorch as exact constants."""
        if isinstance(value, Tensor):
            return value
        if isinstance(value, torch.Tensor):
            known = self._known.get(id(value))
            return self.constant(f"constant.{len(self.constants)}" if known is None else known[1], value)
        return self.builder.filled(1).scale(fraction(value, "a number in forward"))
