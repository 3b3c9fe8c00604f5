"""Bounds of moments along rows under the probabilities of softmax, and of what its Jacobian makes of an array."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.arithmetic.sizes import Sizes
from verify.operations.gather import Indices

_ROOT_TWO = float(np.nextafter(np.sqrt(2.0), 2.0))


@dataclass(frozen=True)
class Moments:
    """Bounds of the moments, along the last axis, of an array of a given size under probabilities p.

    A variable with values x_i has a range of at most ``sqrt 2 |x|`` and of at most ``2 max |x_i|``; no value is farther
    from the mean than the range, and the variance is at most a quarter of its square (Popoviciu). The covariance of x
    and y is ``x^T J y`` with J = diag(p) - p p^T, and ``|J| <= max of 2 p_i (1 - p_i)`` (Gershgorin).

    Parameters
    ----------
    spread : array, shape (..., 1)
        Of the distance of a value from the mean.
    variance : array, shape (..., 1)
    norm : float
        Of J, the largest of all rows.
    whole : float
        Of the array.
    """

    spread: NDArray[np.float64]
    variance: NDArray[np.float64]
    norm: float
    whole: float

    @staticmethod
    def of(bound: Sizes | None, p: Interval, mask: Indices | None) -> Moments:
        """Return them for an array of a size, of which only what the mask keeps counts; None is zero."""
        if bound is None:
            nothing = np.zeros((*p.shape[:-1], 1))
            return Moments(nothing, nothing, 0.0, 0.0)
        last = p.ndim - 1
        length = np.expand_dims(bound.over((last,)), -1)
        entries = bound.entries
        if mask is not None:
            entries = np.where(mask.values == 1, entries, 0.0)
            length = np.minimum(length, np.expand_dims(upward.norm(entries, axis=last), -1))
        norms = jacobian_norms(p)
        spread = np.minimum(upward.mul(_ROOT_TWO, length), 2.0 * entries.max(axis=-1, keepdims=True))
        variance = np.minimum(upward.mul(0.25, spread, spread), upward.mul(norms, length, length))
        return Moments(spread, variance, float(np.max(norms, initial=0.0)), bound.whole)

    def total(self, other: Moments) -> float:
        """Bound the sum of the covariances of all rows with those of another array."""
        return float(upward.mul(max(self.norm, other.norm), self.whole, other.whole))


def jacobian_norms(p: Interval) -> NDArray[np.float64]:
    """Bound the norm of diag(p) - p p^T in every row, (..., 1)."""
    low, high = np.clip(p.lower, 0.0, 1.0), np.clip(p.upper, 0.0, 1.0)
    nearest = np.clip(0.5, low, high)
    return upward.mul(2.0, nearest, upward.add(1.0 - nearest, 2.0**-53)).max(axis=-1, keepdims=True)
