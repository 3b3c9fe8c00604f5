"""Numbers that a theorem is applied to, made exact; an error names the hypothesis that fails."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from verify.arithmetic.floats import fraction
from verify.outcomes import InputError

LEAST_CURVATURE = 2.0**-900
"""What to take where a proved bound L is smaller, even 0: it bounds the curvature too, and 2/L stays a float64."""


def exact(value: Any, name: str) -> Fraction:
    """Return a number as the fraction that it is, float64 or not: nothing is rounded before a theorem's inequality.

    Parameters
    ----------
    value : int, float, numpy number, also of extended precision, Fraction, Decimal, or an object with the upper bound
        ``.upper``
    name : str
        As in the theorem, for the message.

    Raises
    ------
    InputError
        If it is no finite number.

    Examples
    --------
    >>> exact(0.5, "eta")
    Fraction(1, 2)
    """
    number = getattr(value, "upper", value)
    if isinstance(number, float | np.floating) and not np.isfinite(number):
        raise InputError(f"the theorems need a finite {name}", value=float(number), remedy="give a finite number")
    return fraction(number, name)


def positive(value: Any, name: str) -> Fraction:
    """Return a number that a theorem needs to be positive.

    Raises
    ------
    InputError
        If it is not.
    """
    number = exact(value, name)
    if number <= 0:
        raise InputError(
            f"the theorems need {name} > 0", where=name, value=shown(number), remedy="give a positive number"
        )
    return number


def not_negative(value: Any, name: str) -> Fraction:
    """Return a number that a theorem needs to be at least 0.

    Raises
    ------
    InputError
        If it is not.
    """
    number = exact(value, name)
    if number < 0:
        raise InputError(
            f"the theorems need {name} >= 0",
            where=name,
            value=shown(number),
            remedy="give a number that is not negative",
        )
    return number


def curvature(value: Any) -> Fraction:
    """Return L > 0, an upper bound of the curvature for which 2/L is a float64 number.

    A constant gradient has L = 0; every positive number bounds it too, so L = 0 is refused rather than given a range
    without end.

    Raises
    ------
    InputError
        If L is not positive and finite, or 2/L overflows or underflows.

    Examples
    --------
    >>> curvature(0.0)
    Traceback (most recent call last):
        ...
    verify.outcomes.InputError: the theorems need L > 0: L=0.0; any positive upper bound of the curvature serves
    """
    number = exact(value, "L")
    remedy = "any positive upper bound of the curvature serves"
    if number <= 0:
        raise InputError("the theorems need L > 0", L=shown(number), remedy=remedy)
    try:
        largest_rate = float(2 / number)
    except OverflowError:
        raise InputError("2/L exceeds the float64 numbers", L=shown(number), remedy=remedy) from None
    if largest_rate == 0.0:
        raise InputError("2/L is below the float64 numbers", L=shown(number), remedy="use a smaller region")
    return number


def steps_count(value: Any) -> int:
    """Return a number of steps K >= 1.

    Raises
    ------
    InputError
        If it is not a positive integer.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError("the number of steps must be a positive integer", steps=value, remedy="give 1 or more")
    return int(value)


def error_gap(error_upper: Any, error_infimum: Any) -> Fraction:
    """Return the most that the error can still fall: an upper bound of E(w_0) minus a lower bound of E.

    Raises
    ------
    InputError
        If the start is below the infimum.
    """
    upper, infimum = exact(error_upper, "error_upper"), exact(error_infimum, "error_infimum")
    if infimum > upper:
        raise InputError(
            "the error at the start is below its own infimum",
            error_upper=shown(upper),
            error_infimum=shown(infimum),
            remedy="give an upper bound of the error and a lower bound of its infimum",
        )
    return upper - infimum


def shown(number: Fraction) -> Any:
    """Return a number as a message shows it."""
    try:
        return float(number)
    except OverflowError:
        return "beyond float64"
