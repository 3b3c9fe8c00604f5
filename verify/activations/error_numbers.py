"""Programs on float64 arrays with one proved error bound for a whole array.

Sums and products carry two scalars, a bound of the absolute value and a bound of the error: little more work than
plain NumPy. That suits functions whose values are all of one size; for others use interval arrays. Polynomials in the
variable itself are kept as interval arrays until a primitive is applied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
import sympy
from numpy.typing import NDArray

from verify.activations.arb_numbers import constant_ball
from verify.activations.interval_numbers import INTERVAL
from verify.activations.program import Arithmetic
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import FLOOR, UNIT

_ROOM = 1 + 2.0**-48


def _up(bound: float) -> float:
    """Upper bound of an expression of at most eight operations on nonnegative numbers, and of any underflow in it."""
    return bound * _ROOM + FLOOR


@dataclass(frozen=True)
class Approximate:
    """Numbers and how far they may be off.

    Parameters
    ----------
    values : ndarray or float
    size : float
        Bound of the absolute values, computed and exact.
    error : float
        Bound of ``|computed - exact|``.
    enclosure : Interval, optional
        Each number with an error of its own.
    plain : bool
        Whether it is a polynomial in the variable, to be continued on the enclosures.
    """

    values: NDArray[np.float64] | float
    size: float
    error: float
    enclosure: Interval | None = None
    plain: bool = False

    def interval(self, shape: tuple[int, ...]) -> Interval:
        """Return the enclosures, in the given shape."""
        if self.enclosure is not None:
            return self.enclosure
        values = np.broadcast_to(self.values, shape) if np.ndim(self.values) == 0 else np.asarray(self.values)
        if self.error == 0:
            return Interval(values)
        if not math.isfinite(self.size + self.error):
            return Interval(np.zeros(shape), np.full(shape, np.inf))
        return Interval(values, np.full(shape, self.error))


def approximate(x: Interval, plain: bool = False) -> Approximate:
    """Return the numbers with the largest of their errors, and with their own."""
    error = 0.0 if x.is_exact else float(np.max(x.rad, initial=0.0))
    return Approximate(x.mid, _up(float(np.max(np.abs(x.mid), initial=0.0)) + error), error, x, plain)


def _rounded(values: NDArray[np.float64] | float, error: float) -> Approximate:
    """Add the rounding of one operation to what its operands' errors did."""
    largest = float(max(np.max(values, initial=0.0), -np.min(values, initial=0.0)))
    total = _up(error + UNIT * largest)
    return Approximate(values, _up(largest + total), total)


def _interval(x: Approximate) -> Interval:
    return x.interval(np.shape(x.values))


@final
class ErrorArithmetic(Arithmetic):
    """See the module; ``inf`` as a bound means that nothing is known."""

    def constant(self, value: sympy.Expr) -> Approximate:
        with arb.precision(120):
            ball = constant_ball(value)
            nearest = float(ball.mid())
            error = arb.upper_float(abs(ball - arb.Arb(nearest)))
            return Approximate(nearest, _up(arb.upper_float(abs(ball))), error, plain=True)

    def add(self, a: Approximate, b: Approximate) -> Approximate:
        if a.plain and b.plain:
            return approximate(_interval(a) + _interval(b), plain=True)
        return _rounded(a.values + b.values, a.error + b.error)

    def multiply(self, a: Approximate, b: Approximate) -> Approximate:
        if a.plain and b.plain:
            return approximate(_interval(a) * _interval(b), plain=True)
        return _rounded(a.values * b.values, a.error * b.size + a.size * b.error)

    def power(self, a: Approximate, exponent: int) -> Approximate:
        if a.plain:
            return approximate(INTERVAL.power(_interval(a), exponent), plain=True)
        half = self.power(a, exponent // 2) if exponent > 3 else a
        square = self.multiply(half, half)
        return self.multiply(square, a) if exponent % 2 else square

    def call(self, primitive: str, a: Approximate) -> Approximate:
        return approximate(INTERVAL.call(primitive, a.interval(np.shape(a.values))))


ERROR = ErrorArithmetic()
