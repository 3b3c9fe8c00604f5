"""Rounding errors of the passes along a segment, as one number per vertex: bounds in the maximum norm.

For every vertex, over the samples of a chunk, an `Approximation` holds a computed array x, its largest absolute entry
and a bound e of |x - exact|, entry by entry. A sum of products of such arrays with weights is off by at most the sum of
S e, where S is the largest absolute row sum of the linear map, plus gamma_K times the sum of the products' absolute
values, for every order of summation.

The arrays are float64 or float32; weights that were rounded to the arrays' format count as one rounding more. Scalars
are computed in float64 and enlarged by `enlarged`, which covers a formula of up to a hundred roundings.
"""

from __future__ import annotations

from functools import cache, lru_cache
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.rounding import FLOOR, floor, gamma, unit_roundoff

if TYPE_CHECKING:
    from verify.architecture import LinearMap

ROOM = 1 + 2.0**-45


@cache
def unit(dtype: type | np.dtype[Any]) -> float:
    """Unit roundoff of a format."""
    return float(unit_roundoff(dtype))


@cache
def least(dtype: type | np.dtype[Any]) -> float:
    """What covers underflow in a format: `floor`."""
    return float(floor(dtype))


@lru_cache(maxsize=4096)
def accumulated(roundings: int, dtype: type | np.dtype[Any] = np.float64) -> float:
    """Relative error of that many roundings in a row: `gamma`."""
    return float(gamma(roundings, dtype))


def enlarged(value: float) -> float:
    """Return a float64 not below the exact value of a nonnegative formula with at most a hundred roundings.

    Examples
    --------
    >>> enlarged(0.1 + 0.2) > 0.3
    True
    """
    return value * ROOM + FLOOR


class Approximation:
    """A computed array with a bound of its entries' absolute values and one of their errors.

    Attributes
    ----------
    value : ndarray
    largest : float
        Upper bound of the computed entries' absolute values.
    error : float
        Upper bound of |computed - exact|.
    magnitude : float
        Upper bound of the exact entries' absolute values.
    """

    __slots__ = ("_row_norm", "error", "largest", "magnitude", "value")

    def __init__(self, value: np.ndarray, largest: float, error: float) -> None:
        self.value, self.largest, self.error = value, largest, error
        self.magnitude = enlarged(largest + error)
        self._row_norm: float | None = None

    @classmethod
    def of(cls, value: np.ndarray, error: float) -> Approximation:
        """Return the approximation with the largest entry filled in."""
        return cls(value, largest_entry(value), error)

    @property
    def row_norm(self) -> float:
        """Upper bound of the Euclidean norms of the computed array's rows."""
        if self._row_norm is None:
            width, dtype = self.value.shape[-1], self.value.dtype
            squares = largest_entry(np.einsum("ij,ij->i", self.value, self.value))
            self._row_norm = enlarged(sqrt(squares * (1 + 2 * accumulated(width + 2, dtype)) + width * least(dtype)))
        return self._row_norm

    def rounded_into(self, array: np.ndarray) -> Approximation:
        """Return the same numbers in the format of `array`, which is overwritten."""
        np.copyto(array, self.value, casting="same_kind")
        return Approximation(array, enlarged(self.largest * (1 + unit(array.dtype))), self.rounded_error(array))

    def rounded_error(self, array: np.ndarray) -> float:
        """Upper bound of the errors when the numbers are rounded to the format of `array`."""
        return enlarged(self.error + unit(array.dtype) * self.largest + least(array.dtype))


def largest_entry(array: np.ndarray) -> float:
    """Largest absolute entry, 0 for an empty array; NaN stays NaN."""
    return max(largest_of_nonnegative(array), -float(np.minimum.reduce(array, axis=None))) if array.size else 0.0


def largest_of_nonnegative(array: np.ndarray) -> float:
    """Largest entry of an array without negative ones, 0 for an empty array; NaN stays NaN."""
    return float(np.maximum.reduce(array, axis=None)) if array.size else 0.0


def row_sum(linear: LinearMap, theta: np.ndarray | None) -> float:
    """Upper bound of the largest absolute row sum of A(theta), hence of its norm for the maximum norm."""
    return _largest_row(linear, None if theta is None else np.abs(theta))


def row_norm(linear: LinearMap, theta: np.ndarray) -> float:
    """Upper bound of the largest Euclidean norm of a row of A(theta), whose entries are parameters or 0."""
    return enlarged(sqrt(_largest_row(linear, np.square(theta))))


def _largest_row(linear: LinearMap, theta: np.ndarray | None) -> float:
    """Upper bound of the largest row sum of A(theta), theta not negative."""
    total = linear.apply(theta, np.ones((1, linear.in_width)))
    return enlarged(float(np.max(total)) * (1 + 2 * accumulated(products(linear))))


def products(linear: LinearMap) -> int:
    """Upper bound of the number of roundings in one entry of A(theta) h, those of theta and of the result included."""
    return (prod(linear.parameter_shape[1:]) if linear.parameter_shape else linear.in_width) + 4


def summed_error(
    terms: list[tuple[float, float, float]], roundings: int, dtype: type | np.dtype[Any] = np.float64
) -> float:
    """Error bound of a computed sum of terms, each given as (S, X, error of x).

    Parameters
    ----------
    terms : list of (float, float, float)
        For a product A x: the row sum S of A, X with |A| |x| <= S X entry by entry, as the largest entry of x, and the
        error of x.
    roundings : int
        Roundings that any one product of an entry of A and one of x can meet on its way into the result.
    dtype : data type
        Of the arrays.
    """
    propagated = sum(s * error for s, _, error in terms)
    computed = summed_size(terms)
    underflow = least(dtype) * (1 + sum(largest for _, largest, _ in terms))
    return enlarged(propagated + accumulated(roundings, dtype) * computed + underflow)


def summed_size(terms: list[tuple[float, float, float]]) -> float:
    """Upper bound, but for the rounding of this sum itself, of the absolute values of a sum of such terms."""
    return sum(s * (largest + error) for s, largest, error in terms)


def product_error(a: Approximation, b: Approximation) -> float:
    """Error bound of the exact product of two approximations: its rounding is not in it."""
    return enlarged(a.magnitude * b.error + a.error * b.magnitude)


def largest_slope(activation: Any, order: int, reach: float) -> float:
    """Upper bound of |g^(order)| on [-reach, reach]: over the whole line where that is finite."""
    everywhere = activation.supremum(order)
    if np.isfinite(everywhere):
        return everywhere
    if np.isnan(reach):
        return float("inf")
    low, high = activation.range(order, np.array([-reach]), np.array([reach]))
    return float(max(abs(low[0]), abs(high[0])))
