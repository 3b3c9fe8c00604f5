"""The parts of Taylor models, each an array or None for zero: sums, products and ranges of polynomials."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import midrad
from verify.arithmetic.ball_arrays import BallArray
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import FLOOR

Array = NDArray[np.float64]
T = TypeVar("T")

ROOM = 1 + 2.0**-48
"""Makes up for a few roundings of nonnegative numbers."""


def cauchy(
    f: Callable[[Any, Any], Any], a: Sequence[BallArray | None], b: Sequence[BallArray | None]
) -> list[BallArray | None]:
    """Return the coefficients of the product of two polynomials."""
    out: list[BallArray | None] = [None] * max(len(a) + len(b) - 1, 0)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] = plus(out[i + j], times(f, x, y))
    return out


def tails_of(parts: Sequence[BallArray | None], remainder: Interval | None) -> list[Interval | None]:
    """Return the ranges over s in [0, 1] of a polynomial with a remainder and of what is left of it behind each power.

    Entry k is the range of ``c_k + c_(k+1) s + ... + r s^(d - k)``, found by Horner's scheme, the last is the
    remainder; None is zero.
    """
    found = [remainder]
    for c in reversed(parts):
        behind = found[-1]
        if c is None:
            found.append(None if behind is None else with_zero(behind))
        elif behind is None:
            found.append(c.interval)
        else:
            hull = with_zero(behind)
            found.append(Interval(*midrad.plus(c.value, as_array(c.ball), hull.mid, hull.rad)))
    return found[::-1]


def with_zero(x: Interval) -> Interval:
    """Return the hull with zero, the range of ``t x`` for t in [0, 1]; a little wider and cheaper than `shrunk`."""
    half = 0.5 * largest(x)
    if not np.all(np.isfinite(half)):
        return x.shrunk()
    apart = np.abs(x.mid) > x.rad
    return Interval(np.where(apart, np.copysign(half, x.mid), x.mid), np.where(apart, half, x.rad))


def largest(x: Interval) -> Array:
    """Return upper bounds of ``|x|``, not below the floor."""
    return as_array((np.abs(x.mid) + x.rad) * ROOM + FLOOR)


def plus(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a + b


def times(f: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    return None if a is None or b is None else f(a, b)


def padded(coefficients: Sequence[BallArray | None], length: int) -> list[BallArray | None]:
    return [*coefficients, *(None,) * (length - len(coefficients))]


def whole_power(x: Interval, exponent: int) -> Interval:
    result = x
    for _ in range(exponent - 1):
        result = result * x
    return result


def present(x: T | None) -> T:
    if x is None:
        raise ValueError("a Taylor model has a first coefficient")
    return x
