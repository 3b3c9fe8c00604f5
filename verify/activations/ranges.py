"""Ranges over many intervals at once, from the values at their ends and the extrema inside."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import final

import numpy as np
from numpy.typing import NDArray

from verify.activations.profile import Profile
from verify.arithmetic.intervals import Interval

Array = NDArray[np.float64]


@final
class Ranges:
    """The ranges of one function.

    Parameters
    ----------
    profile : Profile
        Its extrema.
    over : callable or None
        Encloses it over intervals, perhaps badly; used where the profile knows no bound.
    """

    def __init__(self, profile: Profile, over: Callable[[Interval], Interval] | None) -> None:
        self._profile = profile
        self._over = over
        self._starts = np.ascontiguousarray(profile.cells[:, 0])
        self._stops = np.maximum.accumulate(profile.cells[:, 1])  # outward rounding may let neighbours overlap
        self._lowest = _doubling(profile.values[:, 0], np.minimum)
        self._highest = _doubling(profile.values[:, 1], np.maximum)

    def range(self, lower: Array, upper: Array, at_lower: Interval, at_upper: Interval) -> tuple[Array, Array]:
        """Return bounds over ``[lower, upper]``, elementwise.

        Parameters
        ----------
        lower, upper : ndarray, one axis
            May be infinite.
        at_lower, at_upper : Interval
            The function at both ends, where these are finite.
        """
        low, high = self._cells(lower, upper)
        for endless, value, (least, most) in (
            (lower == -np.inf, at_lower, self._profile.limits[0]),
            (upper == np.inf, at_upper, self._profile.limits[1]),
        ):
            below, above = value.lower, value.upper
            below[endless], above[endless] = least, most
            low, high = np.minimum(low, below), np.maximum(high, above)
        low, high = np.maximum(low, self._profile.low), np.minimum(high, self._profile.high)
        lost = (np.isinf(low) | np.isinf(high)) & np.isfinite(lower) & np.isfinite(upper)
        if self._over is not None and np.any(lost):
            found = self._over(Interval.from_bounds(lower[lost], upper[lost]))
            low[lost], high[lost] = np.maximum(low[lost], found.lower), np.minimum(high[lost], found.upper)
        return low, high

    def _cells(self, lower: Array, upper: Array) -> tuple[Array, Array]:
        """Return the hull of the values on all cells that meet the intervals; reversed infinities if there are none."""
        low, high = np.full(lower.shape, np.inf), np.full(lower.shape, -np.inf)
        if not len(self._starts):
            return low, high
        first = np.searchsorted(self._stops, lower, side="left")
        count = np.searchsorted(self._starts, upper, side="right") - first
        met = count > 0
        if np.any(met):
            level = np.frexp(count[met])[1] - 1
            left = first[met]
            right = left + count[met] - (1 << level)
            low[met] = np.minimum(self._lowest[level, left], self._lowest[level, right])
            high[met] = np.maximum(self._highest[level, left], self._highest[level, right])
        return low, high


def _doubling(values: Array, pick: np.ufunc) -> Array:
    """Row ``k`` holds the extreme of the ``2**k`` entries from each place on."""
    rows = [values]
    while 2 << (len(rows) - 1) <= len(values):
        step = 1 << (len(rows) - 1)
        shifted = np.concatenate([rows[-1][step:], rows[-1][-1:].repeat(step)])
        rows.append(pick(rows[-1], shifted))
    return functools.reduce(lambda table, row: np.vstack([table, row]), rows[1:], rows[0][None, :])
