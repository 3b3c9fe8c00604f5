"""Polynomials with float64 coefficients on an interval: signs decided exactly, roots approximated."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np

_BISECTIONS = 8


def value(coefficients: Sequence[float | Fraction], t: float | Fraction) -> Fraction:
    """Return the exact value of c_0 + c_1 t + ... at t.

    Examples
    --------
    >>> value([1.0, 0.5], 0.5)
    Fraction(5, 4)
    """
    total, exact = Fraction(0), Fraction(t)
    for c in reversed(coefficients):
        total = total * exact + Fraction(c)
    return total


def never_positive(coefficients: Sequence[float | Fraction], end: float) -> bool:
    """Whether c_0 + c_1 t + ... <= 0 is proved for all real t in [0, end]; False also where it is not decided.

    A polynomial lies below its largest Bernstein coefficient; where that is positive, the interval is halved.

    Examples
    --------
    >>> never_positive([-1.0, 1.0], 1.0), never_positive([-1.0, 1.0], 1.5)
    (True, False)
    """
    degree, exact = len(coefficients) - 1, Fraction(end)
    scaled = [Fraction(c) * exact**k for k, c in enumerate(coefficients)]
    bernstein = [
        sum((Fraction(comb(i, k), comb(degree, k)) * scaled[k] for k in range(i + 1)), Fraction(0))
        for i in range(degree + 1)
    ]
    return _below_zero(bernstein, _BISECTIONS)


def _below_zero(bernstein: list[Fraction], bisections: int) -> bool:
    if max(bernstein) <= 0:
        return True
    if bernstein[0] > 0 or bernstein[-1] > 0 or not bisections:
        return False
    left, right, row = [bernstein[0]], [bernstein[-1]], bernstein
    while len(row) > 1:
        row = [(a + b) / 2 for a, b in pairwise(row)]
        left.append(row[0])
        right.append(row[-1])
    return _below_zero(left, bisections - 1) and _below_zero(right[::-1], bisections - 1)


def positive_roots(coefficients: Sequence[float], end: float) -> list[float]:
    """Approximate roots in (0, end] of c_0 + c_1 t + ..., ascending; none where numbers overflow.

    Examples
    --------
    >>> [round(t, 12) for t in positive_roots([-2.0, 1.0, 1.0], 3.0)]
    [1.0]
    """
    with np.errstate(all="ignore"):
        reversed_order = np.asarray(coefficients, dtype=np.float64) * np.float64(end) ** np.arange(len(coefficients))
        if not np.all(np.isfinite(reversed_order / reversed_order[0])):
            return []
        inverse = np.roots(reversed_order / reversed_order[0])
        shares = 1 / inverse[(np.abs(inverse.imag) <= 1e-9 * np.abs(inverse)) & (inverse.real > 0)].real
    return sorted(float(end * share) for share in shares if share <= 1)
