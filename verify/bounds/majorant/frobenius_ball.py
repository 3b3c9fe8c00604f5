"""Stacks of matrices known up to an error in the Frobenius norm: cheaper than entrywise enclosures, as rigorous.

The float64 results are those of plain NumPy; the errors bound what the exact matrices differ by. Sums of up to 2**22
terms meet a relative error of at most 2**-31, whatever their order, so the factor ``1 + 2**-30`` makes a computed norm
an upper bound; `_TINY` covers the underflow of squares and products.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from verify.arithmetic import spectral, upward
from verify.arithmetic.intervals import Interval

LARGEST_GRAM = 200

_UP = 1.0 + 2.0**-30
_TINY = 1e-140
_UNIT = 2.0**-53


@dataclass(frozen=True)
class FrobeniusBall:
    """Matrices within `error` of `mid`.

    Parameters
    ----------
    mid : array, shape (n, a, b)
    error : array, shape (n,)
        Upper bounds of ``|exact - mid|`` in the Frobenius norm.
    """

    mid: np.ndarray
    error: np.ndarray

    @staticmethod
    def of(matrices: Interval) -> FrobeniusBall:
        """Forget the entrywise radii."""
        return FrobeniusBall(matrices.mid, frobenius(matrices.rad))

    @cached_property
    def length(self) -> np.ndarray:
        """Upper bounds of the Frobenius norms of `mid`, (n,)."""
        return frobenius(self.mid)

    @property
    def size(self) -> np.ndarray:
        """Upper bounds of the exact Frobenius norms, (n,)."""
        return (self.length + self.error) * _UP

    def times_columns(self, factors: Interval) -> FrobeniusBall:
        """Multiply column j of matrix i by factors[i, j]."""
        radius, largest = factors.rad.max(axis=-1), factors.max_abs().max(axis=-1)
        error = (self.error * largest + self.length * (radius + 2 * _UNIT * largest)) * _UP + _TINY
        return FrobeniusBall(self.mid * factors.mid[:, None, :], error)

    def times_rows(self, factors: Interval) -> FrobeniusBall:
        """Multiply row j of matrix i by factors[i, j]."""
        return self.transposed().times_columns(factors).transposed()

    def transposed(self) -> FrobeniusBall:
        """Transpose every matrix."""
        return FrobeniusBall(self.mid.swapaxes(1, 2), self.error)

    def __add__(self, other: FrobeniusBall) -> FrobeniusBall:
        mid = self.mid + other.mid
        return FrobeniusBall(mid, (self.error + other.error + 2 * _UNIT * frobenius(mid)) * _UP + _TINY)

    def __matmul__(self, other: FrobeniusBall) -> FrobeniusBall:
        left, right = self.length, other.length
        rounding = 2 * (self.mid.shape[-1] + 1) * _UNIT
        error = self.error * right + left * other.error + self.error * other.error + rounding * left * right
        return FrobeniusBall(self.mid @ other.mid, error * _UP + _TINY)

    def spectral_norm(self) -> np.ndarray:
        """Upper bounds of the spectral norms, (n,); crude ones of large matrices, where sharp ones cost much."""
        if (diagonal := self.diagonal()) is not None:
            return upward.add(np.abs(diagonal).max(axis=1), self.error)
        if min(self.mid.shape[1:]) > LARGEST_GRAM:
            return upward.add(spectral.elementary_norm_upper(np.abs(self.mid)), self.error)
        return upward.add(spectral.norm_upper(self.mid), self.error)

    def diagonal(self) -> np.ndarray | None:
        """Return the diagonals of `mid`, (n, a), if all else is exactly zero; else None."""
        if self.mid.shape[1] != self.mid.shape[2]:
            return None
        diagonal = np.einsum("naa->na", self.mid)
        return diagonal if np.count_nonzero(self.mid) == np.count_nonzero(diagonal) else None

    def column_norms(self) -> np.ndarray:
        """Upper bounds of the norms of the columns, (n, b)."""
        columns = np.sqrt(np.einsum("nab,nab->nb", self.mid, self.mid)) * _UP + _TINY
        return (columns + self.error[:, None]) * _UP

    def row_norms(self) -> np.ndarray:
        """Upper bounds of the norms of the rows, (n, a)."""
        return self.transposed().column_norms()


def stacked(parts: list[tuple[FrobeniusBall, float]], samples: int) -> FrobeniusBall:
    """Stack the rows of matrices, each times an exact factor, for every sample."""
    mids = [np.broadcast_to(part.mid * factor, (samples, *part.mid.shape[1:])) for part, factor in parts]
    errors = [part.error * factor + 2 * _UNIT * frobenius(part.mid) * factor for part, factor in parts]
    joined = np.concatenate(mids, axis=1) if len(mids) > 1 else mids[0]
    return FrobeniusBall(joined, np.broadcast_to(sum(errors) * _UP + _TINY, (samples,)))


def frobenius(mid: np.ndarray) -> np.ndarray:
    """Upper bounds of the Frobenius norms, (n,)."""
    return np.sqrt(np.einsum("nab,nab->n", mid, mid)) * _UP + _TINY
