"""Proved largest eigenvalues of Gram matrices that are summed over samples.

A form ``sum |Y_i x|^2`` with rows Y_i known up to errors of total squared norm e^2 is at most
``(sqrt(lambda_max(S) + gamma |Y|_F^2) + e)^2`` over unit x, S being the computed sum of Y_i' Y_i: gamma covers
its rounding, that of the rows included.
"""

from __future__ import annotations

import numpy as np

from verify.arithmetic import spectral, upward
from verify.arithmetic.rounding import gamma
from verify.budget import check_time

_SPARE = 32
_MOST_WORK = 2**28


class GramSum:
    """A stack of Gram matrices of one size, summed chunk by chunk.

    Parameters
    ----------
    count, size : int
        How many matrices, and their order.
    """

    def __init__(self, count: int, size: int) -> None:
        self.matrices = np.zeros((count, size, size))
        self.squares = np.zeros(count)
        self.errors = np.zeros(count)
        self.terms = _SPARE

    def add(self, matrices: np.ndarray, squares: np.ndarray, errors: np.ndarray, terms: int) -> None:
        """Add computed Y'Y, upper bounds of |Y|_F^2 and e^2, and the longest sum behind an entry."""
        self.matrices += matrices
        self.squares = upward.add(self.squares, squares)
        self.errors = upward.add(self.errors, errors)
        self.terms += terms + 1

    def largest(self) -> np.ndarray:
        """Upper bounds of the largest values of the exact forms, (count,)."""
        symmetric = 0.5 * (self.matrices + self.matrices.swapaxes(1, 2))
        error = upward.mul(self.squares, gamma(self.terms))
        at_once = max(1, _MOST_WORK // symmetric.shape[1] ** 3)
        tops = []
        for start in range(0, len(symmetric), at_once):
            check_time()
            part = slice(start, start + at_once)
            tops.append(spectral.largest_eigenvalue_upper(symmetric[part], error[part]))
        top = np.maximum(np.concatenate(tops), 0.0)
        root = upward.add(upward.sqrt(top), upward.sqrt(self.errors))
        return upward.mul(root, root)
