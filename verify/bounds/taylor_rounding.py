"""Rounding errors of the passes along a segment, as one number per vertex: bounds in the maximum norm.

For every vertex, over the samples of a chunk, an `Approximation` holds a computed array x, its largest absolute entry
and a bound e of |x - exact|, entry by entry. A sum of products of such arrays with weights is off by at most the sum of
S e, where S is the largest absolute row sum of the linear map, plus gamma_K times the sum of the products' absolute
values, for every order of summation.

The arrays are float64 or float32; weights that were rounded to the arrays' format count as one rounding more. Scalars
are computed in float64 and enlarged by `enlarged`, which covers a formula of up to a hundred roundings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.rounding import FLOOR, floor, gamma, unit_roundoff

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from verify.architecture import LinearMap

ROOM = 1 + 2.0**-45


def enlarged(value: float) -> float:
    """Return a float64 not below the exact value of a nonnegative formula with at most a hundred roundings.

    Examples
    --------
    >>> enlarged(0.1 + 0.2) > 0.3
    True
    """
    return value * ROOM + FLOOR


@dataclass(frozen=True)
class Approximation:
    """A computed array with a bound of its entries' magnitude and one of their errors."""

    value: np.ndarray
    largest: float
    error: float

    @classmethod
    def of(cls, value: np.ndarray, error: float) -> Approximation:
        """Return the approximation with the largest entry filled in."""
        return cls(value, largest_entry(value), error)

    @property
    def magnitude(self) -> float:
        """Upper bound of the exact entries' absolute values."""
        return enlarged(self.largest + self.error)

    @cached_property
    def row_norm(self) -> float:
        """Upper bound of the Euclidean norms of the computed array's rows."""
        width = self.value.shape[-1]
        squares = largest_entry(np.einsum("ij,ij->i", self.value, self.value))
        relative = 2 * float(gamma(width + 2, self.value.dtype))
        return enlarged(sqrt(squares * (1 + relative) + width * float(floor(self.value.dtype))))

    def rounded_into(self, array: np.ndarray) -> Approximation:
        """Return the same numbers in the format of `array`, which is overwritten."""
        np.copyto(array, self.value, casting="same_kind")
        return Approximation(array, enlarged(self.largest * (1 + _unit(array))), self.rounded_error(array))

    def rounded_error(self, array: np.ndarray) -> float:
        """Upper bound of the errors when the numbers are rounded to the format of `array`."""
        return enlarged(self.error + _unit(array) * self.largest + float(floor(array.dtype)))


def _unit(array: np.ndarray) -> float:
    return float(unit_roundoff(array.dtype))


def largest_entry(array: np.ndarray) -> float:
    """Largest absolute entry, 0 for an empty array; NaN stays NaN."""
    return float(max(array.max(), -array.min())) if array.size else 0.0


def row_sum(linear: LinearMap, theta: np.ndarray | None) -> float:
    """Upper bound of the largest absolute row sum of A(theta), hence of its norm for the maximum norm."""
    return _largest_row(linear, None if theta is None else np.abs(theta))


def row_norm(linear: LinearMap, theta: np.ndarray) -> float:
    """Upper bound of the largest Euclidean norm of a row of A(theta), whose entries are parameters or 0."""
    return enlarged(sqrt(_largest_row(linear, np.square(theta))))


def _largest_row(linear: LinearMap, theta: np.ndarray | None) -> float:
    """Upper bound of the largest row sum of A(theta), theta not negative."""
    total = linear.apply(theta, np.ones((1, linear.in_width)))
    return enlarged(float(np.max(total)) * (1 + 2 * float(gamma(products(linear)))))


def products(linear: LinearMap) -> int:
    """Upper bound of the number of roundings in one entry of A(theta) h, those of theta and of the result included."""
    return (prod(linear.parameter_shape[1:]) if linear.parameter_shape else linear.in_width) + 4


def summed_error(terms: list[tuple[float, float, float]], roundings: int, dtype: DTypeLike = np.float64) -> float:
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
    computed = sum(s * (largest + error) for s, largest, error in terms)
    underflow = float(floor(dtype)) * (1 + sum(largest for _, largest, _ in terms))
    return enlarged(propagated + float(gamma(roundings, dtype)) * computed + underflow)


def product_error(a: Approximation, b: Approximation) -> float:
    """Error bound of the exact product of two approximations: its rounding is not in it."""
    return enlarged(a.magnitude * b.error + a.error * b.magnitude)


def largest_slope(activation: Any, order: int, reach: float) -> float:
    """Upper bound of |g^(order)| on [-reach, reach]: over the whole line where that is finite."""
    everywhere = activation.supremum(order)
    if np.isfinite(everywhere):
        return everywhere
    low, high = activation.range(order, np.array([-reach]), np.array([reach]))
    return float(max(abs(low[0]), abs(high[0])))
