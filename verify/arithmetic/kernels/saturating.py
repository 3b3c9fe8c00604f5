"""tanh, erf and arctan: odd functions with a limit."""

from __future__ import annotations

from functools import cache

import flint
import numpy as np

from verify.arithmetic import arb, upward
from verify.arithmetic.kernels.errors import Array, Evaluated, clipped, scaled, signed
from verify.arithmetic.kernels.taylor import TaylorTable, tabulate
from verify.arithmetic.rounding import UNIT

CELLS, DEGREE = 256, 6
TANH_END, ERF_END = 20, 6


@cache
def _tanh_table() -> TaylorTable:
    with arb.precision(100):
        gap = arb.upper_float(1 - arb.exact(TANH_END).tanh())
    return tabulate(lambda x: 1 - 2 / ((2 * x).exp() + 1), 0, TANH_END, CELLS, DEGREE, zero_at=0.0, gap_beyond=gap)


@cache
def _erf_table() -> TaylorTable:
    with arb.precision(100):
        gap = arb.upper_float(1 - arb.exact(ERF_END).erf())
    return tabulate(lambda x: x.erf(), 0, ERF_END, CELLS, DEGREE, zero_at=0.0, gap_beyond=gap)


@cache
def _arctan_table() -> TaylorTable:
    return tabulate(lambda x: x.atan(), 0, 1, CELLS, DEGREE, zero_at=0.0)


def _odd(table: TaylorTable, end: float, x: Array) -> Evaluated:
    value, relative = table(clipped(np.abs(x), 0.0, end))
    return signed(value, x), scaled(value, relative, x)


def tanh(x: Array) -> Evaluated:
    """Tabulated up to 20; beyond, the last cell allows for the distance of ``tanh(20)`` from 1.

    Examples
    --------
    >>> value, error = tanh(np.array([0.0, np.inf]))
    >>> bool(error[0] == 0), bool(abs(value[1] - 1) <= error[1] < 1e-15)
    (True, True)
    """
    return _odd(_tanh_table(), TANH_END, x)


def erf(x: Array) -> Evaluated:
    """Tabulated up to 6; beyond, the last cell allows for the distance of ``erf(6)`` from 1.

    Examples
    --------
    >>> value, error = erf(np.array([-np.inf]))
    >>> bool(abs(value[0] + 1) <= error[0] < 1e-15)
    True
    """
    return _odd(_erf_table(), ERF_END, x)


@cache
def _half_pi() -> tuple[float, float]:
    with arb.precision(200):
        half_pi = flint.arb.pi() / 2
        high = float(half_pi)
        return high, float(half_pi - high)


def arctan(x: Array) -> Evaluated:
    """Tabulated up to 1; beyond, ``pi/2 - arctan(1/|x|)``.

    There ``y = fl(1/|x|)`` has relative error ``u``, so ``arctan y`` has at most ``u`` more than tabulated, since
    ``y/(1 + y^2) <= arctan y``. With ``pi/2 = h + l + m``, ``l - t`` is rounded to ``u |l - t| <= u (t + |l|)`` and
    the last sum to ``u |value|``; ``|m| <= u |l|``, ``|l| < u``. The small terms in ``l`` and those of second order
    are below ``2**-100 <= 2**-47 u |value|``, as the value is at least ``pi/4``.

    Examples
    --------
    >>> value, error = arctan(np.array([np.inf]))
    >>> bool(abs(value[0] - 1.5707963267948966) <= error[0] < 1e-15)
    True
    """
    size = np.abs(x)
    beyond = size > 1.0
    if not np.any(beyond):
        return _odd(_arctan_table(), 1.0, x)
    with np.errstate(divide="ignore"):
        reduced = np.where(beyond, 1.0 / size, size)
    t, relative = _arctan_table()(reduced)
    high, low = _half_pi()
    value = np.where(beyond, high + (low - t), t)
    slack = float(upward.mul(UNIT, 1 + 2.0**-40))
    error = np.where(beyond, value * slack + t * (relative + 2 * slack) * (1 + 2.0**-40), scaled(t, relative, x))
    return signed(value, x), error
