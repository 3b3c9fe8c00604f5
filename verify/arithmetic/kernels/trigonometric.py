"""sin and cos.

Reduction, for ``|x| <= 2**17``. ``k = rint(fl(x fl(2/pi)))`` has 17 bits, and ``pi/2 = P1 + P2 + P3 + rest`` with
``P1`` and ``P2`` of at most 35 bits, rounded down: ``k P1`` and ``k P2`` are exact. ``x - k P1`` is exact (Sterbenz;
for ``|k| = 1``, ``|x| >= (pi/4)(1 - 3 u) > P1/2``). Two-sum splits ``(x - k P1) - k P2`` exactly into ``r`` and a
rest; from that rest ``fl(k P3)`` is subtracted, which gives ``l``. So ``x - k pi/2 = r + l + d`` with ``|l| <= L = u
R + 1.01 K P3``, ``|d| <= K (u P3 + rest) + u L``, ``K = 2**17``, and ``|r| <= R = (pi/4)(1 + 2**-30)``, since ``fl(x
fl(2/pi))`` is off by less than ``2**-34``. For ``k = 0``, ``r = x`` and ``l = d = 0``.

Polynomials, ``s = fl(r^2)``, with the alternating Taylor series ``S`` and ``C`` of ``(sin r - r)/r^3`` and ``(cos r -
1)/r^2`` in ``s``:

    sin(r + l) = r + (r s S + l (1 - s/2)),        cos(r + l) = 1 + (s C - l r).

Errors, but for the last sum, which costs ``u |value|``, as multiples of ``s``:

- sin: ``|r|`` times [Horner's error of ``S``, its coefficients' rounding, the first term omitted; for the rounding of
  ``s`` and two products, each of a term ``|r s S| <= |r| s/6``, and of the inner sum, ``4.3 u/6``]; and ``L s/24``
  for ``cos r`` replaced by ``1 - s/2`` (``|r|^4/24 <= s^2/24``);
- cos: the same three errors of ``C``; ``u/2`` each for ``s``, for the product and for the inner sum; ``L |r|/6`` for
  ``sin r`` replaced by ``r``;
- both: `far`, absolute and only for ``k != 0``: ``d``, ``l^2``, and five roundings of terms in ``l``.

Larger arguments go to Arb one by one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import flint
import numpy as np

from verify.arithmetic import arb, upward
from verify.arithmetic.kernels.errors import Array, Evaluated, lifted
from verify.arithmetic.kernels.horner import horner, horner_error
from verify.arithmetic.rounding import UNIT

LARGEST = 2.0**17
TERMS = 8
BITS_FOR_ANY_FLOAT = 1200
"""Reducing 2**1024 modulo pi takes 1024 bits more than the result has."""


@dataclass(frozen=True)
class _Constants:
    inverse: float
    parts: tuple[float, float, float]
    sine: tuple[float, ...]
    cosine: tuple[float, ...]
    per_square: float
    far: float


def _series_error(coefficients: tuple[float, ...], exact: list[flint.arb], R: float) -> float:
    """Horner's error for ``s <= R^2``, the rounding of the coefficients and the first term omitted."""
    square = float(upward.mul(R, R, 1 + 2.0**-50))
    total = horner_error(coefficients, square)[1]
    for i, c in enumerate(coefficients):
        total = upward.add(total, upward.mul(arb.upper_float(abs(exact[i] - c)), *[square] * i))
    return float(upward.add(total, upward.mul(arb.upper_float(abs(exact[TERMS])), *[square] * TERMS)))


