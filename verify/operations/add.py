"""The sum of arrays of one shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic.arrays import Array
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Derivatives, Movement, of_sum
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.precision import Precision
from verify.arithmetic.rounding import gamma, inflation
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Add(Operation):
    """The sum of all arguments, entry by entry."""

    name: ClassVar[str] = "add"
    rule: ClassVar[str] = "every summand gets the adjoint of the sum"

    def shape(self, *arguments: Shape) -> Shape:
        if not arguments or any(shape != arguments[0] for shape in arguments):
            raise self.refuse("shapes disagree", *arguments)
        return arguments[0]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut, shapes))

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes)
        if position is None:
            return None
        alike = [k for k, shape in enumerate(shapes) if shape == shapes[position]]
        return cls(), (position, *(choices.one_of(alike) for _ in range(choices.whole(1, 2))))

    def evaluate(self, *arguments: Array) -> Array:
        return reduce(add, arguments)

    def derivatives(self, arguments: Sequence[Movement], orders: int) -> Derivatives:
        return tuple(of_sum(arguments, k) for k in range(1, orders + 1))

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        values = [argument.value for argument in arguments]
        total = self.evaluate(*values)
        if len(arguments) == 1:
            return total, None
        size = np.abs(total) if len(arguments) == 2 else reduce(add, map(np.abs, values))
        return total, as_array(size * (gamma(len(arguments) - 1) * inflation(len(arguments))))

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return reduce(add, (argument.perturbation for argument in arguments))

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        return self.programmed_sum(precision, len(arguments), *arguments)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint,) * len(arguments)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        moving = [tangent for tangent in tangents if tangent is not None]
        return result.apply(self, *moving) if len(moving) > 1 else moving[0] if moving else None
