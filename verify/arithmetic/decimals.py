"""Decimal texts of proved bounds: shortened towards the side on which they still hold.

A text stands for the float64 number that it is read as.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context

DIGITS = 4


def at_most(value: float) -> str:
    """Return a decimal of four digits that is not above a number: for the upper end of a range.

    Examples
    --------
    >>> at_most(0.123456), at_most(0.98769), at_most(3.0), at_most(float("inf"))
    ('0.1234', '0.9876', '3', 'inf')
    """
    return _shortened(value, ROUND_FLOOR)


def at_least(value: float) -> str:
    """Return a decimal of four digits that is not below a number: for an upper bound, such as that of a curvature.

    Examples
    --------
    >>> at_least(0.123456), at_least(-0.98769), at_least(1e-7)
    ('0.1235', '-0.9876', '1e-07')
    """
    return _shortened(value, ROUND_CEILING)


def _shortened(value: float, rounding: str) -> str:
    usual = f"{value:.{DIGITS}g}"
    if not math.isfinite(value) or float(usual) == value:
        return usual
    return f"{float(Context(prec=DIGITS, rounding=rounding).create_decimal_from_float(value)):.{DIGITS}g}"
