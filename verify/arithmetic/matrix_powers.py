"""Proved upper bounds of spectral norms by repeated squaring: a few small products, no factorisation.

For a symmetric G of order d ``|G|^2 = |G^2|``, and ``|G|_F <= sqrt(d) |G|``; after k squarings of the Gram matrix the
Frobenius norm is at most ``d^(2^-(k+2))`` times too large for the norm of A. `spectral.norm_upper` is sharper and some
thirty times slower for small matrices.
"""

from __future__ import annotations

from math import frexp, inf, isfinite, ldexp, sqrt

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic.lengths_upward import length, raised
from verify.arithmetic.rounding import FLOOR, UNIT, gamma

Array = NDArray[np.float64]
SQUARINGS = 5


def norm_by_squaring(a: Array) -> float:
    """Return an upper bound of the spectral norm of a matrix; ``inf`` where float64 overflows.

    With G the computed and symmetrised product, ``|G - A^T A|_F <= (gamma_n + 2 u) |A|_F^2``, and the same for squares.

    Examples
    --------
    >>> 2.0 <= norm_by_squaring(np.diag([2.0, 1.0, 1.0])) < 2.0 + 1e-9
    True
    """
    factor, shift = _scaled(a if a.shape[0] >= a.shape[1] else a.T)
    whole = size = length(factor)
    if not isfinite(size):
        return inf
    losses: list[float] = []
    exponents: list[int] = []
    matrix = factor
    for _ in range(SQUARINGS + 1):
        matrix, loss = _symmetric_product(matrix, size)
        matrix, exponent = _scaled(matrix)
        size = length(matrix)
        losses.append(loss)
        exponents.append(exponent)
    bound = size
    for loss, exponent in zip(reversed(losses), reversed(exponents), strict=True):
        bound = raised(sqrt(raised(ldexp(bound, exponent) + loss)))
    return raised(ldexp(min(bound, whole), shift))


def _symmetric_product(a: Array, size: float) -> tuple[Array, float]:
    """Return ``a^T a`` and a bound of its error in the Frobenius norm; a symmetric `a` is squared."""
    product = a.T @ a
    order = product.shape[0]
    loss = raised((float(gamma(a.shape[0])) + 2 * UNIT) * size * size + order * FLOOR)
    return (product + product.T) * 0.5, loss


def _scaled(a: Array) -> tuple[Array, int]:
    """Return ``a 2^-e`` with a largest entry of about 1, and e; what underflows is far below the losses."""
    exponent = frexp(float(np.max(np.abs(a), initial=0.0)))[1]
    return np.ldexp(a, -exponent), exponent
