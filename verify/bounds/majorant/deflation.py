"""The norm of a large symmetric matrix, proved without a factorisation.

Let Pi be the orthogonal projector on the span of computed vectors U, U'U = I + F, and HU = U T + R for any symmetric T.
Then ||H|| is at most the norm of [[a, c], [c, b]] with

    a = ||Pi H Pi|| <= ||T|| sqrt((1 + f) / (1 - f)) + ||U'R|| / (1 - f),
    c = ||(1 - Pi) H Pi|| <= ||R|| / sqrt(1 - f),
    b^2 = ||(1 - Pi) H||_F^2 <= ||H||_F^2 - ||HU||_F^2 / (1 + f),      f >= ||F||,

so as many vectors as it takes for b to fall well below a prove about a. Their number grows while b does not fall; U
follows the images HU, which the bound needs anyway.
"""

from __future__ import annotations

import numpy as np

from verify.arithmetic import decompositions, spectral, upward
from verify.arithmetic.rounding import FLOOR, gamma
from verify.budget import check_time

_FEWEST, _MOST = 64, 256
_ROUNDS = 8
_CLOSE = 1.0 + 2.0**-8
"""Above ||T|| or below the last bound by less than this, more work hardly pays."""
_FALLEN = 0.5
"""Part of a below which b costs little: with c = a/10 the bound is 2 % above a."""


def deflated_norm(matrix: np.ndarray) -> float:
    """Upper bound of the norm of a large symmetric matrix, exact as given.

    Examples
    --------
    >>> 3.0 <= deflated_norm(np.diag([3.0, *np.zeros(99)])) < 3.0 + 1e-3
    True
    """
    size = len(matrix)
    square = float(np.vdot(matrix, matrix)) * (1 + 2.0**-25)  # at most 2**26 terms
    if not np.isfinite(square):
        return float("inf")
    rng = np.random.default_rng(0)
    best = float(np.sqrt(square)) * (1 + 1e-9)
    image = matrix @ rng.standard_normal((size, min(_FEWEST, size)))
    for _ in range(_ROUNDS):
        check_time()
        try:
            vectors = decompositions.orthonormal(image)
        except np.linalg.LinAlgError:
            break
        image = matrix @ vectors
        before = best
        bound, reached, rest = _bound(vectors, image, square)
        best = min(best, bound)
        if best <= _CLOSE * reached:
            break
        more = min(vectors.shape[1], _MOST - vectors.shape[1], size - vectors.shape[1])
        if rest > _FALLEN * reached and more > 0:
            image = np.concatenate([image, matrix @ rng.standard_normal((size, more))], axis=1)
        elif before <= _CLOSE * best:
            break
    return best


def _bound(vectors: np.ndarray, image: np.ndarray, square: float) -> tuple[float, float, float]:
    """Return the bound from vectors and their computed images, an approximate ||T|| and b.

    Entrywise a product of a row of k numbers is off by gamma(k) times the product of absolute values, and the Frobenius
    norms bound those: `off` is what all products in R are off by, in that norm.
    """
    size, width = vectors.shape
    total, norm = float(np.sqrt(square)), float(upward.norm(vectors))
    inner_matrix = vectors.T @ image
    inner_matrix = 0.5 * (inner_matrix + inner_matrix.T)
    inside = float(upward.norm(inner_matrix))
    residual = image - vectors @ inner_matrix
    rounding = float(gamma(size + 2 * width + 16))
    off = float(upward.add(upward.mul(rounding, norm, upward.add(total, inside), 2.0), size * size * FLOOR))
    skew = float(upward.add(upward.norm(vectors.T @ vectors - np.eye(width)), upward.mul(rounding, norm, norm, 2.0)))
    if not (skew < 0.5 and np.isfinite(inside)):
        return float("inf"), 0.0, total
    left = float(upward.norm(residual))
    inner = upward.add(upward.norm(vectors.T @ residual), upward.mul(rounding, norm, left, 2.0), off * 2.0)
    reached = float(spectral.eigenvalue_upper(inner_matrix))
    a = upward.mul(upward.add(reached, inner), 1.0 + 2.0 * skew)
    c = upward.mul(upward.add(spectral.norm_upper(residual), off), 1.0 + 2.0 * skew)
    captured = max(0.0, float(np.linalg.norm(image)) * (1 - 1e-9) - off) ** 2 * (1 - 2 * skew)
    b = upward.sqrt(max(square - captured, 0.0) + square * 1e-12)
    bound = spectral.perron_upper(np.array([[float(a), float(c)], [float(c), float(b)]]))
    return float(bound), reached, float(b)
