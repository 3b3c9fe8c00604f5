"""Ranges over many intervals at once, from the values at their ends and the extrema inside."""

from __future__ import annotations

import functools
from typing import final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@final
class Extrema:
    """Values on cells, searched by interval.

    Parameters
    ----------
    cells, values : ndarray, shape (m, 2)
        Increasing intervals and the bounds of a function on them.
    """

    def __init__(self, cells: Array, values: Array) -> None:
        self._starts = np.ascontiguousarray(cells[:, 0])
        self._stops = np.ascontiguousarray(cells[:, 1])
        self._lowest = _doubling(values[:, 0], np.minimum)
        self._highest = _doubling(values[:, 1], np.maximum)

    def widen(self, lower: Array, upper: Array, low: Array, high: Array) -> tuple[Array, Array]:
        """Return ``low`` and ``high`` widened by the values on the cells that meet ``[lower, upper]``, elementwise."""
        if not len(self._starts):
            return low, high
        first = np.searchsorted(self._stops, lower, side="left")
        last = np.searchsorted(self._starts, upper, side="right")
        count = last - first
        if not np.any(count > 0):
            return low, high
        met = count > 0
        level = np.frexp(np.maximum(count, 1))[1] - 1
        left = np.where(met, first, 0)
        right = np.where(met, last - (1 << level), 0)
        least = np.minimum(self._lowest[level, left], self._lowest[level, right])
        most = np.maximum(self._highest[level, left], self._highest[level, right])
        return np.where(met, np.minimum(low, least), low), np.where(met, np.maximum(high, most), high)


def _doubling(values: Array, pick: np.ufunc) -> Array:
    """Row ``k`` holds the extreme of ``2**k`` neighbours, starting at each place."""
    rows = [values]
    while 2 << (len(rows) - 1) <= len(values):
        step = 1 << (len(rows) - 1)
        shifted = np.concatenate([rows[-1][step:], rows[-1][-1:].repeat(step)])
        rows.append(pick(rows[-1], shifted))
    return functools.reduce(lambda a, b: np.vstack([a, b]), rows[1:], rows[0][None, :])
