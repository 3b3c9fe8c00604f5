"""Derivatives of sigmoid, tanh, softplus, silu, erf and gelu far from 0, enclosed with relative accuracy.

With s = sigmoid(x), c = sigmoid(-x) = 1 - s, p = s c and d = c - s there is no cancellation: s and c come from a kernel
with relative accuracy, d tends to -1 or 1, and p' = p d, d' = -2 p give

    sigmoid^(k) = p R_k(d, p),    R_1 = 1,    R_(k+1) = d R_k + R_k'.

Besides, tanh(x) = 2 sigmoid(2 x) - 1, softplus' = sigmoid and (x sigmoid)^(k) = x sigmoid^(k) + k sigmoid^(k-1).

With the normal density phi, erf'(x) = 2 sqrt(2) phi(sqrt(2) x) and gelu''(x) = (2 - x^2) phi(x); where f = P phi(c x),
f' = (P' - c^2 x P) phi(c x). On the left gelu(x) = x Phi(x) and gelu'(x) = Phi(x) + x phi(x), Phi(x) = phi(x) M(-x),
with Mills' ratio M(y) < 1/y.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import sympy
from numpy.typing import NDArray

from verify.activations.builtin import BUILTINS
from verify.activations.interval_numbers import INTERVAL
from verify.activations.symbols import PRIMITIVES, X
from verify.arithmetic import elementary
from verify.arithmetic.intervals import Interval
from verify.arithmetic.kernels.exponential import GAUSSIAN_END

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


@cache
def _polynomial(first: sympy.Expr, rate: int, steps: int) -> tuple[float, ...]:
    """Whole coefficients, the highest first, after so many steps P -> P' - rate x P."""
    polynomial = first
    for _ in range(steps):
        polynomial = sympy.expand(sympy.diff(polynomial, X) - rate * X * polynomial)
    return tuple(float(c) for c in sympy.Poly(polynomial, X).all_coeffs())


def _at(coefficients: tuple[float, ...], x: Interval) -> Interval:
    total = Interval.point(np.full(x.shape, coefficients[0]))
    for coefficient in coefficients[1:]:
        total = total * x + coefficient
    return total


def _erf(x: Interval, order: int) -> Interval:
    root = INTERVAL.constant(sympy.sqrt(2))
    return elementary.gaussian_density(x * root) * _at(_polynomial(sympy.Integer(2), 2, order - 1), x) * root


def _gelu(x: Interval, order: int) -> Interval:
    return elementary.gaussian_density(x) * _at(_polynomial(2 - X**2, 1, order - 2), x)


def _gelu_on_the_left(x: Interval, order: int) -> Interval:
    ratio = elementary.mills_ratio(-x)
    return elementary.gaussian_density(x) * (ratio + x if order else ratio * x)


@dataclass(frozen=True)
class _Far:
    """A formula, for which orders it is, up to which distance from 0, and whether on the left only."""

    derivative: Derivative
    orders: range
    last: float = _LARGEST
    left_only: bool = False

    def covers(self, z: Interval) -> NDArray[np.bool_]:
        size = np.abs(z.mid)
        far = (size - z.rad >= FAR) & (size + z.rad <= self.last)
        return far & (z.mid < 0) if self.left_only else far


_ALL = range(1, 100)
_FORMULAS: dict[sympy.Expr, tuple[_Far, ...]] = {
    PRIMITIVES["sigmoid"]: (_Far(_sigmoid, _ALL),),
    PRIMITIVES["tanh"]: (_Far(_tanh, _ALL),),
    PRIMITIVES["softplus"]: (_Far(_softplus, _ALL),),
    X * PRIMITIVES["sigmoid"]: (_Far(_silu, _ALL),),
    BUILTINS["erf"]: (_Far(_erf, _ALL, GAUSSIAN_END / 1.5),),
    BUILTINS["gelu"]: (
        _Far(_gelu_on_the_left, range(2), left_only=True),
        _Far(_gelu, range(2, 100), GAUSSIAN_END),
    ),
}
"""Beyond the last distance of erf and gelu the derivatives are below 1e-260, near underflow."""


def sharpened(
    expression: sympy.Expr, z: Interval, orders: Sequence[int], results: tuple[Interval, ...]
) -> tuple[Interval, ...]:
    """Replace enclosures of derivatives where z is far from 0 and finite, and a formula above is more accurate.

    Parameters
    ----------
    expression : sympy.Expr
        Of the activation; of others than those above nothing is replaced.
    z : Interval, one axis
    orders : sequence of int
    results : tuple of Interval
        The enclosures so far, one for each order.
    """
    sharp = list(results)
    for formula in _FORMULAS.get(expression, ()):
        places = [place for place, order in enumerate(orders) if order in formula.orders]
        if places and np.any(far := formula.covers(z)):
            there = z[far]
            for place in places:
                sharp[place] = _placed(results[place], far, formula.derivative(there, orders[place]))
    return tuple(sharp)


def _placed(result: Interval, where: NDArray[np.bool_], part: Interval) -> Interval:
    mid, rad = result.mid.copy(), result.rad.copy()
    mid[where], rad[where] = part.mid, part.rad
    return Interval(mid, rad)
