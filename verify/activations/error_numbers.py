"""Programs on float64 arrays with running error bounds: the enclosures of interval arrays at a third of the cost.

Each number carries a bound of how far its computed value may be from the exact one. The bounds are computed in round
to nearest, so each operation may lose a few units of roundoff in them; one factor at the end makes up for all.
Polynomials in the variable itself are kept as interval arrays until a primitive is applied.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import sympy
from numpy.typing import NDArray

from verify.activations.arb_numbers import constant_ball
from verify.activations.interval_numbers import INTERVAL
from verify.activations.program import FormulaArithmetic
from verify.arithmetic import arb
from verify.arithmetic.elementary import Kernel
from verify.arithmetic.intervals import Interval
from verify.arithmetic.kernels import exponential, saturating
from verify.arithmetic.midrad import guarded
from verify.arithmetic.rounding import FLOOR, UNIT

LONGEST_PROGRAM = 2**9
_LOST = 1 + 2.0**-40
"""Makes up for `LONGEST_PROGRAM` operations of at most eight roundings each in the error bounds."""

Floats = NDArray[np.float64] | float


@dataclass(frozen=True)
class NumbersWithError:
    """Numbers and how far they may be off.

    Parameters
    ----------
    values : ndarray or float
    error : ndarray or float
        ``error * _LOST >= |values - exact|``.
    plain : Interval, optional
        The enclosure, if this is a constant or a polynomial in the variable.
    """

    values: Floats
    error: Floats
    plain: Interval | None = None

    def interval(self, shape: tuple[int, ...]) -> Interval:
        """Return the enclosures, in the given shape."""
        if self.plain is not None:
            return self.plain if self.plain.shape == shape else self.plain.broadcast_to(shape)
        values = np.broadcast_to(self.values, shape)
        return Interval(*guarded(values, np.broadcast_to(self.error * _LOST, shape)))


def approximate(x: Interval) -> NumbersWithError:
    """Return interval arrays as numbers with errors."""
    return NumbersWithError(x.mid, 0.0 if x.is_exact else x.rad)


def plain(x: Interval) -> NumbersWithError:
    """Return a constant or a polynomial in the variable."""
    return NumbersWithError(x.mid, 0.0 if x.is_exact else x.rad, x)


class ErrorArithmetic(FormulaArithmetic):
    """See the module."""

    def constant(self, value: sympy.Expr) -> NumbersWithError:
        with arb.precision(120):
            ball = constant_ball(value)
            nearest = float(ball.mid())
            error = arb.upper_float(abs(ball - arb.Arb(nearest)))
        return plain(Interval(np.array(nearest), np.array(error) if error else None))

    def add(self, a: NumbersWithError, b: NumbersWithError) -> NumbersWithError:
        if a.plain is not None and b.plain is not None:
            return plain(a.plain + b.plain)
        values = a.values + b.values
        return NumbersWithError(values, a.error + b.error + np.abs(values) * UNIT)

    def multiply(self, a: NumbersWithError, b: NumbersWithError) -> NumbersWithError:
        if a.plain is not None and b.plain is not None:
            return plain(a.plain * b.plain)
        values = a.values * b.values
        error = np.abs(values) * UNIT + FLOOR
        if not _is_zero(a.error):
            error += a.error * (np.abs(b.values) + b.error)
        if not _is_zero(b.error):
            error += b.error * np.abs(a.values)
        return NumbersWithError(values, error)

    def power(self, a: NumbersWithError, exponent: int) -> NumbersWithError:
        if a.plain is not None:
            return plain(INTERVAL.power(a.plain, exponent))
        half = self.power(a, exponent // 2) if exponent > 3 else a
        square = self.multiply(half, half)
        return self.multiply(square, a) if exponent % 2 else square

    def call(self, primitive: str, a: NumbersWithError) -> NumbersWithError:
        return approximate(INTERVAL.call(primitive, a.interval(np.shape(a.values))))


def _is_zero(error: Floats) -> bool:
    return isinstance(error, float) and error == 0.0


@final
class AbsoluteErrorArithmetic(ErrorArithmetic):
    """The same, functions with bounded slopes by one evaluation: absolute errors, which say little of tiny values."""

    def call(self, primitive: str, a: NumbersWithError) -> NumbersWithError:
        if primitive not in _LIPSCHITZ:
            return super().call(primitive, a)
        kernel, slope = _LIPSCHITZ[primitive]
        values, error = kernel(np.asarray(a.values, dtype=np.float64))
        return NumbersWithError(values, error if _is_zero(a.error) else error + slope * a.error)


_LIPSCHITZ: dict[str, tuple[Kernel, float]] = {
    "tanh": (saturating.tanh, 1.0),
    "sigmoid": (exponential.sigmoid, 0.25),
    "softplus": (exponential.softplus, 1.0),
    "erf": (saturating.erf, 1.1283791670955128),
    "atan": (saturating.arctan, 1.0),
}
"""Kernels and upper bounds of the slopes, for erf ``2/sqrt(pi)`` rounded up."""

ERROR = ErrorArithmetic()
ABSOLUTE = AbsoluteErrorArithmetic()
