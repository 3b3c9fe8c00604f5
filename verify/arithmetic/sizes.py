"""Upper bounds of the size of an unknown array: of its entries, of its rows and of the whole of it.

A *row* is what stands at one index of the first axis (usually a sample); rows and the whole are measured by the
Euclidean norm of their entries, the whole by the sum of their absolute values too. Each of the bounds sharpens the
others, and a rule may give whichever it knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval

Array = NDArray[np.float64]


@final
class Sizes:
    """Bounds of an array x: ``|x[i]| <= entries[i]``, ``|x[k]| <= rows[k]``, ``|x| <= whole``, ``|x|_1 <= absolute``.

    They are infinite where nothing is known.

    Parameters
    ----------
    entries : array
    rows : array, of the length of the first axis
        Equal to `entries` for arrays with one axis or none.
    whole, absolute : float

    Examples
    --------
    >>> sizes = Sizes.of(np.array([[3.0, 4.0]]), whole=np.inf)
    >>> sizes.rows, bool(5 <= sizes.whole < 5 + 1e-14)
    (array([5.]), True)
    """

    __slots__ = ("absolute", "entries", "rows", "whole")

    def __init__(self, entries: Array, rows: Array, whole: float, absolute: float) -> None:
        self.entries = entries
        self.rows = rows
        self.whole = whole
        self.absolute = absolute

    @staticmethod
    def of(entries: Array, rows: Array | float = np.inf, whole: float = np.inf, absolute: float = np.inf) -> Sizes:
        """Return the bounds given, each sharpened by the others."""
        entries = np.asarray(entries)
        whole = min(whole, absolute)
        if entries.ndim == 0:
            least = np.minimum(np.minimum(entries, rows), whole)
            return Sizes(least, least, float(least), float(least))
        beside = tuple(range(1, entries.ndim))
        rows = np.minimum(np.minimum(upward.norm(entries, axis=beside), rows), whole)
        whole = min(whole, float(upward.norm(rows)))
        entries = np.minimum(entries, rows.reshape((-1, *(1 for _ in beside))))
        absolute = min(absolute, float(upward.sum(entries)), float(upward.mul(whole, upward.sqrt(float(entries.size)))))
        return Sizes(entries, entries if entries.ndim == 1 else rows, whole, absolute)

    @staticmethod
    def ball(shape: tuple[int, ...], radius: float = 1.0) -> Sizes:
        """Return the bounds of the arrays of at most a Euclidean norm."""
        return Sizes.of(np.full(shape, radius), radius, radius)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.entries.shape

    @property
    def is_finite(self) -> bool:
        """Whether every bound is finite."""
        return bool(np.all(np.isfinite(self.entries))) and self.whole < np.inf

    def times(self, factor: float) -> Sizes:
        """Return the bounds of a multiple, for a factor >= 0."""
        return self.each(lambda a: upward.mul(a, factor))

    def each(self, function: Callable[..., Any], *others: Sizes) -> Sizes:
        """Apply an increasing function that is right for absolute values and for norms."""
        entries, rows, whole, absolute = (
            function(*(getattr(sizes, part) for sizes in (self, *others)))
            for part in ("entries", "rows", "whole", "absolute")
        )
        return Sizes.of(np.asarray(entries), np.asarray(rows), float(whole), float(absolute))

    def least(self, *others: Sizes) -> Sizes:
        """Return bounds that hold because each of the given ones does."""
        return self.each(lambda *parts: reduce(np.minimum, parts), *others)

    def over(self, axes: tuple[int, ...]) -> Array:
        """Return bounds of the norms over some axes, for every index along the others."""
        found = upward.norm(self.entries, axis=axes) if axes else self.entries
        if self.entries.ndim and 0 not in axes:
            others = tuple(1 for axis in range(1, self.entries.ndim) if axis not in axes)
            found = np.minimum(found, self.rows.reshape((-1, *others)))
        return np.minimum(found, self.whole)

    def weighted(self, factors: Array) -> Sizes:
        """Return the bounds of ``factors * x``, entry by entry, for factors >= 0 that may be any up to these."""
        entries = upward.mul(factors, self.entries)
        if not entries.size:
            return self
        beside = tuple(range(1, entries.ndim))
        rows = upward.mul(factors.max(axis=beside), self.rows) if entries.ndim else np.inf
        most = factors.max()
        return Sizes.of(entries, rows, float(upward.mul(most, self.whole)), float(upward.mul(most, self.absolute)))

    def products(self, other: Sizes) -> float:
        """Bound the sum of ``|x y|`` over all entries."""
        if not self.entries.size:
            return 0.0
        return float(
            min(
                upward.inner(self.entries, other.entries),
                upward.inner(self.rows, other.rows),
                upward.mul(self.whole, other.whole),
                upward.mul(self.entries.max(), other.absolute),
                upward.mul(self.absolute, other.entries.max()),
            )
        )

    def within(self) -> Interval:
        """Return the box of the entries around zero."""
        return Interval(np.zeros(self.shape), self.entries)

    def __repr__(self) -> str:
        return f"Sizes(shape={self.shape}, whole={self.whole:g})"


def total(parts: Sequence[Sizes | None]) -> Sizes | None:
    """Return the bounds of a sum; None is zero."""
    present = [part for part in parts if part is not None]
    if len(present) < 2:
        return present[0] if present else None
    return present[0].each(upward.add, *present[1:])
