"""Exact rational arithmetic on float64 numbers, and the way back to float64 by directed rounding."""

from __future__ import annotations

import math
import sys
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic.rounding import ArithmeticDomainError

_ROOT_BITS = 160


def round_down(value: Fraction) -> float:
    """Return the largest float64 that is not above `value`; -inf below all finite ones.

    Examples
    --------
    >>> round_down(Fraction(1, 10)) <= Fraction(1, 10) < math.nextafter(round_down(Fraction(1, 10)), 1)
    True
    """
    try:
        nearest = float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -math.inf
    if Fraction(nearest) > value:
        return math.nextafter(nearest, -math.inf)
    return nearest


def round_up(value: Fraction) -> float:
    """Return the smallest float64 that is not below `value`; inf above all finite ones.

    Examples
    --------
    >>> round_up(Fraction(1, 3)) >= Fraction(1, 3), round_up(Fraction(10**400))
    (True, inf)
    """
    return 0.0 - round_down(-value)  # never -0.0


def sqrt_down(value: Fraction) -> Fraction:
    """Return a rational r >= 0 with r^2 <= `value`, within a relative 2^-150 of the root.

    Examples
    --------
    >>> sqrt_down(Fraction(9, 4)), sqrt_down(Fraction(2)) ** 2 < 2
    (Fraction(3, 2), True)
    """
    scale = _root_scale(value)
    return Fraction(math.isqrt((value.numerator << 2 * scale) // value.denominator), 1 << scale)


def sqrt_up(value: Fraction) -> Fraction:
    """Return a rational r >= 0 with r^2 >= `value`, within a relative 2^-150 of the root.

    Examples
    --------
    >>> sqrt_up(Fraction(9, 4)), sqrt_up(Fraction(2)) ** 2 > 2
    (Fraction(3, 2), True)
    """
    root = sqrt_down(value)
    return root if root * root == value else root + Fraction(1, 1 << _root_scale(value))


def _root_scale(value: Fraction) -> int:
    if value < 0:
        raise ArithmeticDomainError("no real square root", where="sqrt", sign="negative")
    shortfall = value.denominator.bit_length() - value.numerator.bit_length()
    return _ROOT_BITS + max(0, (shortfall + 1) // 2)


def dot(a: NDArray[np.float64], b: NDArray[np.float64]) -> Fraction:
    """Return the exact inner product of two float64 vectors.

    Examples
    --------
    >>> dot(np.array([1e200, 1.0, -1e200]), np.array([1e200, 1.0, 1e200]))
    Fraction(1, 1)
    """
    counts = (a != 0) & (b != 0)
    if not counts.all() and np.isfinite(a).all() and np.isfinite(b).all():
        a, b = a[counts], b[counts]
    left, left_exponent = scaled_integers(a)
    right, right_exponent = scaled_integers(b)
    return power_of_two(sum(map(int.__mul__, left, right)), left_exponent + right_exponent)


def scaled_integers(a: NDArray[np.float64]) -> tuple[list[int], int]:
    """Return integers m and an exponent e with ``a[i] == m[i] * 2**e`` exactly.

    Raises
    ------
    ArithmeticDomainError
        If an entry is not finite.
    """
    if not np.isfinite(a).all():
        raise ArithmeticDomainError("not a finite number", where="scaled_integers")
    fractions, exponents = np.frexp(np.asarray(a, dtype=np.float64).ravel())
    mantissas = np.ldexp(fractions, 53).astype(np.int64)
    lowest = int(np.min(exponents, initial=1024, where=mantissas != 0))
    shifts = np.where(mantissas != 0, exponents - lowest, 0)
    return [m << s for m, s in zip(mantissas.tolist(), shifts.tolist(), strict=True)], lowest - 53


def power_of_two(factor: int, exponent: int) -> Fraction:
    """Return ``factor * 2**exponent``."""
    return Fraction(factor << exponent) if exponent >= 0 else Fraction(factor, 1 << -exponent)
