"""A-priori bounds of rounding errors in round to nearest, for float64 and float32.

Write ``u`` for the unit roundoff and ``eta`` for the smallest subnormal number. For one operation on
floating-point numbers

- ``fl(a + b) = (a + b)(1 + d)`` and ``= (a + b)/(1 + d')``, ``|d|, |d'| <= u``; an addition whose result is
  subnormal is exact;
- ``fl(a * b) = (a * b)(1 + d) + e``, ``|e| <= eta/2``, and ``e`` is zero unless the product is below the
  smallest normal number; the same for the quotient, and for the square root with ``e = 0``.

A sum of ``n`` products computed in any order, blocked or not, with or without fused multiply-add, differs
from the exact one by at most ``gamma(n) * sum |a_i b_i| + n * eta``: each product meets at most one rounding
of its own and ``n - 1`` of additions, and each underflow of at most ``eta/2`` grows by at most ``1 + gamma(n
- 1) < 2`` (Higham, Accuracy and Stability of Numerical Algorithms, 3.1).

Bounds that have underflowed are lifted to ``FLOOR``: a tiny number that is far above ``eta``. So ``n * eta <=
u * FLOOR`` for all ``n`` up to ``2**21``: one more factor ``1 + u`` covers the underflow in any result of at
least ``FLOOR``. The floor also keeps subnormal numbers, slow on many processors, out of the radii.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from verify.arithmetic.device_arrays import as_array
from verify.outcomes import DagverifyError, InputError

LONGEST_SUM = 2**21
"""Longest sum of products for which underflow is covered by the floor."""


class ArithmeticDomainError(InputError, ArithmeticError):
    """A rigorous operation was asked of numbers outside its domain, e.g. NaN or a reversed interval."""


class UndecidedComparisonError(DagverifyError):
    """Two intervals overlap, so that an order between them is neither true nor false."""


def _scalar(value: float, dtype: np.dtype[Any]) -> np.floating[Any]:
    return np.float32(value) if dtype == np.float32 else np.float64(value)


def _round_up(value: Fraction, dtype: np.dtype[Any]) -> np.floating[Any]:
    """Smallest number of the format that is not below ``value`` (normal range)."""
    rounded = _scalar(float(value), dtype)
    while Fraction(float(rounded)) < value:
        rounded = np.nextafter(rounded, _scalar(np.inf, dtype))
    return rounded


@cache
def _exact_roundoff(dtype: np.dtype[Any]) -> Fraction:
    if dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise ArithmeticDomainError(
            "no error bounds for this number format", remedy="use float64 or float32", dtype=str(dtype)
        )
    return Fraction(float(np.finfo(dtype).eps)) / 2


def unit_roundoff(dtype: DTypeLike = np.float64) -> np.floating[Any]:
    """Return ``u``: half the distance from 1 to the next number.

    Examples
    --------
    >>> unit_roundoff(np.float64) == 2**-53, unit_roundoff(np.float32) == 2**-24
    (np.True_, np.True_)
    """
    return _roundoff(np.dtype(dtype))


@cache
def _roundoff(dtype: np.dtype[Any]) -> np.floating[Any]:
    return _scalar(float(_exact_roundoff(dtype)), dtype)


def floor(dtype: DTypeLike = np.float64) -> np.floating[Any]:
    """Return ``FLOOR`` of the format: ``2**22`` times its smallest normal number."""
    return _floor(np.dtype(dtype))


@cache
def _floor(dtype: np.dtype[Any]) -> np.floating[Any]:
    return _scalar(float(np.finfo(dtype).smallest_normal) * 2.0**22, dtype)


FLOOR = float(floor(np.float64))
UNIT = float(unit_roundoff(np.float64))


@lru_cache(maxsize=4096)
def _gamma(n: int, dtype: np.dtype[Any]) -> np.floating[Any]:
    share = n * _exact_roundoff(dtype)
    if share > Fraction(1, 4):
        raise ArithmeticDomainError(
            "sum too long for a rounding bound", remedy="split it into blocks", terms=n, dtype=str(dtype)
        )
    return _round_up(share / (1 - share), dtype)


def gamma(n: int, dtype: DTypeLike = np.float64) -> np.floating[Any]:
    """Return ``n u / (1 - n u)``, rounded up: the relative error of ``n`` roundings in a row.

    Parameters
    ----------
    n : int
        Number of roundings, at least 0.
    dtype : data type
        float64 (default) or float32; the result has this type.

    Returns
    -------
    numpy.floating
        The bound.

    Raises
    ------
    ArithmeticDomainError
        If ``n u > 1/4``.

    Examples
    --------
    >>> bool(gamma(2) > 2.0**-52)
    True
    """
    return _gamma(int(n), np.dtype(dtype))


@lru_cache(maxsize=4096)
def _inflation(roundings: int, dtype: np.dtype[Any]) -> np.floating[Any]:
    share = (roundings + 1) * _exact_roundoff(dtype)
    if share > Fraction(1, 4):
        raise ArithmeticDomainError("sum too long for a rounding bound", terms=roundings, dtype=str(dtype))
    return _round_up(1 / (1 - share), dtype)


def inflation(roundings: int, dtype: DTypeLike = np.float64) -> np.floating[Any]:
    """Return ``F`` with ``fl(x' * F) >= x`` for each ``x >= 0`` whose computed value ``x'`` met at most
    ``roundings`` roundings.

    It is ``1 / (1 - (roundings + 1) u)``, rounded up: ``x <= x' (1 + u)**roundings`` and the multiplication
    itself loses at most the factor ``1 - u``. For a subnormal ``x'`` that is a sum, and therefore exact, the
    product is not below ``x'``.

    Examples
    --------
    >>> bool(inflation(1) > 1 + 2.0**-52)
    True
    """
    return _inflation(int(roundings), np.dtype(dtype))


def next_above(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest float64 above each entry (infinity stays), by integer arithmetic on the bits.

    Examples
    --------
    >>> next_above(np.array([1.0, 0.0, -1.0])) == np.nextafter([1.0, 0.0, -1.0], np.inf)
    array([ True,  True,  True])
    """
    return _step(x, np.ones(np.shape(x), dtype=np.int64))


def _step(x: NDArray[np.float64], where: NDArray[np.int64]) -> NDArray[np.float64]:
    """Move the entries up by one unit in the last place where ``where`` is 1; infinity stays."""
    bits = (x + 0.0).view(np.int64)  # adding zero turns -0 into +0
    moved = ((bits >> 63) | 1) * (where & (x != np.inf))
    moved += bits
    return moved.view(np.float64)


def add_up(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the smallest float64 not below ``a + b``; the exact error of the sum decides (Knuth's two-sum).

    Neither operand may be NaN or ``-inf``; a sum that overflows is ``inf`` or the most negative number.

    Examples
    --------
    >>> add_up(np.array([1.0, 1.0]), np.array([1.0, 2.0**-80])) - 2
    array([ 0., -1.])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        total = as_array(a + b)
        shifted = total - a
        error = (a - (total - shifted)) + (b - shifted)
        return _step(total, ((error > 0) | (total == -np.inf)).astype(np.int64))


def add_down(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest float64 not above ``a + b``; see `add_up`."""
    return as_array(0.0 - add_up(-a, -b))


def refuse_nan(*arrays: NDArray[Any], what: str) -> None:
    """Raise if an array holds NaN.

    Raises
    ------
    ArithmeticDomainError
        If any entry is NaN.
    """
    for array in arrays:
        if array.size and np.isnan(np.min(array)):
            position = tuple(int(i) for i in np.argwhere(np.isnan(array))[0])
            raise ArithmeticDomainError("not a number (NaN)", where=what, position=position)
