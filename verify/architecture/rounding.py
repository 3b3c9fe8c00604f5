"""Upward rounding of the few exact constants that an edge's bounds need."""

from __future__ import annotations

import math
from fractions import Fraction


def sqrt_upward(square: Fraction) -> float:
    """Return the least float64 whose square is at least `square`, a nonnegative rational.

    Examples
    --------
    >>> sqrt_upward(Fraction(1, 4))
    0.5
    >>> Fraction(sqrt_upward(Fraction(2))) ** 2 > 2
    True
    """
    root = math.sqrt(square)
    while Fraction(root) ** 2 < square:
        root = math.nextafter(root, math.inf)
    while root > 0 and Fraction(math.nextafter(root, 0.0)) ** 2 >= square:
        root = math.nextafter(root, 0.0)
    return root
