"""Arrays of real intervals, stored as float64 midpoints and radii.

``Interval(mid, rad)`` holds, entry by entry, the real numbers ``x`` with ``|x - mid| <= rad``. The midpoint
is finite; the radius is in ``[0, inf]``, and ``inf`` stands for the whole line. An operation is *valid* if
for all choices of real numbers in its operands the exact result lies in the interval returned; all operations
here are valid in float64 with round to nearest.

Midpoints and radii serve matrix products: enclosing ``X @ B`` for an exact ``B`` of order 500 costs 2.1 plain
products on BLAS. Endpoints would need four products, 5.2 times the cost of one before any rounding is accounted for
(``benchmarks/arithmetic.py``).
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import reduce
from typing import Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verify.arithmetic import midrad, upward
from verify.arithmetic.blocks import in_blocks
from verify.arithmetic.comparisons import PartiallyOrdered
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.floats import exact_array, float_array
from verify.arithmetic.movable import Movable
from verify.arithmetic.rounding import (
    LONGEST_SUM,
    ArithmeticDomainError,
    add_down,
    add_up,
    gamma,
    inflation,
    refuse_nan,
)

Array = NDArray[np.float64]
Operand = Union["Interval", ArrayLike]


class Interval(PartiallyOrdered, Movable):
    """Array of real intervals; see the module for what an enclosure means.

    Parameters
    ----------
    mid : ndarray of float64
        Midpoints.
    rad : ndarray of float64 or None
        Radii, of the same shape; ``None`` for exact numbers.

    Notes
    -----
    The arrays are not copied: use `point`, `from_midrad` or `from_bounds`, which check and copy, for numbers
    from outside.

    Examples
    --------
    >>> x = Interval.from_bounds([1.0, -1.0], [2.0, 3.0])
    >>> (x * x).contains([4.0, -3.0])
    True
    >>> x.square().contains([1.0, 0.0]), x.square().contains([4.0, 9.0])
    (True, True)
    """

    __slots__ = ("_rad", "mid")
    __array_ufunc__ = None  # so that ndarray + Interval comes to Interval.__radd__

    def __init__(self, mid: Array, rad: Array | None = None) -> None:
        self.mid = mid
        self._rad = rad

    @staticmethod
    def point(a: ArrayLike) -> Interval:
        """Return exact numbers as intervals of radius zero.

        Parameters
        ----------
        a : array_like
            Finite float64 numbers, or integers and float32 numbers that convert exactly.

        Raises
        ------
        ArithmeticDomainError
            If an entry is NaN or infinite.
        """
        return Interval(exact_array(a).copy())

    @staticmethod
    def from_bounds(lower: ArrayLike, upper: ArrayLike) -> Interval:
        """Return the intervals between two arrays; where an end is infinite, the whole line.

        Raises
        ------
        ArithmeticDomainError
            If a bound is NaN, or a lower one above an upper one.
        """
        low, high = np.broadcast_arrays(float_array(lower), float_array(upper))
        if not np.all(low <= high):
            refuse_nan(low, high, what="Interval.from_bounds")
            at = tuple(int(i) for i in np.argwhere(low > high)[0])
            raise ArithmeticDomainError("reversed interval", position=at, lower=float(low[at]), upper=float(high[at]))
        return Interval(*in_blocks(midrad.from_ends, low, high))

    @staticmethod
    def from_midrad(mid: ArrayLike, rad: ArrayLike) -> Interval:
        """Return the intervals ``mid ± rad``.

        Raises
        ------
        ArithmeticDomainError
            If an entry is NaN, a radius negative, or a midpoint infinite.
        """
        centre, radius = np.broadcast_arrays(float_array(mid), float_array(rad))
        refuse_nan(radius, what="Interval.from_midrad")
        if np.any(radius < 0):
            raise ArithmeticDomainError("negative radius", where="Interval.from_midrad", value=float(radius.min()))
        return Interval(exact_array(centre).copy(), as_array(np.abs(radius)))

    @staticmethod
    def zeros(shape: int | tuple[int, ...]) -> Interval:
        """Return exact zeros."""
        return Interval(np.zeros(shape))

    @property
    def rad(self) -> Array:
        """Radii; a read-only view of zero where the numbers are exact."""
        return np.broadcast_to(np.float64(0.0), self.mid.shape) if self._rad is None else self._rad

    @property
    def is_exact(self) -> bool:
        """Whether all radii are known to be zero."""
        return self._rad is None

    @property
    def lower(self) -> Array:
        """Largest float64 numbers that are not above the intervals."""
        return self.mid.copy() if self._rad is None else in_blocks(midrad.lower_end, self.mid, self._rad)[0]

    @property
    def upper(self) -> Array:
        """Smallest float64 numbers that are not below the intervals."""
        return self.mid.copy() if self._rad is None else in_blocks(midrad.upper_end, self.mid, self._rad)[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.mid.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.mid.ndim

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.mid.size

    def rearranged(self, function: Callable[[Array], Array]) -> Interval:
        """Return the array that a function makes which only moves, repeats or leaves out entries, or puts in zeros."""
        return Interval(function(self.mid), None if self._rad is None else function(self._rad))

    def accumulated(self, add: Callable[[Array], Array], terms: int) -> Interval:
        """Return the array that a function makes each of whose results is a sum of at most `terms` entries.

        Midpoints are summed with an error of at most gamma(terms) times the sum of their absolute values, in any order;
        radii are summed upward. Sums do not underflow.
        """
        with np.errstate(all="ignore"):
            mid = as_array(add(self.mid))
            spread = upward.mul(as_array(add(np.abs(self.mid))) * inflation(terms), gamma(terms))
            if self._rad is not None:
                spread = upward.add(spread, as_array(add(self._rad)) * inflation(terms))
            return Interval(*midrad.guarded(mid, spread))

    # arithmetic

    def __neg__(self) -> Interval:
        return Interval(-self.mid, self._rad)

    def __abs__(self) -> Interval:
        if self._rad is None:
            return Interval(np.abs(self.mid))
        low, high = self.lower, self.upper
        return Interval.from_bounds(np.maximum(np.maximum(low, -high), 0.0), np.maximum(-low, high))

    def __add__(self, other: Operand) -> Interval:
        y = interval(other)
        return Interval(*in_blocks(midrad.plus, self.mid, self._rad, y.mid, y._rad))

    __radd__ = __add__

    def __sub__(self, other: Operand) -> Interval:
        return self + (-interval(other))

    def __rsub__(self, other: Operand) -> Interval:
        return interval(other) + (-self)

    def __mul__(self, other: Operand) -> Interval:
        y = interval(other)
        return Interval(*in_blocks(midrad.times, self.mid, self._rad, y.mid, y._rad))

    __rmul__ = __mul__

    def __truediv__(self, other: Operand) -> Interval:
        y = interval(other)
        return Interval(*in_blocks(midrad.over, self.mid, self._rad, y.mid, y._rad))

    def __rtruediv__(self, other: Operand) -> Interval:
        return interval(other) / self

    def __matmul__(self, other: Operand) -> Interval:
        return matmul(self, other)

    def __rmatmul__(self, other: Operand) -> Interval:
        return matmul(other, self)

    def square(self) -> Interval:
        """Return the squares; never below zero but for the rounding of midpoint and radius."""
        if self._rad is None:
            return self * self
        return Interval(*in_blocks(midrad.squared, self.mid, self._rad))

    def sqrt(self) -> Interval:
        """Return the square roots of the part that is not below zero.

        Raises
        ------
        ArithmeticDomainError
            If a whole interval is below zero.
        """
        low, high = self.lower, self.upper
        if np.any(high < 0):
            raise ArithmeticDomainError("square root of negative numbers", value=float(np.min(high)))
        return Interval(*midrad.roots(np.maximum(low, 0.0), high))

    # reductions

    def sum(self, axis: int | tuple[int, ...] | None = None) -> Interval:
        """Return the sum over an axis (of all entries by default); an empty sum is exactly 0."""
        return Interval(*midrad.total(self.mid, self._rad, axis))

    def dot(self, other: Operand) -> Interval:
        """Return the sum of the products of all entries with those of another array of the same shape."""
        y = interval(other)
        if y.shape != self.shape:
            raise ArithmeticDomainError("shapes disagree", where="Interval.dot", left=self.shape, right=y.shape)
        left, right = self.reshape(-1), y.reshape(-1)
        parts = [slice(start, start + LONGEST_SUM) for start in range(0, max(left.size, 1), LONGEST_SUM)]
        return reduce(operator.add, (matmul(left[part], right[part]) for part in parts))

    def norm(self) -> Interval:
        """Return the Euclidean norm of all entries, as an array of shape ``()``."""
        return Interval(*midrad.euclidean(self.min_abs(), self.max_abs()))

    def max_abs(self) -> Array:
        """Return upper bounds of ``|x|``, elementwise."""
        return np.abs(self.mid) if self._rad is None else in_blocks(midrad.upper_end, np.abs(self.mid), self._rad)[0]

    def min_abs(self) -> Array:
        """Return lower bounds of ``|x|``, elementwise."""
        return np.abs(self.mid) if self._rad is None else np.maximum(add_down(np.abs(self.mid), -self._rad), 0.0)

    # sets

    def contains(self, values: ArrayLike) -> bool:
        """Return whether all numbers lie in their intervals: decided exactly, infinite numbers never do."""
        a = float_array(values)
        refuse_nan(a, what="Interval.contains")
        least, most = (
            add_up(self.mid, -self.rad),
            add_down(self.mid, self.rad),
        )  # the outermost float64 numbers inside
        return bool(np.all(np.isfinite(a) & (((least <= a) & (a <= most)) | np.isinf(self.rad))))

    def intersect(self, other: Operand) -> Interval:
        """Return the intersection.

        Raises
        ------
        ArithmeticDomainError
            If an intersection is empty: then one of the two was no enclosure.
        """
        y = interval(other)
        low, high = np.maximum(self.lower, y.lower), np.minimum(self.upper, y.upper)
        if np.any(low > high):
            raise ArithmeticDomainError("intersection is empty", where="Interval.intersect")
        return Interval.from_bounds(low, high)

    def shrunk(self) -> Interval:
        """Return the intervals of ``t x`` for all t in [0, 1]: the hull with zero.

        Where zero lies outside, that is ``h ± h`` with h = (|mid| + rad)/2 and the sign of the midpoint; ``h ± 2h``
        where halving is not exact, and ``|mid| ± |mid|`` where the sum overflows.
        """
        size, radius = np.abs(self.mid), self.rad
        far = add_up(size, radius)
        half = 0.5 * far
        spread = np.where(2.0 * half < far, far, half)
        if not np.all(np.isfinite(far)):
            half, spread = (np.where(far == np.inf, size, part) for part in (half, spread))
        apart = size > radius
        return Interval(np.where(apart, np.copysign(half, self.mid), self.mid), np.where(apart, spread, radius))

    def hull(self, other: Operand) -> Interval:
        """Return the smallest intervals that hold both."""
        y = interval(other)
        return Interval.from_bounds(np.minimum(self.lower, y.lower), np.maximum(self.upper, y.upper))

    def __repr__(self) -> str:
        return f"Interval(mid={self.mid!r}, rad={self.rad!r})"


def interval(x: Operand) -> Interval:
    """Return an interval array as it is, numbers as exact intervals (not copied)."""
    return x if isinstance(x, Interval) else Interval(exact_array(x))


def matmul(a: Operand, b: Operand) -> Interval:
    """Return the matrix product; stacks of matrices and vectors as in ``numpy.matmul``.

    Examples
    --------
    >>> matmul(np.eye(2), Interval.point([[1.0, 2.0], [3.0, 4.0]])).contains([[1.0, 2.0], [3.0, 4.0]])
    True
    """
    x, y = interval(a), interval(b)
    with np.errstate(all="ignore"):
        return Interval(*midrad.matrix_times(x.mid, x._rad, y.mid, y._rad))
