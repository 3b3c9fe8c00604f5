"""What the Taylor models of the outputs say of half the squared error of a chunk of samples: see `segment`."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.rounding import UNIT, gamma
from verify.bounds.taylor_rounding import Approximation, enlarged, largest_entry

if TYPE_CHECKING:
    from verify.bounds.segment_model import Models


def output_terms(models: Models, name: str, y: np.ndarray, length: float, shift: float) -> np.ndarray:
    """Upper bounds of sum e0.y1, of sum G(0)/2, of sum G(T)/2 and of the effect of storing, for one output vertex.

    Parameters
    ----------
    models : Models
        Of the chunk.
    name : str
        The output vertex.
    y : array, shape (n, width)
        Its targets.
    length : float
        T.
    shift : float
        Upper bound of the change of its outputs when w + t D is stored.
    """
    h, y1, m, r = models.start[name], models.slope[name], models.middle[name], models.radius[name]
    residual = h.value - y
    e0 = Approximation.of(residual, enlarged(h.error + 2 * UNIT * largest_entry(residual)))
    size = residual.size
    bent = _norm(m) + _norm(r)
    largest_residual = _norm(residual) + sqrt(size) * e0.error + length * (_norm(y1.value) + sqrt(size) * y1.error)
    largest_residual += length * length * bent
    stored = shift * (sqrt(size) * largest_residual + 0.5 * size * shift)
    return np.array(
        [
            _linear_term(e0, y1),
            _quadratic_term(e0, y1, m, r, 0.0, bent),
            _quadratic_term(e0, y1, m, r, length, bent),
            enlarged(stored * (1 + 8 * float(gamma(size)))),
        ]
    )


def _norm(array: np.ndarray) -> float:
    """Euclidean norm of all entries, raised above the exact one."""
    return enlarged(sqrt(float(np.vdot(array, array))) * (1 + 2 * float(gamma(array.size))))


def _linear_term(e0: Approximation, y1: Approximation) -> float:
    """Upper bound of the sum of e0 y1: rows first, then their sums, so that few roundings follow one another."""
    rows, width = e0.value.shape
    value = float(np.sum(np.einsum("ij,ij->i", e0.value, y1.value)))
    root = sqrt(e0.value.size)
    lost = e0.error * root * _norm(y1.value) + y1.error * root * _norm(e0.value) + root * root * e0.error * y1.error
    lost += 2 * float(gamma(rows + width)) * _norm(e0.value) * _norm(y1.value)
    return value + enlarged(lost + 2 * UNIT * abs(value))


def _quadratic_term(e0: Approximation, y1: Approximation, m: np.ndarray, r: np.ndarray, t: float, bent: float) -> float:
    """Upper bound of the sum of G(t)/2; `bent` bounds |m| + |r|.

    Every sum of the formula is bounded by Cauchy-Schwarz for its rounding error.
    """
    moved = y1.value + t * m if t else y1.value
    away = e0.value + t * moved if t else e0.value
    value = 2 * float(np.vdot(e0.value, m)) + float(np.vdot(moved, moved))
    value += t * t * float(np.vdot(r, r)) + 2 * float(np.vdot(r, np.abs(away)))
    root = sqrt(e0.value.size)
    e_norm, steep = _norm(e0.value), _norm(y1.value) + t * bent
    terms = e_norm * bent + steep * steep + t * steep * bent
    lost = (4 * float(gamma(e0.value.size)) + 32 * UNIT) * terms
    lost += 2 * (e0.error + t * y1.error) * root * bent + 2 * y1.error * root * steep
    lost += root * root * y1.error * y1.error
    return 0.5 * (value + enlarged(lost * (1 + 2.0**-20) + 8 * UNIT * abs(value)))
