"""The few array functions that mean the same for float64 arrays, intervals and arrays of exact numbers.

An *array* here is a NumPy array of float64 or float32 numbers, a `DeviceArray`, an `Interval`, a `TaylorModel`, or a
NumPy array of objects that know ``+ - * /`` (Arb balls, fractions). Sums and products are written with operators and
work for all of them; what moves entries, adds them up along a pattern or joins arrays goes through here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from verify.arithmetic import interval_joins, taylor_model
from verify.arithmetic.device_arrays import DeviceArray
from verify.arithmetic.intervals import Interval
from verify.arithmetic.taylor_model import TaylorModel

Array = Any
"""float array, `Interval`, `TaylorModel` or object array."""


def rearranged(move: Callable[[np.ndarray], np.ndarray], x: Array, repeats: int | None = None) -> Array:
    """Apply a function that only moves, repeats or leaves out entries, or puts in zeros: exact in every arithmetic.

    It uses an entry at most `repeats` times; they are counted where that matters and is not given.

    Examples
    --------
    >>> rearranged(lambda a: a[::-1], np.array([1.0, 2.0]))
    array([2., 1.])
    """
    if isinstance(x, TaylorModel):
        return x.rearranged(move, repeats)
    return move(x) if _is_plain(x) else x.rearranged(move)


def accumulated(add: Callable[[np.ndarray], np.ndarray], terms: int, x: Array, uses: int | None = None) -> Array:
    """Apply a function each of whose results is a sum of at most `terms` entries of `x`.

    An entry stands in at most `uses` of the sums; without that number bounds are wider.

    Examples
    --------
    >>> total = accumulated(lambda a: a.sum(axis=0), 2, Interval.point([[0.1], [0.2]]))
    >>> total.contains(np.array([0.1]) + np.array([0.2]))
    True
    """
    if isinstance(x, TaylorModel):
        return x.accumulated(add, terms, uses)
    return add(x) if _is_plain(x) else x.accumulated(add, terms)


def _is_plain(x: Array) -> bool:
    return isinstance(x, np.ndarray | DeviceArray)


def concatenated(parts: Sequence[Array], axis: int) -> Array:
    """Join arrays of one kind along an axis."""
    if any(isinstance(part, TaylorModel) for part in parts):
        return taylor_model.concatenate(parts, axis)
    if any(isinstance(part, Interval) for part in parts):
        return interval_joins.concatenate(parts, axis)
    return np.concatenate(parts, axis=axis)


def zeros(shape: tuple[int, ...], like: np.ndarray) -> np.ndarray:
    """Return zeros of the kind of the entries of a NumPy array: of its data type, Arb balls or fractions.

    Examples
    --------
    >>> from fractions import Fraction
    >>> zeros((1,), np.array([Fraction(1, 2)], dtype=object))
    array([Fraction(0, 1)], dtype=object)
    """
    if isinstance(like, DeviceArray):
        return np.zeros_like(like, shape=shape)
    if like.dtype != object:
        return np.zeros(shape, dtype=like.dtype)
    return np.full(shape, like.flat[0] * 0 if like.size else 0, dtype=object)


def is_exact_kind(x: Array) -> bool:
    """Whether the entries are objects: Arb balls or fractions."""
    return isinstance(x, np.ndarray) and x.dtype == object
