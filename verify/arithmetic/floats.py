"""Numbers from outside as float64 arrays, without rounding any of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verify.arithmetic.rounding import ArithmeticDomainError, refuse_nan

Array = NDArray[np.float64]


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
    array = np.asarray(a)
    if array.dtype == np.float64:
        return array
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise ArithmeticDomainError("not an array of numbers", where="interval", dtype=str(array.dtype))
    converted = array.astype(np.float64)
    if array.dtype.kind in "iu" and np.any(np.abs(converted) > 2**53):
        raise ArithmeticDomainError("integer too large to be an exact float64", where="interval")
    return converted
