"""exp, expm1, sigmoid, softplus and the Gaussian density.

Reduction. With ``N = 128`` and ``lam = ln(2)/N``, let ``k = rint(fl(x * fl(1/lam)))``, ``lam = L1 + L2 + rest``,
``L1`` of 35 bits, ``L2`` a float64. For ``|x| < 710``, ``|k| <= 2**17``, so ``k L1`` is exact. ``x/lam`` is off by at
most ``2**17 * 2.01 u < 2**-34``, hence ``|x - k lam| <= B``, ``B = lam (1/2 + 2**-30)``. The reduced argument is ``r'
= fl(fl(x - k L1) - fl(k L2))``. The three roundings cost at most ``u (B + 2**17 |L2|)``, ``u 2**17 |L2|`` and ``u (B
+ small)``; the rest of ``lam`` costs ``2**17 |rest|``. Their sum is `reduction`; for ``k = 0``, ``r' = x`` exactly.

Polynomial. ``p = fl(r' h)`` approximates ``expm1(r')``, ``h`` by Horner with the coefficients ``1/(i+1)!``. Relative
to ``r'`` the error of ``h`` is `slope`: rounding, the coefficients' own rounding, and the tail ``sum_(i >= 5)
B^i/(i+1)! <= B^5/720 * 1.01``. With ``|p| <= 1.01 B``, ``|p - expm1(r)| <= B slope + 1.01 u B + 1.01 reduction``.

Reconstruction. ``exp(x) = 2^m (T + t + tau)(1 + expm1(r))``, ``k = N m + j``, ``T + t`` the float pair nearest to
``2^(j/N)``, ``|t| <= u``, ``|tau| <= u^2``. The value is ``2^m fl(T + w)``, ``w = fl(t + fl(T p))``. Relative to
``2^m T``, ``1 <= T < 2``, the error of ``w`` is at most `tail`: that of ``p``, ``1.01 u B`` for the product, ``1.02 u
B`` for the sum, ``1.01 u B`` for ``t expm1(r)`` which is left out, and ``tau``. The scaling is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import flint
import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import arb, upward
from verify.arithmetic.kernels.errors import Array, Evaluated, clipped, scaled
from verify.arithmetic.kernels.horner import horner, horner_error
from verify.arithmetic.kernels.taylor import TaylorTable, tabulate
from verify.arithmetic.rounding import UNIT

N, LOG_N = 128, 7
DEGREE = 5
LEAST, MOST, NEARLY_MINUS_ONE = -700.0, 709.5, -40.0
"""Arguments are clipped to these: exp is far below the floor, exp overflows, expm1 is -1 up to ``2**-57``."""

GAUSSIAN_END = 37.4

SPLITTER = 2.0**27 + 1
"""Splits a float64 into two halves of 26 bits (Veltkamp)."""

CLOSE = 1 + 2.0**-32
"""Room for the products of error terms, each below ``2**-42``, and for the rounding of the error itself."""


@dataclass(frozen=True)
class _Constants:
    inverse: float
    high: float
    low: float
    power: Array
    power_low: Array
    polynomial: tuple[float, ...]
    slope: float
    tail: float


@cache
def _constants() -> _Constants:
    with arb.precision(250):
        lam = flint.arb.const_log2() / N
        high = arb.leading_bits(lam, 42)
        low = float(lam - high)
        rest = arb.upper_float(abs(lam - high - low))
        power = [arb.exact(2.0) ** (arb.exact(j) / N) for j in range(N)]
        power_high = [float(p) for p in power]
        power_low = [float(p - h) for p, h in zip(power, power_high, strict=True)]
        tau = max(arb.upper_float(abs(p - h - t)) for p, h, t in zip(power, power_high, power_low, strict=True))
        polynomial = tuple(1.0 / math.factorial(i + 1) for i in range(DEGREE))
        rounded = [arb.upper_float(abs(1 / arb.Arb(i + 1).fac() - c)) for i, c in enumerate(polynomial)]
        B = arb.upper_float(lam * (0.5 + 2.0**-30))
        inverse = float(1 / lam)
    far = float(upward.mul(2.0**17, abs(low)))
    reduction = upward.add(
        upward.mul(UNIT, upward.add(B, far)), upward.mul(UNIT, far), upward.mul(UNIT, B, 1.01), 2.0**17 * rest
    )
    slope = upward.add(
        horner_error(polynomial, B)[1],
        *(upward.mul(c, B**i * CLOSE) for i, c in enumerate(rounded)),
        upward.mul(B**5 * CLOSE, 1.01 / 720),
    )
    tail = upward.add(upward.mul(B, slope), upward.mul(4.1, UNIT, B), upward.mul(1.01, reduction), tau)
    return _Constants(
        inverse, high, low, np.array(power_high), np.array(power_low), polynomial, float(slope), float(tail)
    )


def _reduced(x: Array) -> tuple[NDArray[np.int64], Array, Array]:
    """Return ``k``, the reduced argument, and the polynomial's value there."""
    c = _constants()
    nearest = np.rint(x * c.inverse)
    r = x - nearest * c.high
    r -= nearest * c.low
    p = horner(c.polynomial, r)
    p *= r
    return nearest.astype(np.int64), r, p


