"""Numbers from outside as float64, without rounding any of them: the one place where they enter.

Whole numbers beyond 2^53, extended-precision numbers, fractions and decimals are taken where a float64 equals them, and
refused where none does: a statement about the nearest float64 would be one about other numbers.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verify.arithmetic.device_arrays import DeviceArray
from verify.arithmetic.rounding import ArithmeticDomainError, refuse_nan
from verify.outcomes import InputError

Array = NDArray[np.float64]

_LARGEST_WITHOUT_GAPS = 2.0**53
"""Below every whole number is a float64; what rounds to something smaller is one."""
_NUMBERS = int | float | np.integer | np.floating | Fraction | Decimal
_MOST_DIGITS = 5000
"""Of a decimal number before or after its point: any extended-precision number has fewer."""
_REMEDY = "round it to a float64 number yourself, with float(), or scale it"


def fraction(value: Any, where: str) -> Fraction:
    """Return a number exactly.

    Parameters
    ----------
    value : int, float, Fraction, Decimal or NumPy number, also of extended precision
    where : str
        What it is, for the message.

    Raises
    ------
    InputError
        If it is no finite number.

    Examples
    --------
    >>> fraction(np.longdouble(2) + np.longdouble(2) ** -60, "L") - 2 == Fraction(1, 2**60)
    True
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, _NUMBERS):
        raise InputError(
            "not a number",
            where=where,
            type=type(value).__name__,
            remedy="give an int, a float, a Fraction or a Decimal",
        )
    if isinstance(value, int | np.integer):
        return Fraction(int(value))
    if isinstance(value, Decimal) and value.is_finite() and abs(value.adjusted()) > _MOST_DIGITS:
        raise InputError(
            "a number of too many digits",
            where=where,
            value=value,
            remedy="round it to a float64 number yourself, with float()",
        )
    try:
        return Fraction(*value.as_integer_ratio())
    except (OverflowError, ValueError):
        raise InputError("not a finite number", where=where, value=value, remedy="give a finite one") from None


def exact_float(value: Any, where: str) -> float:
    """Return a number as the float64 that equals it; infinities and NaN of a float type as they are.

    Raises
    ------
    InputError
        If it is no number, or no float64 equals it.

    Examples
    --------
    >>> exact_float(2**60, "radius"), exact_float(Fraction(1, 4), "radius")
    (1.152921504606847e+18, 0.25)
    >>> exact_float(2**53 + 1, "radius")
    Traceback (most recent call last):
        ...
    verify.outcomes.InputError: radius: not exactly a float64 number: value=9007199254740993;
        round it to a float64 number yourself, with float(), or scale it
    """
    if isinstance(value, float) or (isinstance(value, np.floating) and not np.isfinite(value)):
        return float(value)
    exact = fraction(value, where)
    try:
        rounded = float(exact)
    except OverflowError:
        rounded = math.inf
    if not math.isfinite(rounded) or Fraction(rounded) != exact:
        raise InputError("not exactly a float64 number", where=where, remedy=_REMEDY, value=value)
    return rounded


def float64_array(values: Any, where: str) -> Array:
    """Return numbers as an array of the float64 numbers that equal them (a view where possible), infinite and NaN too.

    Raises
    ------
    InputError
        If they are no array of numbers, or an entry equals no float64; the first such entry is named.

    Examples
    --------
    >>> float64_array([1, 2.5, Fraction(1, 4)], "w")
    array([1.  , 2.5 , 0.25])
    >>> float64_array([2**53 + 1, 0.5], "w")
    Traceback (most recent call last):
        ...
    verify.outcomes.InputError: w[0]: not exactly a float64 number: value=9007199254740993;
        round it to a float64 number yourself, with float(), or scale it
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            "not an array of numbers",
            where=where,
            type=type(values).__name__,
            remedy="give float64 numbers, all rows equally long",
        ) from None
    if array.dtype.kind not in "fiubO":
        raise InputError("not an array of numbers", where=where, dtype=str(array.dtype), remedy="give float64 numbers")
    if array.dtype == object:
        return _each(array, where)
    converted = array.astype(np.float64, copy=False)
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        changed = (converted != array) & ~np.isnan(array)
        return _each(array.astype(object), where) if np.any(changed) else converted
    is_listed = not isinstance(values, np.ndarray)
    if (array.dtype.kind in "iu" and array.dtype.itemsize == 8) or (is_listed and array.dtype == np.float64):
        large = np.isfinite(converted) & (np.abs(converted) >= _LARGEST_WITHOUT_GAPS)
        if np.any(large):
            return _each(np.asarray(values, dtype=object), where)
    return converted


def _each(array: NDArray[Any], where: str) -> Array:
    result = np.empty(array.shape)
    for index, value in np.ndenumerate(array):
        place = where + "".join(f"[{i}]" for i in index)
        if isinstance(value, np.ndarray | list | tuple | str):
            raise InputError(
                "not an array of numbers",
                where=place,
                type=type(value).__name__,
                remedy="give float64 numbers, all rows equally long",
            )
        result[index] = exact_float(value, place)
    return result


def exact_array(a: ArrayLike) -> Array:
    """Return finite numbers as a float64 array (a view where possible).

    Raises
    ------
    ArithmeticDomainError
        If an entry is NaN or infinite, or does not convert exactly.
    """
    array = float_array(a)
    if array.size and not np.all(np.isfinite(array)):
        refuse_nan(array, what="interval")
        raise ArithmeticDomainError(
            "infinite number", where="interval", remedy="Interval.from_bounds takes infinite ends"
        )
    return array


def float_array(a: ArrayLike) -> Array:
    """Return numbers, infinite ones too, as a float64 array (a view where possible).

    Raises
    ------
    ArithmeticDomainError
        If they do not convert exactly.
    """
    if isinstance(a, np.ndarray | DeviceArray) and a.dtype == np.float64:
        return a
    try:
        return float64_array(a, "interval")
    except InputError as error:
        raise ArithmeticDomainError(error.what, where=error.where, remedy=error.remedy, **error.values) from None
