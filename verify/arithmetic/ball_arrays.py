"""Arrays of real numbers known up to one ball: a float64 array and a bound of its distance in the Euclidean norm.

A `BallArray` *holds* every real array x of its shape with ``|x - value|_2 <= ball``, over all entries together.
Rounding needs no more: an operation costs one pass over the array and one for its length, where an `Interval`, with a
radius for every entry, costs ten; and balls grow along a network with norms, not with sums of absolute values. They
are of no use for what differs from entry to entry.

An infinite ball says that nothing is known; it stays infinite, whatever the numbers are.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isfinite, prod, sqrt
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import midrad
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.floats import exact_array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.lengths_upward import length, raised
from verify.arithmetic.perturbation import largest_norm
from verify.arithmetic.rounding import FLOOR, LONGEST_SUM, UNIT, gamma, inflation

Array = NDArray[np.float64]
_SMALL = 2**17
"""Entries of matrices whose spectral norm is bounded; of larger ones, which are data, by their length."""


@final
class BallArray:
    """See the module.

    Parameters
    ----------
    value : ndarray of float64
    ball : float

    Examples
    --------
    >>> third = BallArray(np.array([1.0]), 0.0) / 3.0
    >>> third.interval.contains([1 / 3]), 0 < third.ball < 1e-16
    (True, True)
    """

    __slots__ = ("_interval", "_largest", "_length", "_norm", "ball", "value")
    __array_ufunc__ = None

    def __init__(self, value: Array, ball: float = 0.0) -> None:
        self.value = value
        self.ball = ball
        self._interval: Interval | None = None
        self._length = self._largest = self._norm = -1.0

    @staticmethod
    def of(x: Any) -> BallArray:
        """Return numbers as balls: those of an interval array lie within the length of its radii."""
        if isinstance(x, BallArray):
            return x
        if isinstance(x, Interval):
            return BallArray(x.mid) if x.is_exact else BallArray(x.mid, length(x.rad))
        return BallArray(exact_array(x))

    @property
    def interval(self) -> Interval:
        """The same numbers as intervals, all of one radius."""
        if self._interval is None:
            if not self.ball:
                self._interval = Interval(self.value)
            else:
                self._interval = Interval(*midrad.guarded(self.value, np.full_like(self.value, self.ball)))
        return self._interval

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.value.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.value.ndim

    @property
    def length(self) -> float:
        """Upper bound of the Euclidean norm of the float64 numbers."""
        if self._length < 0:
            self._length = length(self.value)
        return self._length

    @property
    def largest(self) -> float:
        """Largest absolute float64 number; infinite where one is not finite."""
        if self._largest < 0:
            found = float(np.max(np.abs(self.value), initial=0.0))
            self._largest = found if isfinite(found) else inf
        return self._largest

    @property
    def norm(self) -> float:
        """Upper bound of the spectral norms of the float64 matrices ``(..., a, b)``."""
        if self._norm < 0:
            matrices = self.value if self.ndim > 1 else self.value[:, None]
            self._norm = min(largest_norm(matrices), self.length) if self.value.size <= _SMALL else self.length
        return self._norm

    # rearrangements and sums

    def rearranged(self, move: Callable[[Array], Array], repeats: float | None = None) -> BallArray:
        """Return moved entries, each used at most `repeats` times; they are counted if that is not given."""
        value = move(self.value)
        if not self.ball:
            return BallArray(value)
        if repeats is None:
            repeats = uses_of(move, self.shape)
        return BallArray(value, raised(self.ball * sqrt(repeats)))

    def accumulated(self, add: Callable[[Array], Array], terms: int, uses: int | None = None) -> BallArray:
        """Return sums of at most `terms` entries, each used in at most `uses` of them, found out if that is not given.

        A sum of m rounded terms is off by at most gamma(m - 1) times the sum of their absolute values, and the norm of
        a matrix of zeros and ones is at most the root of its largest row and column sums, or of the number of ones.
        """
        value = as_array(add(self.value))
        gain = terms * uses if uses is not None else float(np.sum(add(np.ones(self.shape))))
        error = raised(self.ball * sqrt(gain)) if self.ball else 0.0
        if terms > 1:
            sizes = length(as_array(add(np.abs(self.value))))
            error = raised(error + float(gamma(terms - 1)) * float(inflation(terms)) * sizes)
        return BallArray(value, error)

    def __getitem__(self, index: Any) -> BallArray:
        return self.rearranged(lambda a: as_array(a[index]))

    def reshape(self, *shape: Any) -> BallArray:
        """Return the same entries in another shape."""
        return BallArray(self.value.reshape(*shape), self.ball)

    def transpose(self, *axes: Any) -> BallArray:
        """Return the array with permuted axes."""
        return BallArray(self.value.transpose(*axes), self.ball)

    def broadcast_to(self, shape: tuple[int, ...]) -> BallArray:
        """Return the array repeated to a larger shape."""
        return self.rearranged(lambda a: np.broadcast_to(a, shape), _repeats(shape, self.shape))

    def sum(self, axis: int | tuple[int, ...] | None = None) -> BallArray:
        """Return the sum over axes."""
        axes = tuple(range(self.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        terms = max(prod(self.shape[k] for k in axes), 1)
        return self.accumulated(lambda a: as_array(np.sum(a, axis=axes)), terms, 1)

    # arithmetic

    def __neg__(self) -> BallArray:
        return BallArray(-self.value, self.ball)

    def __add__(self, other: Any) -> BallArray:
        y = BallArray.of(other)
        value = as_array(self.value + y.value)
        balls = sum(x.ball * sqrt(_repeats(value.shape, x.shape)) for x in (self, y) if x.ball)
        result = BallArray(value)
        result.ball = raised(balls + UNIT * result.length)
        return result

    __radd__ = __add__

    def __sub__(self, other: Any) -> BallArray:
        return self + (-BallArray.of(other))

    def __rsub__(self, other: Any) -> BallArray:
        return BallArray.of(other) + (-self)

    def __mul__(self, other: Any) -> BallArray:
        """Return the products: ``(a + da)(b + db) - a b``, entries repeated where shapes differ, and u of each."""
        y = BallArray.of(other)
        value = as_array(self.value * y.value)
        moved = self.ball * y.ball
        for x, factor in ((self, y), (y, self)):
            if x.ball:
                moved += x.ball * sqrt(_repeats(value.shape, x.shape)) * factor.largest
        result = BallArray(value)
        result.ball = raised(moved + UNIT * result.length + FLOOR * sqrt(value.size))
        return result

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> BallArray:
        """Return the quotients by one exact number that is not 0."""
        divisor = exact_array(other)
        if divisor.size != 1:
            raise TypeError("balls are divided by single numbers; multiply by a reciprocal")
        result = BallArray(as_array(self.value / divisor))
        moved = self.ball / abs(float(divisor.reshape(-1)[0])) if self.ball else 0.0
        result.ball = raised(moved + UNIT * result.length + FLOOR * sqrt(result.value.size))
        return result

    def __matmul__(self, other: Any) -> BallArray:
        return _product(self, BallArray.of(other))

    def __rmatmul__(self, other: Any) -> BallArray:
        return _product(BallArray.of(other), self)

    def __repr__(self) -> str:
        return f"BallArray(shape={self.shape}, ball={self.ball!r})"


def uses_of(move: Callable[[Array], Array], shape: tuple[int, ...]) -> int:
    """Return how often a function that only moves entries uses one of them at most.

    Examples
    --------
    >>> uses_of(lambda a: a[[0, 0, 1]], (2,))
    2
    """
    size = prod(shape)
    found = as_array(move(np.arange(1.0, size + 1.0).reshape(shape))).reshape(-1).astype(np.int64)
    return int(np.max(np.bincount(found, minlength=1)[1:], initial=1))


def _repeats(shape: tuple[int, ...], part: tuple[int, ...]) -> float:
    return max(prod(shape) / max(prod(part), 1), 1.0)


def _product(a: BallArray, b: BallArray) -> BallArray:
    """Return matrix products: ``|A db|_F <= |A| |db|_F`` for every pair, roundings by gamma of the lengths."""
    with np.errstate(all="ignore"):
        value = as_array(np.matmul(a.value, b.value))
    terms = a.shape[-1]
    if terms > LONGEST_SUM:
        return BallArray.of(a.interval @ b.interval)
    stack = prod(value.shape[:-2]) if value.ndim > 2 else 1
    pairs = [sqrt(stack / max(prod(x.shape[:-2]), 1)) if x.ndim > 2 else sqrt(stack) for x in (a, b)]
    moved = a.ball * b.ball * pairs[0] * pairs[1]
    if a.ball:
        moved += a.ball * pairs[0] * b.norm
    if b.ball:
        moved += b.ball * pairs[1] * a.norm
    rounding = float(gamma(terms)) * a.length * b.length * pairs[0] * pairs[1]
    return BallArray(value, raised(moved + rounding + FLOOR * sqrt(value.size)))