def _power_of_two(m: NDArray[np.int64]) -> Array:
    """Return ``2**m`` for ``-1022 <= m <= 1023``, by its bits."""
    return ((m + 1023) << 52).view(np.float64)


def _relative_error() -> float:
    """Relative error of `exp` in its range: ``u`` for the last sum and `tail`, as ``2^m T <= 1.003 value``."""
    return float(upward.mul(upward.add(UNIT, upward.mul(1.003, _constants().tail)), CLOSE))


def exp(x: Array) -> Evaluated:
    """Relative error near ``u``; below -700 the error is as large as the value, above 709.5 infinite.

    Examples
    --------
    >>> value, error = exp(np.array([0.0, 1.0, -np.inf]))
    >>> value[0], abs(value[1] - 2.718281828459045) <= error[1] < 4e-16, value[2] <= error[2] < 1e-300
    (np.float64(1.0), np.True_, np.True_)
    """
    c = _constants()
    inside = clipped(x, LEAST, MOST)
    k, _, p = _reduced(inside)
    j = k & (N - 1)
    power = c.power.take(j)
    value = power * p
    value += c.power_low.take(j)
    value += power
    value *= _power_of_two(k >> LOG_N)
    error = scaled(value, _relative_error(), value)
    if np.min(x, initial=0.0) < LEAST:
        error = np.where(x < LEAST, value * 1.5, error)
    if np.max(x, initial=0.0) > MOST:
        error = np.where(x > MOST, np.inf, error)
    return value, error


def expm1(x: Array) -> Evaluated:
    """Evaluate ``fl(A + w)`` with ``A = fl(S - 1)``, ``S = 2^m T``, ``w = fl(S t/T + fl(S p))``; relative error of a
    few ``u``.

    For ``k = 0``, ``S = 1`` and the value is ``p = x h`` with the relative error ``slope/(1 - B) + u``, as
    ``|expm1(x)| >= (1 - B)|x|``. Otherwise the error is at most ``u |value| + u |A| + S tail``, where ``u |A|`` only
    counts outside ``[1/2, 2]``: there, as ``w`` is less than ``|A|/50``, ``|A| <= 1.02 |value|``. Below -40, where
    the value is -1, the distance of ``exp(-40)`` counts too.

    Examples
    --------
    >>> value, error = expm1(np.array([0.0, 1e-10, -np.inf]))
    >>> error[0], abs(value[1] - 1.00000000005e-10) <= error[1] < 1e-25, abs(value[2] + 1) <= error[2] < 1e-15
    (np.float64(0.0), np.True_, np.True_)
    """
    c = _constants()
    inside = clipped(x, NEARLY_MINUS_ONE, MOST)
    k, _, p = _reduced(inside)
    j = k & (N - 1)
    scale = _power_of_two(k >> LOG_N)
    power = c.power.take(j) * scale
    value = power * p
    value += c.power_low.take(j) * scale
    value += power - 1.0
    relative = max(float(upward.add(upward.div(c.slope, 1 - 0.006), UNIT)), 2.02 * UNIT)
    error = scaled(value, upward.mul(relative, CLOSE), x)
    error += np.where(k == 0, 0.0, power * (c.tail * CLOSE))
    if np.min(x, initial=0.0) < NEARLY_MINUS_ONE:
        error = np.where(x < NEARLY_MINUS_ONE, error + 2.0**-56, error)
    if np.max(x, initial=0.0) > MOST:
        error = np.where(x > MOST, np.inf, error)
    return value, error


