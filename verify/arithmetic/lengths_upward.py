"""Upper bounds of lengths and of sums of products as single numbers, in float64.

Scalars are computed in float64 and enlarged by `raised`, which covers a formula of up to a hundred roundings.
"""

from __future__ import annotations

from math import inf, isnan, sqrt

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.rounding import FLOOR, inflation

Array = NDArray[np.float64]

_ROOM = 1 + 2.0**-45


def raised(value: float) -> float:
    """Return a float64 not below the exact value of a nonnegative formula of at most a hundred roundings; 0 stays 0.

    What is not a number stands for "nothing known": infinite.

    Examples
    --------
    >>> raised(0.1 + 0.2) > 0.3, raised(float("nan")), raised(0.0)
    (True, inf, 0.0)
    """
    if isnan(value):
        return inf
    return value * _ROOM + FLOOR if value > 0 else 0.0


def length(array: Array) -> float:
    """Return an upper bound of the Euclidean norm of all entries.

    A square that underflows loses less than ``FLOOR``; of n squares the sum has n roundings.

    Examples
    --------
    >>> 5.0 <= length(np.array([3.0, -4.0])) < 5.0 + 1e-12
    True
    """
    flat = as_array(array).reshape(-1)
    with np.errstate(all="ignore"):
        squares = float(flat @ flat) * float(inflation(flat.size + 2)) + flat.size * FLOOR
    return raised(sqrt(squares)) if squares >= 0 else inf


def weighted_sum(weights: Array, errors: Array) -> float:
    """Return an upper bound of ``sum of |weights| errors`` over all entries, errors being nonnegative.

    Examples
    --------
    >>> weighted_sum(np.array([1.0, -1.0]), np.array([0.1, 0.2])) > 0.3
    True
    """
    left = np.abs(as_array(weights)).reshape(-1)
    right = as_array(np.broadcast_to(errors, np.shape(weights))).reshape(-1)
    with np.errstate(all="ignore"):
        return raised(float(left @ right) * float(inflation(left.size + 2)) + left.size * FLOOR)


def sum_lengths(array: Array, axes: tuple[int, ...]) -> Array:
    """Return upper bounds of the Euclidean norms over some axes, which are kept with length 1."""
    with np.errstate(all="ignore"):
        squares = np.sum(array * array, axis=axes, keepdims=True)
        terms = array.size // squares.size if squares.size else 0
        return as_array(np.sqrt(squares * inflation(terms + 1) + terms * FLOOR) * inflation(3))
