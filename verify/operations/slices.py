"""A range of entries along one axis; its transpose, zeros around an array; and several arrays side by side."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic.arrays import Array, concatenated, rearranged, zeros
from verify.arithmetic.lengths_upward import raised
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.rounding import FLOOR
from verify.arithmetic.sizes import Array as Numbers
from verify.arithmetic.sizes import Sizes
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, LinearOperation, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Slice(LinearOperation):
    """Entries ``start, start + step, ...`` below `stop` along `axis`."""

    axis: int
    start: int
    stop: int
    step: int = 1
    name: ClassVar[str] = "slice"
    rule: ClassVar[str] = "the argument gets the adjoint at the places that were taken, zero elsewhere"
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not 0 <= self.axis < len(arguments[0]):
            raise self.refuse("no such axis", *arguments)
        shape = arguments[0]
        if not (0 <= self.start <= self.stop <= shape[self.axis] and self.step >= 1):
            raise self.refuse("range out of bounds", *arguments)
        return (*shape[: self.axis], len(range(self.start, self.stop, self.step)), *shape[self.axis + 1 :])

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(cut(shape, self.axis) for shape in shapes)

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        found = choices.axis(shapes)
        if found is None:
            return None
        position, axis = found
        start = choices.whole(0, shapes[position][axis])
        return cls(axis, start, choices.whole(start, shapes[position][axis]), choices.whole(1, 3)), (position,)

    def keeps_rows(self, *arguments: Shape) -> bool:
        return self.axis > 0

    def rows(self, arguments: Sequence[Sizes]) -> Numbers | None:
        return arguments[0].rows[self.start : self.stop : self.step] if self.axis == 0 else None

    def evaluate(self, *arguments: Array) -> Array:
        return rearranged(self._pick, arguments[0], 1)

    def _pick(self, a: np.ndarray) -> np.ndarray:
        return a[(*(slice(None),) * self.axis, slice(self.start, self.stop, self.step))]

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.rearranged(self._pick, 1)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        length = arguments[0].shape[self.axis]
        return (adjoint.apply(Pad(self.axis, self.start, length, self.step), adjoint),)


@final
@dataclass(frozen=True)
class Pad(LinearOperation):
    """An axis of the given length, zero but for the argument's entries at ``start, start + step, ...``."""

    axis: int
    start: int
    length: int
    step: int = 1
    name: ClassVar[str] = "pad"
    rule: ClassVar[str] = "the argument gets the part of the adjoint where it was put"
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not 0 <= self.axis < len(arguments[0]):
            raise self.refuse("no such axis", *arguments)
        shape = arguments[0]
        count = shape[self.axis]
        if self.start < 0 or self.step < 1 or (count and self.start + (count - 1) * self.step >= self.length):
            raise self.refuse("the entries do not fit", *arguments)
        return (*shape[: self.axis], self.length, *shape[self.axis + 1 :])

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(cut(shape, self.axis) for shape in shapes)

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        found = choices.axis(shapes)
        if found is None:
            return None
        position, axis = found
        start, step = choices.whole(0, 2), choices.whole(1, 3)
        last = start + max(shapes[position][axis] - 1, 0) * step
        return cls(axis, start, last + 1 + choices.whole(0, 2), step), (position,)

    def keeps_rows(self, *arguments: Shape) -> bool:
        return self.axis > 0

    def evaluate(self, *arguments: Array) -> Array:
        return rearranged(self._place, arguments[0], 1)

    def _place(self, a: np.ndarray) -> np.ndarray:
        result = zeros((*a.shape[: self.axis], self.length, *a.shape[self.axis + 1 :]), a)
        stop = self.start + a.shape[self.axis] * self.step
        result[(*(slice(None),) * self.axis, slice(self.start, stop, self.step))] = a
        return result

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.rearranged(self._place, 1)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        count = arguments[0].shape[self.axis]
        stop = min(self.length, self.start + count * self.step)
        return (adjoint.apply(Slice(self.axis, self.start, stop, self.step), adjoint),)


@final
@dataclass(frozen=True)
class Concatenate(LinearOperation):
    """The arguments one after the other along `axis`."""

    axis: int
    name: ClassVar[str] = "concatenate"
    rule: ClassVar[str] = "every argument gets its part of the adjoint"
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        first = arguments[0] if arguments else ()
        others = {(*shape[: self.axis], *shape[self.axis + 1 :]) for shape in arguments}
        if not 0 <= self.axis < len(first) or len(others) != 1 or any(len(s) != len(first) for s in arguments):
            raise self.refuse("shapes disagree off the axis", *arguments)
        return (*first[: self.axis], sum(shape[self.axis] for shape in arguments), *first[self.axis + 1 :])

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(cut(shape, self.axis) for shape in shapes)

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        found = choices.axis(shapes)
        if found is None:
            return None
        position, axis = found
        fitting = [k for k, shape in enumerate(shapes) if cls(axis).takes(shapes[position], shape)]
        return cls(axis), (position, *(choices.one_of(fitting) for _ in range(choices.whole(1, 2))))

    def keeps_rows(self, *arguments: Shape) -> bool:
        return self.axis > 0

    def rows(self, arguments: Sequence[Sizes]) -> Numbers | None:
        return np.concatenate([argument.rows for argument in arguments]) if self.axis == 0 else None

    def evaluate(self, *arguments: Array) -> Array:
        return concatenated(arguments, self.axis)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        parts = [argument.perturbation for argument in arguments]
        moving = any(part.ball for part in parts)
        ball = raised(sqrt(sum(part.ball**2 for part in parts) + len(parts) * FLOOR)) if moving else 0.0
        if all(part.box is None for part in parts):
            return Perturbation(ball)
        boxes = [np.zeros(x.value.shape) if p.box is None else p.box for x, p in zip(arguments, parts, strict=True)]
        return Perturbation(ball, np.concatenate(boxes, axis=self.axis))

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        ends = np.cumsum([0, *(argument.shape[self.axis] for argument in arguments)])
        return [
            adjoint.apply(Slice(self.axis, int(start), int(stop)), adjoint) for start, stop in itertools.pairwise(ends)
        ]
