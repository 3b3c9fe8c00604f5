"""A rational number times an array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.arrays import Array
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.lengths_upward import raised
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.precision import Precision, unknown
from verify.arithmetic.rounding import FLOOR, gamma
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, LinearOperation, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor

_EXACT = 2**53
"""Whole numbers up to here are float64 numbers."""
_ROUNDINGS = gamma(4)
"""Of a product and a quotient, relative to the rounded result, and of this bound itself."""


@final
@dataclass(frozen=True)
class Scale(LinearOperation):
    """``factor * argument``; the factor is exact, so a mean is the sum times 1/n whatever n is.

    Numerator and denominator are at most 2**53 in absolute value, or powers of two times such numbers that float64
    holds.
    """

    factor: Fraction
    name: ClassVar[str] = "scale"
    rule: ClassVar[str] = "the argument gets the adjoint times the same factor"

    def __post_init__(self) -> None:
        for part in (self.factor.numerator, self.factor.denominator):
            if abs(part) > _EXACT and not _is_float(part):
                raise self.refuse("numerator and denominator must be float64 numbers")

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1:
            raise self.refuse("takes one argument", *arguments)
        return arguments[0]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut, shapes))

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes)
        return None if position is None else (cls(choices.fraction()), (position,))

    def keeps_rows(self, *arguments: Shape) -> bool:
        return bool(arguments[0])

    def evaluate(self, *arguments: Array) -> Array:
        (x,) = arguments
        if self.factor == -1:
            return -x
        up, down = float(self.factor.numerator), float(self.factor.denominator)
        product = x if up == 1 else x * x_number(up, x)
        return product if down == 1 else product / x_number(down, x)

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        product = as_array(self.evaluate(arguments[0].value))
        return product, None if self.factor == -1 else np.abs(product) * _ROUNDINGS + FLOOR

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.scaled(raised(abs(float(self.factor))))

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        (x,) = arguments
        scaled, size = self.evaluate(x), abs(self.factor)
        if size in (0, 1):
            return scaled
        if max(size, 1 / size) > precision.largest:  # the factor, or the divisor that it is one over, overflows
            return unknown(x.shape)
        lost = upward.mul(precision.tiny, x.max_abs()) if size < precision.tiny else 0.0
        return precision.widened(scaled, 3, scaled.max_abs(), lost)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint.scale(self.factor),)


def _is_float(number: int) -> bool:
    try:
        return float(number) == number
    except OverflowError:
        return False


def x_number(value: float, like: Array) -> object:
    """Return a float64 number that meets the entries of `like` exactly: fractions would turn into floats."""
    entry = like.flat[0] if hasattr(like, "flat") and like.dtype == object and like.size else None
    return Fraction(value) if isinstance(entry, Fraction) else value
