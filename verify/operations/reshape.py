"""The same entries, in the same row-major order, under another shape."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic.arrays import Array
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, LinearOperation, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Reshape(LinearOperation):
    """``result[i] = argument[j]`` where i and j have the same row-major position."""

    target: Shape
    name: ClassVar[str] = "reshape"
    rule: ClassVar[str] = "the argument gets the adjoint under its own shape"
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or math.prod(arguments[0]) != math.prod(self.target):
            raise self.refuse("another number of entries", *arguments)
        return self.target

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        """Cut axes that stay as they are, and those that become one axis or come from one."""
        own: list[int] = []
        target: list[int] = []
        for left, right in itertools.starmap(_shorter, _groups(shapes[0], self.target)):
            own += left
            target += right
        return Reshape(tuple(target)), (tuple(own),)

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes)
        if position is None:
            return None
        left = math.prod(shapes[position])
        if not left:
            return cls(shapes[position][::-1]), (position,)
        target = []
        for _ in range(choices.whole(0, 2)):
            target.append(choices.one_of([n for n in range(1, left + 1) if left % n == 0]))
            left //= target[-1]
        return cls((*target, left)), (position,)

    def keeps_rows(self, *arguments: Shape) -> bool:
        return bool(arguments[0] and self.target) and arguments[0][0] == self.target[0]

    def evaluate(self, *arguments: Array) -> Array:
        return arguments[0].reshape(self.target)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.rearranged(lambda a: a.reshape(self.target), 1)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint.reshape(arguments[0].shape),)


def _groups(left: Shape, right: Shape) -> Iterator[tuple[Shape, Shape]]:
    """Split two shapes with the same number of entries into the shortest runs of axes for which that holds."""
    if 0 in left:
        yield left, right
        return
    i = j = 0
    while i < len(left) or j < len(right):
        first, second = i, j
        i, j = min(i + 1, len(left)), min(j + 1, len(right))
        while (size := math.prod(left[first:i])) != (other := math.prod(right[second:j])):
            i, j = (i + 1, j) if size < other else (i, j + 1)
        yield left[first:i], right[second:j]


def _shorter(left: Shape, right: Shape) -> tuple[Shape, Shape]:
    """Cut the axes of a run that is one axis on either side."""
    if len(left) == 1:
        return (math.prod(cut(right)),), cut(right)
    if len(right) == 1:
        return cut(left), (math.prod(cut(left)),)
    return left, right
