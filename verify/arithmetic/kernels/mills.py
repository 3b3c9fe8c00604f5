"""Mills' ratio ``M(y) = (1 - Phi(y))/phi(y)`` of the normal distribution, for the tail of Phi with relative accuracy.

``M(y)`` is the integral of ``exp(-y t - t^2/2)`` over ``t > 0``, so ``(-1)^k M^(k)(y)/k!`` lies between 0 and
``1/y^(k+1)``: that is the remainder of its Taylor polynomials over a cell, and `M` falls.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import flint
import numpy as np

from verify.arithmetic import arb
from verify.arithmetic.kernels.errors import Array, Evaluated, clipped
from verify.arithmetic.kernels.taylor import TaylorTable, tabulate

FIRST, LAST = 3.5, 40.0
CELLS, DEGREE = 32, 6


def _series(x: Any) -> Any:
    centre = x[0]
    if centre.is_exact():
        return (x * x / 2).exp() * (x / arb.Arb(2).sqrt()).erfc() * (arb.Arb.pi() / 2).sqrt()
    near, far = centre.lower(), centre.upper()
    values = [_series(flint.arb_series([end, 1], 1))[0] for end in (near, far)]
    bounds = [arb.Arb(0).union((-1) ** k / near ** (k + 1)) for k in range(1, x.prec)]
    return flint.arb_series([values[0].union(values[1]), *bounds], x.prec)


@cache
def _table() -> TaylorTable:
    return tabulate(_series, FIRST, LAST, CELLS, DEGREE)


def mills_ratio(y: Array) -> Evaluated:
    """Tabulated between 3.5 and 40; beyond 40 the error is as large as the value, below 3.5 infinite.

    Examples
    --------
    >>> value, error = mills_ratio(np.array([4.0, 1e3, 0.0]))
    >>> bool(abs(value[0] - 0.23665238291356067) <= error[0] < 1e-16), bool(abs(value[1] - 1e-3) <= error[1] < 0.03)
    (True, True)
    >>> error[2]
    np.float64(inf)
    """
    value, relative = _table()(clipped(y, FIRST, LAST))
    error = np.where(y > LAST, value, value * relative)
    return value, np.where(y < FIRST, np.inf, error)
