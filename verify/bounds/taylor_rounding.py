"""Rounding errors of the passes along a segment, as one number per vertex: bounds in the maximum norm.

For every vertex, over the samples of a chunk, an `Approximation` holds a computed array x, its largest absolute entry
and a bound e of |x - exact|, entry by entry. A sum of products of such arrays with weights is off by at most the sum of
S e, where S is the largest absolute row sum of the linear map, plus gamma_K times the sum of the products' absolute
values, for every order of summation.

Scalars are computed in float64 and enlarged by `enlarged`, which covers a formula of up to a hundred roundings.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.rounding import FLOOR, gamma

if TYPE_CHECKING:
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


def largest_entry(array: np.ndarray) -> float:
    """Largest absolute entry, 0 for an empty array; NaN stays NaN."""
    return float(max(array.max(), -array.min())) if array.size else 0.0


def row_sum(linear: LinearMap, theta: np.ndarray | None) -> float:
    """Upper bound of the largest absolute row sum of A(theta), hence of its norm for the maximum norm."""
    ones = np.ones((1, linear.in_width))
    magnitudes = None if theta is None else np.abs(theta)
    total = linear.apply(magnitudes, ones)
    return enlarged(float(np.max(total)) * (1 + 2 * float(gamma(products(linear)))))


def products(linear: LinearMap) -> int:
    """Upper bound of the number of roundings in one entry of A(theta) h."""
    return linear.in_width + prod(linear.parameter_shape[1:]) + 4


def summed_error(terms: list[tuple[float, float, float]], roundings: int) -> float:
    """Error bound of a computed sum of terms, each given as (S, largest |x|, error of x).

    Parameters
    ----------
    terms : list of (float, float, float)
        For a product A x: the row sum S of A, the largest entry and the error of x.
    roundings : int
        Roundings that any one result can meet.
    """
    propagated = sum(s * error for s, _, error in terms)
    computed = sum(s * (largest + error) for s, largest, error in terms)
    return enlarged(propagated + 2 * float(gamma(roundings)) * computed)


def largest_slope(activation: Any, order: int, reach: float) -> float:
    """Upper bound of |g^(order)| on [-reach, reach]: over the whole line where that is finite."""
    everywhere = activation.supremum(order)
    if np.isfinite(everywhere):
        return everywhere
    low, high = activation.range(order, np.array([-reach]), np.array([reach]))
    return float(max(abs(low[0]), abs(high[0])))
