"""An array repeated along axes, by NumPy's rule, and its transpose: the sum over axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.arrays import Array, accumulated, rearranged
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.perturbation import Perturbation, Perturbed, rounded_sum
from verify.arithmetic.precision import Precision
from verify.arithmetic.sizes import Array as Numbers
from verify.arithmetic.sizes import Sizes
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, LinearOperation, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Broadcast(LinearOperation):
    """Axes are aligned from the last; one of length 1, or missing in front, is repeated."""

    target: Shape
    name: ClassVar[str] = "broadcast"
    rule: ClassVar[str] = "the argument gets the sums of the adjoint over the axes that it is repeated along"
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not _stretches(arguments[0], self.target):
            raise self.refuse("the argument cannot be repeated to this shape", *arguments)
        return self.target

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return Broadcast(cut(self.target)), tuple(map(cut, shapes))

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes)
        if position is None:
            return None
        lead = choices.wholes(choices.whole(0, 1), 1, 2)
        inner = (choices.whole(1, 3) if n == 1 else n for n in shapes[position])
        return cls((*lead, *inner)), (position,)

    def keeps_rows(self, *arguments: Shape) -> bool:
        return len(arguments[0]) == len(self.target) > 0 and arguments[0][0] == self.target[0]

    def rows(self, arguments: Sequence[Sizes]) -> Numbers | None:
        (x,) = arguments
        if self.keeps_rows(x.shape) or not self.target or not x.entries.size:
            return None
        repeats = math.prod(self.target[1:]) // x.entries.size
        return np.full(self.target[0], upward.mul(x.whole, upward.sqrt(float(max(repeats, 1)))))

    def evaluate(self, *arguments: Array) -> Array:
        (x,) = arguments
        return rearranged(self._repeat, x, max(math.prod(self.target) // max(math.prod(x.shape), 1), 1))

    def _repeat(self, a: np.ndarray) -> np.ndarray:
        return np.broadcast_to(a, self.target)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.rearranged(
            self._repeat, max(result.size // max(arguments[0].value.size, 1), 1)
        )

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint.sum_to(arguments[0].shape),)


@final
@dataclass(frozen=True)
class SumOver(LinearOperation):
    """The sum over some axes, which are left out of the result."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "sum"
    rule: ClassVar[str] = "every summand gets the adjoint of its sum"

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not set(self.axes) <= set(range(len(arguments[0]))):
            raise self.refuse("no such axes", *arguments)
        return tuple(n for axis, n in enumerate(arguments[0]) if axis not in self.axes)

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut, shapes))

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes)
        if position is None:
            return None
        return cls(tuple(k for k in range(len(shapes[position])) if choices.happens(50))), (position,)

    def keeps_rows(self, *arguments: Shape) -> bool:
        return bool(arguments[0]) and 0 not in self.axes

    def evaluate(self, *arguments: Array) -> Array:
        (x,) = arguments
        if not self.axes:
            return x
        return accumulated(self._add, self._terms(x.shape), x, 1)

    def _add(self, a: np.ndarray) -> np.ndarray:
        return as_array(a.sum(axis=self.axes))

    def _terms(self, shape: Shape) -> int:
        return math.prod(shape[axis] for axis in self.axes)

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        return rounded_sum(self._add, self._terms(arguments[0].value.shape), arguments[0].value)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.accumulated(self._add, self._terms(arguments[0].value.shape))

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        return self.programmed_sum(precision, self._terms(arguments[0].shape), *arguments)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        shape = arguments[0].shape
        kept = tuple(1 if axis in self.axes else n for axis, n in enumerate(shape))
        return (adjoint.reshape(kept).broadcast_to(shape),)


def _stretches(shape: Shape, target: Shape) -> bool:
    if len(shape) > len(target):
        return False
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(target), strict=False))
