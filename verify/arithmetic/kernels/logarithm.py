"""log and log1p.

``log1p(x) = log(w) + log1p(c/w)``, ``w = fl(1 + x)`` and ``c`` the exact error of that sum (two-sum), ``|c| <= u w``.
Write ``w = 2^m f`` with ``f`` in [181/256, 362/256) by the bits of ``w``, which is exact, and take ``log f`` from the
table, whose centre at 1 is a zero. With ``ln 2 = L1 + L2 + rest``, ``L1`` of 42 bits, so that ``m L1`` is exact, the
value is ``fl(m L1 + fl(fl(m L2) + fl(log f + fl(c/w))))``. The errors, from the inside:

- the table's; ``u |c/w|`` for the quotient; ``(c/w)^2/2 <= u |c/w|/2 (1 + u)`` for ``log1p(c/w)``; ``u |t|`` for the
  sum ``t``;
- for ``m != 0`` also ``u |m L2|``, ``u`` times the two sums, and ``|m rest|``; for ``m = 0`` these operations are
  exact.
"""

from __future__ import annotations

from functools import cache

import flint
import numpy as np

from verify.arithmetic import arb
from verify.arithmetic.kernels.errors import Array, Evaluated, lifted
from verify.arithmetic.kernels.taylor import TaylorTable, tabulate
from verify.arithmetic.rounding import UNIT

FIRST_CELL, LAST_CELL, CELLS, DEGREE = 181, 362, 256, 6
LARGEST = float(np.finfo(np.float64).max)
CLOSE = 1 + 2.0**-40
"""Room for second-order terms and for the rounding of the error itself."""


@cache
def _table() -> TaylorTable:
    return tabulate(lambda y: y.log(), FIRST_CELL / CELLS, LAST_CELL / CELLS, CELLS, DEGREE, zero_at=1.0)


@cache
def _ln2() -> tuple[float, float, float]:
    with arb.precision(250):
        ln2 = flint.arb.const_log2()
        high = arb.leading_bits(ln2, 42)
        low = float(ln2 - high)
        return high, low, arb.upper_float(abs(ln2 - high - low))


def _logarithm(w: Array, correction: Array | float, shift: int | Array = 0) -> Evaluated:
    """Return ``log(2**shift w) + correction`` for normal positive ``w``, the error without the floor."""
    bits = w.view(np.int64)
    m = (bits - np.float64(FIRST_CELL / CELLS).view(np.int64)) >> 52
    logarithm, relative = _table()((bits - (m << 52)).view(np.float64))
    inner = logarithm + correction
    error = np.abs(logarithm) * relative
    error += (np.abs(inner) + 2 * np.abs(correction)) * (UNIT * CLOSE)
    exponent = (m + shift).astype(np.float64)
    if not np.any(exponent):
        return inner, error
    high, low, rest = _ln2()
    middle = exponent * low + inner
    value = exponent * high + middle
    more = np.abs(exponent) * (UNIT * abs(low) + rest) + UNIT * (np.abs(middle) + np.abs(value))
    return value, error + more * ((exponent != 0) * CLOSE)


def log(x: Array) -> Evaluated:
    """Natural logarithm; an infinite error where the argument is not positive and finite.

    Examples
    --------
    >>> value, error = log(np.array([1.0, 5e-324, 0.0]))
    >>> value[0], error[0], abs(value[1] + 744.4400719213812) <= error[1] < 1e-12, error[2]
    (np.float64(0.0), np.float64(0.0), np.True_, np.float64(inf))
    """
    domain = (x > 0) & (x <= LARGEST)
    inside = np.where(domain, x, 1.0)
    tiny = inside < 2.0**-1000
    value, error = _logarithm(np.where(tiny, inside * 2.0**60, inside), 0.0, np.where(tiny, -60, 0))
    return value, np.where(domain, error, np.inf)


def log1p(x: Array) -> Evaluated:
    """Logarithm of ``1 + x``, relative error of a few ``u`` near zero too; an infinite error where ``x`` is not in
    ``(-1, inf)``.

    Examples
    --------
    >>> value, error = log1p(np.array([0.0, 1e-10, -1.0]))
    >>> error[0], abs(value[1] - 9.9999999995e-11) <= error[1] < 1e-25, error[2]
    (np.float64(0.0), np.True_, np.float64(inf))
    """
    domain = (x > -1) & (x <= LARGEST)
    inside = np.where(domain, x, 0.0)
    w = 1.0 + inside
    shifted = w - 1.0
    lost = (1.0 - (w - shifted)) + (inside - shifted)
    value, error = _logarithm(w, lost / w)
    return value, np.where(domain, lifted(error, inside), np.inf)
