"""What the kernels share: errors safe against underflow, and fast ways to clip and to copy signs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verify.arithmetic.rounding import FLOOR

Array = NDArray[np.float64]
Evaluated = tuple[Array, Array]
"""Values and error bounds."""


def scaled(value: Array, relative: ArrayLike, argument: Array) -> Array:
    """Return ``|value| * relative``, lifted to the floor where it is below, but for an argument of zero, where the
    value is exact.

    ``relative`` has room for the rounding of the product. The floor covers any underflow in a value that small.

    Examples
    --------
    >>> scaled(np.array([1.0, 0.0]), 2.0**-50, np.array([1.0, 0.0])) * 2.0**50
    array([1., 0.])
    """
    error = np.abs(value)
    error *= relative
    return lifted(error, argument)


def lifted(error: Array, argument: Array) -> Array:
    """Return the errors, at least the floor for all arguments but zero.

    Examples
    --------
    >>> lifted(np.array([0.0, 0.0, 1.0]), np.array([1e-320, 0.0, 1.0]))
    array([9.33263619e-302, 0.00000000e+000, 1.00000000e+000])
    """
    if np.min(error, initial=np.inf) < FLOOR:
        error = np.where((error < FLOOR) & (argument != 0), FLOOR, error)
    return error


def clipped(x: Array, least: float, most: float) -> Array:
    """Return ``x`` clipped; where nothing is to be clipped, two reductions are faster than minimum and maximum.

    Examples
    --------
    >>> clipped(np.array([-1.0, 3.0]), 0.0, 2.0)
    array([0., 2.])
    """
    if np.min(x, initial=most) < least:
        x = np.maximum(x, least)
    if np.max(x, initial=least) > most:
        x = np.minimum(x, most)
    return x


def signed(size: Array, x: Array) -> Array:
    """Return nonnegative numbers with the sign bits of ``x``, in place; faster than ``copysign``.

    Examples
    --------
    >>> signed(np.array([1.0, 2.0]), np.array([-0.0, 5.0]))
    array([-1.,  2.])
    """
    bits = size.view(np.int64)
    bits |= x.view(np.int64) & np.int64(-(2**63))
    return size
