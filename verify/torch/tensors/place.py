"""Networks computed where tensors live: sums, products and moves of numbers there, elementary functions by NumPy.

Which is which is decided by operation. Linear operations, products, sums and largest entries are evaluated on the
tensors. Everything else rests on functions that no device promises to round well: its arguments go to the host, where
the package's own kernels enclose it, and its results come back. For tensors of the processor neither moves anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, final

import numpy as np
import torch

from verify.arithmetic.arrays import Array
from verify.arithmetic.ball_arrays import BallArray
from verify.arithmetic.intervals import Interval
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.taylor_model import TaylorModel
from verify.graph.places import Place
from verify.operations.add import Add
from verify.operations.contraction import Contraction
from verify.operations.maximum import Maximum
from verify.operations.operation import LinearOperation, Operation
from verify.torch.tensors.array import TensorArray

R = TypeVar("R")
Move = Callable[[Any], Any]

_THERE = LinearOperation | Add | Contraction | Maximum
_ON_HOST = "on the host"
"""Under which a perturbed array keeps its copy there, with what operations found out about it."""


@final
class TensorPlace(Place):
    """A device of PyTorch's.

    Parameters
    ----------
    device : torch.device
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def enter(self, array: np.ndarray) -> Array:
        return TensorArray.of(np.asarray(array, dtype=np.float64), self.device)

    def moved(self, x: Any) -> Any:
        return _through(self._placed, x)

    def call(self, operation: Operation, method: Callable[..., R], *arguments: Any) -> R:
        if isinstance(operation, _THERE):
            return method(*arguments)
        found: R = self.moved(method(*(_through(_on_host, argument) for argument in arguments)))
        return found

    def _placed(self, x: Any) -> Any:
        return TensorArray.of(x, self.device) if isinstance(x, np.ndarray) and x.ndim else x


def _on_host(x: Any) -> Any:
    return x.on_host() if isinstance(x, TensorArray) else x


def _through(move: Move, x: Any) -> Any:
    """Return a collection of arrays with every one of them moved."""
    if isinstance(x, Interval):
        return Interval(move(x.mid), None if x.is_exact else move(x.rad))
    if isinstance(x, BallArray):
        return BallArray(move(x.value), x.ball)
    if isinstance(x, TaylorModel):
        return TaylorModel([_through(move, part) for part in x.parts], _through(move, x.remainder))
    if isinstance(x, Perturbed):
        if _ON_HOST not in x.known:
            x.known[_ON_HOST] = Perturbed(move(x.value), _through(move, x.perturbation))
        return x.known[_ON_HOST]
    if isinstance(x, Perturbation):
        return Perturbation(x.ball, _through(move, x.box))
    if isinstance(x, tuple):
        return tuple(_through(move, member) for member in x)
    return move(x)
