"""Powers and the logarithm of positive numbers: what normalisations and divisions are built of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, prod
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import arb, elementary
from verify.arithmetic.arrays import Array, is_exact_kind
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Derivatives, Movement, of_function
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.precision import LIBRARY, Precision
from verify.arithmetic.rounding import FLOOR, gamma
from verify.arithmetic.taylor_model import TaylorModel
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, Operation, OutsideDomainError, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


_MOST_FACTORS = 16
"""Up to this many, no product of them that underflows on the way is missed by the bound of its last rounding."""


@final
@dataclass(frozen=True)
class Power(Operation):
    """``x ** exponent``, the exponent a multiple of 1/2; x positive unless the exponent is a whole number >= 0.

    With a negative whole exponent x may be negative, but not zero. An enclosure that may leave the domain raises
    `OutsideDomainError`.
    """

    exponent: Fraction
    name: ClassVar[str] = "power"
    rule: ClassVar[str] = "x^p sends p x^(p - 1) times its adjoint to x"

    def __post_init__(self) -> None:
        if self.exponent.denominator not in (1, 2):
            raise self.refuse("the exponent must be a multiple of 1/2")

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1:
            raise self.refuse("takes one argument", *arguments)
        return arguments[0]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut, shapes))

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes)
        exponent = Fraction(choices.one_of((4, -1, -2, 1, 6, 3, -3, 2, 0)), 2)
        return None if position is None else (cls(exponent), (position,))

    def evaluate(self, *arguments: Array) -> Array:
        (x,) = arguments
        if isinstance(x, TaylorModel):
            return x.composed(lambda at, orders: [self._enclosed_derivative(at, order) for order in orders])
        if isinstance(x, Interval) or is_exact_kind(x):
            return self._by_products(x)
        with np.errstate(all="ignore"):
            return np.asarray(x) ** float(self.exponent)

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        """Roots, products and a reciprocal, each correctly rounded: a power of n factors meets at most 2 n of them."""
        (x,) = arguments
        factors = abs(self.exponent.numerator)
        if factors > _MOST_FACTORS:
            return super().rounded(x)
        base = np.sqrt(x.value) if self.exponent.denominator == 2 else x.value
        power = _whole_power(base, factors)
        if self.exponent < 0:
            if not np.all(np.abs(power) >= FLOOR):  # it may have lost digits
                return super().rounded(x)
            power = 1.0 / power
        return power, None if self.exponent in (0, 1) else np.abs(power) * gamma(2 * factors + 3) + FLOOR

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        (x,) = arguments
        if not self.exponent or not x.value.size:
            return Perturbation()
        slope = self._enclosed_derivative(_between(x), 1)
        return x.perturbation.scaled(float(np.max(slope.max_abs())))

    def _by_products(self, x: Array) -> Array:
        if self.exponent < 0 and isinstance(x, Interval):
            _require(x.min_abs() > 0, self, x)
        base = _root(x) if self.exponent.denominator == 2 else x
        power = _whole_power(base, abs(self.exponent.numerator))
        return power if self.exponent >= 0 else 1 / power

    def _enclosed_derivative(self, x: Interval, order: int) -> Interval:
        """Return ``p (p - 1) ... (p - order + 1) x^(p - order)``."""
        factor = prod((self.exponent - k for k in range(order)), start=Fraction(1))
        if not factor:
            return Interval.zeros(x.shape)
        return Power(self.exponent - order)._by_products(x) * float(factor.numerator) / float(factor.denominator)

    def derivatives(self, arguments: Sequence[Movement], orders: int) -> Derivatives:
        (x,) = arguments
        box = x.box
        suprema = [self._enclosed_derivative(box, k).max_abs() for k in range(1, orders + 1)]
        return of_function(x, suprema, orders)

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        """Roots, products, a reciprocal, or a library's own power."""
        (x,) = arguments
        power = self.evaluate(x)
        if self.exponent in (0, 1):
            return power
        return precision.widened(power, 2 * abs(self.exponent.numerator) + LIBRARY, power.max_abs())

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint * self._derivative(arguments[0]) if self.exponent else None,)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (tangent,) = tangents
        return None if tangent is None or not self.exponent else tangent * self._derivative(arguments[0])

    def _derivative(self, x: Tensor) -> Tensor:
        return x.apply(Power(self.exponent - 1), x).scale(self.exponent)


@final
@dataclass(frozen=True)
class Logarithm(Operation):
    """The natural logarithm of positive numbers; an enclosure that may hold others raises `OutsideDomainError`."""

    name: ClassVar[str] = "logarithm"
    rule: ClassVar[str] = "log x sends its adjoint divided by x to x"

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1:
            raise self.refuse("takes one argument", *arguments)
        return arguments[0]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut, shapes))

    def evaluate(self, *arguments: Array) -> Array:
        (x,) = arguments
        if isinstance(x, TaylorModel):
            return x.composed(lambda at, orders: [_logarithm_derivative(at, order) for order in orders])
        if isinstance(x, Interval):
            return _logarithm_derivative(x, 0)
        if is_exact_kind(x):
            return arb.elementwise(lambda ball: ball.log())(x)
        with np.errstate(all="ignore"):
            return np.log(x)

    def derivatives(self, arguments: Sequence[Movement], orders: int) -> Derivatives:
        (x,) = arguments
        box = x.box
        return of_function(x, [_logarithm_derivative(box, k).max_abs() for k in range(1, orders + 1)], orders)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        (x,) = arguments
        if not x.value.size:
            return Perturbation()
        return x.perturbation.scaled(float(np.max(_logarithm_derivative(_between(x), 1).max_abs())))

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        logarithm = self.evaluate(*arguments)
        return precision.widened(logarithm, LIBRARY, logarithm.max_abs() + 1.0)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint * _reciprocal(arguments[0]),)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (tangent,) = tangents
        return None if tangent is None else tangent * _reciprocal(arguments[0])


def _between(x: Perturbed) -> Interval:
    """Return one interval that holds all entries; the whole line where they are not bounded."""
    low, high = x.ends
    return Interval.from_bounds(low, high) if np.isfinite(high - low) else Interval(np.zeros(()), np.array(np.inf))


def _reciprocal(x: Tensor) -> Tensor:
    """Return 1/x for positive x alone, the domain of the logarithm."""
    return x.apply(Power(Fraction(-1, 2)), x).square()


def _logarithm_derivative(x: Interval, order: int) -> Interval:
    _require(x.lower > 0, Logarithm(), x)
    if order == 0:
        return elementary.log(x)
    return float((-1) ** (order - 1) * factorial(order - 1)) / _whole_power(x, order)


def _root(x: Array) -> Array:
    if isinstance(x, Interval):
        _require(x.lower >= 0, Power(Fraction(1, 2)), x)
        return x.sqrt()
    return arb.elementwise(lambda ball: ball.sqrt())(x)


def _require(inside: NDArray[np.bool_], operation: Operation, x: Interval) -> None:
    if not np.all(inside):
        at = tuple(int(i) for i in np.argwhere(~inside)[0])
        raise OutsideDomainError(
            "an argument may be outside the domain",
            where=f"operation {operation.name}",
            lower=float(x.lower[at]),
            upper=float(x.upper[at]),
            remedy="add a positive constant before the power, or use weights farther from 0",
        )


def _whole_power(x: Array, exponent: int) -> Array:
    if exponent == 0:
        return x * 0 + 1
    result = None
    while exponent:
        if exponent & 1:
            result = x if result is None else result * x
        exponent >>= 1
        if exponent:
            x = x.square() if isinstance(x, Interval) else x * x
    return result
