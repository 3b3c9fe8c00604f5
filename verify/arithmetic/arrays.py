"""The few array functions that mean the same for float64 arrays, intervals and arrays of exact numbers.

An *array* here is a NumPy array of float64 or float32 numbers, an `Interval`, or a NumPy array of objects that know
``+ - * /`` (Arb balls, fractions). Sums and products are written with operators and work for all of them; what moves
entries, adds them up along a pattern or joins arrays goes through here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from verify.arithmetic import intervals, upward
from verify.arithmetic.intervals import Interval
from verify.arithmetic.midrad import guarded
from verify.arithmetic.rounding import gamma, inflation

Array = Any
"""float array, `Interval` or object array."""


def rearranged(move: Callable[[np.ndarray], np.ndarray], x: Array) -> Array:
    """Apply a function that only moves, repeats or leaves out entries, or puts in zeros: exact in every arithmetic.

    Examples
    --------
    >>> rearranged(lambda a: a[::-1], np.array([1.0, 2.0]))
    array([2., 1.])
    """
    return x.rearranged(move) if isinstance(x, Interval) else move(x)


def accumulated(add: Callable[[np.ndarray], np.ndarray], terms: int, x: Array) -> Array:
    """Apply a function each of whose results is a sum of at most `terms` entries of `x`.

    An interval's midpoints are summed with an error of at most gamma(terms) times the sum of their absolute values,
    whatever the order; its radii are summed upward. Sums do not underflow.

    Examples
    --------
    >>> total = accumulated(lambda a: a.sum(axis=0), 2, Interval.point([[0.1], [0.2]]))
    >>> total.contains(np.array([0.1]) + np.array([0.2]))
    True
    """
    if not isinstance(x, Interval):
        return add(x)
    with np.errstate(all="ignore"):
        mid = add(x.mid)
        spread = upward.mul(add(np.abs(x.mid)) * inflation(terms), gamma(terms))
        if not x.is_exact:
            spread = upward.add(spread, add(x.rad) * inflation(terms))
        return Interval(*guarded(mid, spread))


def concatenated(parts: Sequence[Array], axis: int) -> Array:
    """Join arrays of one kind along an axis."""
    if any(isinstance(part, Interval) for part in parts):
        return intervals.concatenate(parts, axis)
    return np.concatenate(parts, axis=axis)


def is_exact_kind(x: Array) -> bool:
    """Whether the entries are objects: Arb balls or fractions."""
    return isinstance(x, np.ndarray) and x.dtype == object