def sigmoid(x: Array) -> Evaluated:
    """Evaluate ``1/(1 + e)`` or ``e/(1 + e)``, ``e = exp(-|x|)``; relative error below ``4 u``.

    Two roundings cost ``2 u`` of the value. An error of ``e`` is multiplied by at most ``1/(1 + e)^2``, which is
    convex and therefore at most ``1 - 3 e/4`` on [0, 1]. Where ``e`` is below the floor, the value is too, and its
    error contains the floor.

    Examples
    --------
    >>> value, error = sigmoid(np.array([0.0, -np.inf, np.inf]))
    >>> value[0], value[1] <= error[1] < 1e-300, abs(value[2] - 1) <= error[2] < 1e-15
    (np.float64(0.5), np.True_, np.True_)
    """
    e, error = exp(-np.abs(x))
    value = np.where(x < 0, e, 1.0) / (1.0 + e)
    error *= 1.0 + 2.0**-30 - 0.75 * e
    error += value * (2.0 * UNIT * CLOSE)
    return value, error


@cache
def _log1p_table() -> TaylorTable:
    return tabulate(lambda y: (y + 1).log(), 0, 1, 256, 6, zero_at=0.0)


def softplus(x: Array) -> Evaluated:
    """Evaluate ``max(x, 0) + log1p(exp(-|x|))``, the logarithm from a table on [0, 1].

    An error of ``e = exp(-|x|)`` is multiplied by at most ``1/(1 + e)``, which is convex and therefore at most ``1 -
    e/2`` on [0, 1]. The sum costs ``u`` of the value if ``x > 0``; else it is exact.

    Examples
    --------
    >>> value, error = softplus(np.array([0.0, -np.inf]))
    >>> abs(value[0] - 0.6931471805599453) <= error[0] < 4e-16, value[1] <= error[1] < 1e-300
    (np.True_, np.True_)
    """
    e, error = exp(-np.abs(x))
    logarithm, relative = _log1p_table()(e)
    value = np.maximum(x, 0.0) + logarithm
    error *= 1.0 + 2.0**-30 - 0.5 * e
    error += scaled(logarithm, relative, e)
    error += np.where(x > 0, value * UNIT, 0.0)
    error *= CLOSE
    return value, error


@cache
def _density_at_zero() -> float:
    with arb.precision(200):
        return float(1 / (2 * flint.arb.pi()).sqrt())


def gaussian_density(x: Array) -> Evaluated:
    """Evaluate ``c exp(-s/2)(1 - e/2)``, ``x^2 = s + e`` exactly (Dekker's product).

    Relative errors: that of `exp`; ``u`` each for the constant and its product; ``u`` for ``1 - e/2`` as a sum, after
    a rounding of ``u |e|/2``; and ``exp(-e/2) - (1 - e/2) <= e^2/8``, ``|e| <= u s <= 1400 u``, which `CLOSE` covers.
    Arguments are clipped to 37.4, where the argument of exp is above -700; beyond, the value is not above the one
    there.

    Examples
    --------
    >>> value, error = gaussian_density(np.array([0.0, np.inf]))
    >>> abs(value[0] - 0.3989422804014327) <= error[0] < 4e-16, value[1] <= error[1] < 1e-300
    (np.True_, np.True_)
    """
    size = np.minimum(np.abs(x), GAUSSIAN_END)
    square = size * size
    head = size * SPLITTER
    head -= head - size
    tail = size - head
    excess = ((head * head - square) + 2.0 * head * tail) + tail * tail
    value, error = exp(-0.5 * square)
    value = value * (1.0 - 0.5 * excess) * _density_at_zero()
    error = scaled(value, (_relative_error() + 4.0 * UNIT) * CLOSE, value)
    return value, np.where(size < GAUSSIAN_END, error, value * 1.5)
