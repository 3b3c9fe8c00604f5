"""The Euclidean length of plain float64 vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEAST = 2.0**-480
"""Squares of entries that matter beside a length of this size do not underflow."""


def length(vector: NDArray[Any]) -> float:
    """Return |vector| in float64, without a statement on its rounding; 0 for zeros only, inf only where |vector| is.

    Where the sum of squares leaves the range of float64 the vector is scaled by a power of two.

    Examples
    --------
    >>> [f"{length(scale * np.array([3.0, 4.0])):.3g}" for scale in (1e-200, 1.0, 1e200)]
    ['5e-200', '5', '5e+200']
    """
    with np.errstate(all="ignore"):
        plain = float(np.linalg.norm(vector))
        if _LEAST < plain < np.inf:
            return plain
        largest = float(np.max(np.abs(vector), initial=0.0))
        if not 0.0 < largest < np.inf:
            return largest
        exponent = int(np.frexp(largest)[1])
        return max(largest, float(np.ldexp(np.linalg.norm(np.ldexp(vector, -exponent)), exponent)))
