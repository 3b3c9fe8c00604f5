"""Derivatives of sigmoid, tanh, softplus and silu far from 0, enclosed with relative accuracy.

With s = sigmoid(x), c = sigmoid(-x) = 1 - s, p = s c and d = c - s there is no cancellation: s and c come from a kernel
with relative accuracy, d tends to -1 or 1, and p' = p d, d' = -2 p give

    sigmoid^(k) = p R_k(d, p),    R_1 = 1,    R_(k+1) = d R_k + R_k'.

Besides, tanh(x) = 2 sigmoid(2 x) - 1, softplus' = sigmoid and (x sigmoid)^(k) = x sigmoid^(k) + k sigmoid^(k-1).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import sympy
from numpy.typing import NDArray

from verify.activations.symbols import PRIMITIVES, X
from verify.arithmetic import elementary
from verify.arithmetic.intervals import Interval

FAR = 4.0
"""From this distance on; nearer, R_k may cancel and the usual enclosures have relative accuracy."""
_LARGEST = 2.0**1000

_D, _P = sympy.symbols("d p")
Derivative = Callable[[Interval, int], Interval]


@cache
def _factor(order: int) -> tuple[tuple[int, int, float], ...]:
    """R_k as terms (power of d, power of p, whole coefficient)."""
    factor = sympy.Integer(1)
    for _ in range(order - 1):
        slope = -2 * _P * sympy.diff(factor, _D) + _P * _D * sympy.diff(factor, _P)
        factor = sympy.expand(_D * factor + slope)
    return tuple((i, j, float(c)) for (i, j), c in sympy.Poly(factor, _D, _P).terms())


def _sigmoid(x: Interval, order: int) -> Interval:
    s, c = elementary.sigmoid(x), elementary.sigmoid(-x)
    if order == 0:
        return s
    p, d = s * c, c - s
    powers_d, powers_p = [Interval.point(1.0)], [Interval.point(1.0)]
    for _ in range(order):
        powers_d.append(powers_d[-1] * d)
        powers_p.append(powers_p[-1] * p)
    terms = [powers_d[i] * powers_p[j] * coefficient for i, j, coefficient in _factor(order)]
    return p * sum(terms[1:], terms[0])


def _tanh(x: Interval, order: int) -> Interval:
    return _sigmoid(x * 2.0, order) * 2.0 ** (order + 1)


def _softplus(x: Interval, order: int) -> Interval:
    return _sigmoid(x, order - 1)


def _silu(x: Interval, order: int) -> Interval:
    return x * _sigmoid(x, order) + _sigmoid(x, order - 1) * float(order)


_DERIVATIVES: dict[sympy.Expr, Derivative] = {
    PRIMITIVES["sigmoid"]: _sigmoid,
    PRIMITIVES["tanh"]: _tanh,
    PRIMITIVES["softplus"]: _softplus,
    X * PRIMITIVES["sigmoid"]: _silu,
}


def sharpened(
    expression: sympy.Expr, z: Interval, orders: Sequence[int], results: tuple[Interval, ...]
) -> tuple[Interval, ...]:
    """Replace enclosures of derivatives, orders above 0, where z is far from 0 and finite.

    Parameters
    ----------
    expression : sympy.Expr
        Of the activation; of others than those above nothing is replaced.
    z : Interval, one axis
    orders : sequence of int
    results : tuple of Interval
        The enclosures so far, one for each order.
    """
    derivative = _DERIVATIVES.get(expression)
    if derivative is None:
        return results
    size = np.abs(z.mid)
    far = (size - z.rad >= FAR) & (size <= _LARGEST)
    if not np.any(far):
        return results
    there = z[far]
    return tuple(
        _placed(result, far, derivative(there, order)) if order else result
        for result, order in zip(results, orders, strict=True)
    )


def _placed(result: Interval, where: NDArray[np.bool_], part: Interval) -> Interval:
    mid, rad = result.mid.copy(), result.rad.copy()
    mid[where], rad[where] = part.mid, part.rad
    return Interval(mid, rad)