@cache
def _constants() -> _Constants:
    with arb.precision(300):
        half_pi = flint.arb.pi() / 2
        first = arb.leading_bits(half_pi, 34)
        second = arb.leading_bits(half_pi - first, 69)
        third = float(half_pi - first - second)
        rest = arb.upper_float(abs(half_pi - first - second - third))
        R = arb.upper_float(half_pi / 2 * (1 + 2.0**-30))
        sines = [arb.Arb((-1) ** (i + 1)) / math.factorial(2 * i + 3) for i in range(TERMS + 1)]
        cosines = [arb.Arb((-1) ** (i + 1)) / math.factorial(2 * i + 2) for i in range(TERMS + 1)]
        sine, cosine = (tuple(float(c.mid()) for c in series[:TERMS]) for series in (sines, cosines))
        sine_error, cosine_error = _series_error(sine, sines, R), _series_error(cosine, cosines, R)
        inverse = float(1 / half_pi)
    K, u = LARGEST, UNIT
    L = upward.add(upward.mul(u, R), upward.mul(1.01, K, third))
    d = upward.add(upward.mul(K, upward.add(upward.mul(u, third), rest)), upward.mul(u, L))
    far = upward.add(d, upward.mul(L, L), upward.mul(5, u, L))
    for_sine = upward.add(upward.mul(R, upward.add(sine_error, 4.3 * u / 6)), upward.mul(L, R, R, 1 / 24))
    for_cosine = upward.add(cosine_error, 1.5 * u, upward.mul(L, R, 1 / 6))
    per_square = upward.mul(max(float(for_sine), float(for_cosine)), 1 + 2.0**-20)
    return _Constants(inverse, (first, second, third), sine, cosine, float(per_square), float(far))


def _moderate(x: Array, quarter: int) -> Evaluated:
    """Return ``sin(x + quarter pi/2)`` for ``|x| <= 2**17``."""
    c = _constants()
    first, second, third = c.parts
    nearest = np.rint(x * c.inverse)
    t, moved = x - nearest * first, nearest * -second
    r = t + moved
    shifted = r - t
    low = (t - (r - shifted)) + (moved - shifted)
    low -= nearest * third
    s = r * r
    sine = r + (r * s * horner(c.sine, s) + low * (1.0 - 0.5 * s))
    cosine = 1.0 + (s * horner(c.cosine, s) - low * r)
    quadrant = nearest.astype(np.int64) + quarter
    value = np.where(quadrant & 1, cosine, sine)
    value *= 1.0 - (quadrant & 2)
    error = np.abs(value) * (UNIT * (1 + 2.0**-20))
    error += s * c.per_square
    error += (nearest != 0) * c.far
    return value, error if quarter else lifted(error, x)


def _one_by_one(x: Array, quarter: int) -> Evaluated:
    """Return ``sin(x + quarter pi/2)`` from Arb; infinite arguments give ``0 ± 1``."""
    with arb.precision(BITS_FOR_ANY_FLOAT):
        balls = [
            (arb.Arb(t).cos() if quarter else arb.Arb(t).sin()) if math.isfinite(t) else arb.Arb(0, 1)
            for t in x.tolist()
        ]
        values = [float(ball.mid()) for ball in balls]
        errors = [arb.upper_float(abs(ball - value)) for ball, value in zip(balls, values, strict=True)]
    return np.array(values), np.array(errors)


def _shifted_sine(x: Array, quarter: int) -> Evaluated:
    large = ~(np.abs(x) <= LARGEST)
    if not np.any(large):
        return _moderate(x, quarter)
    value, error = _moderate(np.where(large, 0.0, x), quarter)
    value[large], error[large] = _one_by_one(x[large], quarter)
    return value, error


def sin(x: Array) -> Evaluated:
    """Relative error below ``2 u`` but for large arguments near multiples of pi, where the absolute error is below
    ``2**-100``.

    Examples
    --------
    >>> value, error = sin(np.array([0.0, 1.0]))
    >>> error[0], abs(value[1] - 0.8414709848078965) <= error[1] < 3e-16
    (np.float64(0.0), np.True_)
    """
    return _shifted_sine(x, 0)


def cos(x: Array) -> Evaluated:
    """As `sin`, a quarter of a turn on.

    Examples
    --------
    >>> value, error = cos(np.array([0.0, 1.0]))
    >>> value[0], abs(value[1] - 0.5403023058681398) <= error[1] < 4e-16
    (np.float64(1.0), np.True_)
    """
    return _shifted_sine(x, 1)
