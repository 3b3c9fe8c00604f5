"""An activation applied to a Taylor model of degree 3.

Given ``z(t) = z0 + t a``, ``a = z1 + t b``, ``b = z2 + t zeta``, ``zeta in zm +- zr`` for t in [0, T]:

    b in bm +- bd,   bm = z2 + T/2 zm,   bd = T/2 |zm| + T zr,             |b| <= B = |bm| + bd
    a in am +- ad,   am = z1 + T/2 bm,   ad = T/2 |bm| + T bd = T/2 (B + bd),   |a| <= A = |am| + ad
    g(z0 + u) = g + g' u + g''/2 u^2 + q u^3,   u = t a,   q in g'''/6 +- M4/24 T A  and in +- sup|g'''|/6

with M4 = sup|g''''|. Since ``a^2 = z1^2 + t b (2 z1 + t b)``, the coefficients of 1, t, t^2 and t^3 are

    g,   g' z1,   h2 = g' z2 + g''/2 z1^2,   rho = g' zeta + g'' z1 b + g''/2 t b^2 + q a^3

and with ``t b^2 in [0, T B^2]`` and ``a^3 in am^3 +- (A^3 - |am|^3)``, q in qc +- qr,

    m = g' zm + g'' z1 bm + g''/4 T B^2 + qc am^3
    r = |g'| zr + |g'' z1| bd + |g''|/4 T B^2 + |qc| (A^3 - |am|^3) + qr A^3.

Roundings are bounded once for the whole array, by 64 u times the largest absolute value that can arise: no result meets
more than 32 of them (h2: by 8 u, for at most 6). What underflows is off by the smallest subnormal number times at most
a product of three magnitudes; the floor of the format, 2**45 times as large, covers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.segment_bent import Bend, Remainder, intersect, second_remainder
from verify.bounds.segment_differences import Pair
from verify.bounds.taylor_rounding import (
    Approximation,
    enlarged,
    largest_entry,
    largest_of_nonnegative,
    least,
    product_error,
    unit,
)

if TYPE_CHECKING:
    from verify.bounds.workspace import Workspace

_WIDE = 0.25
"""From this share of sup|g'''|/6 on, the intersection with it can pay."""


@dataclass(frozen=True)
class HigherCoefficients:
    """A vertex's second coefficient h2, its remainder m +- r of third order and, on long segments, of second order."""

    second: Approximation
    third: Remainder
    bent: Remainder | None


def compose(
    length: float,
    activation: Any,
    derivatives: tuple[Approximation, Approximation, Approximation],
    coefficients: tuple[Approximation, Approximation],
    zeta: Pair,
    long: Bend | None,
    results: list[np.ndarray],
    workspace: Workspace,
) -> HigherCoefficients:
    """Write h2, m, r and on long segments m2, r2 into `results`.

    Given are (g', g'', g'''), (z1, z2), zeta(t) in zm +- zr, all in one format, and on long segments z0 and
    beta (`segment_bent`).
    """
    (g1, g2, g3), (z1, z2), (zm, zr), (h2, m, r) = derivatives, coefficients, zeta, results[:3]
    half, fourth = 0.5 * length, activation.supremum(4) * (length / 24)
    b, bd, B, a, ad, A, p, part = workspace.scratch(zm.shape, 8, zm.dtype)
    rounding, tiny = 64 * unit(zm.dtype), least(zm.dtype)
    first, moved = g1.magnitude, enlarged(largest_entry(zm) + largest_of_nonnegative(zr))
    overflow = long is not None and not np.isfinite(moved)
    if overflow:
        zm[...] = zr[...] = moved = 0.0
    scale = 1 + first + g2.magnitude + g3.magnitude + z1.magnitude + z2.magnitude

    np.multiply(g2.value, z1.value, out=p)
    np.multiply(p, z1.value, out=h2)
    h2 *= 0.5
    h2 += np.multiply(g1.value, z2.value, out=part)
    turned = g2.magnitude * z1.magnitude
    error = product_error(g1, z2) + 0.5 * g2.error * z1.magnitude * z1.magnitude + turned * z1.error
    error += rounding / 8 * (first * z2.magnitude + turned * z1.magnitude) + tiny * _cube(scale)
    second = Approximation.of(h2, enlarged(error))

    np.multiply(zm, half, out=b)
    np.abs(b, out=bd)
    b += z2.value
    bd += np.multiply(zr, length, out=part)
    bd += enlarged(z2.error + rounding * (z2.magnitude + length * moved) + tiny * (scale + moved))
    if long is not None:
        if overflow:
            bd[...] = np.inf
        intersect((b, bd), long.beta, workspace)
    np.add(np.abs(b, out=B), bd, out=B)
    np.multiply(b, half, out=a)
    a += z1.value
    np.add(B, bd, out=ad)
    ad *= half
    bend = largest_of_nonnegative(B)
    ad += enlarged(z1.error + rounding * (z1.magnitude + length * bend) + tiny * (scale + bend))
    np.add(np.abs(a, out=A), ad, out=A)
    reach = largest_of_nonnegative(A)
    if long is not None:
        bent = (results[3], results[4])
        second_remainder(length, activation, derivatives, long.start, z1, (b, bd), bent, workspace)

    np.multiply(g1.value, zm, out=m)
    m += np.multiply(p, b, out=part)
    np.multiply(np.abs(g1.value, out=part), zr, out=r)
    bd *= np.abs(p, out=p)
    r += bd
    B *= B
    B *= g2.value
    B *= 0.25 * length
    m += B
    r += np.abs(B, out=B)
    qc, qr = np.multiply(g3.value, 1 / 6, out=b), np.multiply(A, fourth, out=bd)
    largest_q = g3.magnitude / 6 + fourth * reach
    if fourth * reach > _WIDE * activation.supremum(3) / 6:
        largest_q = min(largest_q, _limit(qc, qr, activation.supremum(3) / 6, (part, p)))
    np.multiply(np.multiply(a, a, out=part), a, out=a)
    np.multiply(np.multiply(A, A, out=part), A, out=A)
    m += np.multiply(qc, a, out=part)
    qr *= A
    r += qr
    A -= np.abs(a, out=a)
    A *= np.abs(qc, out=qc)
    r += A
    error = g1.error * moved + product_error(g2, z1) * bend + 0.5 * length * g2.error * bend * bend
    error += g3.error * _cube(reach) + tiny * (_cube(scale + bend + reach) + moved)
    size = first * moved + turned * bend + length * g2.magnitude * bend * bend + largest_q * _cube(reach)
    r += np.inf if overflow else enlarged(error + rounding * size)
    if long is None:
        return HigherCoefficients(second, Remainder.of(m, r), None)
    np.multiply(m, half, out=b)
    np.abs(b, out=bd)
    b += h2
    bd += np.multiply(r, length, out=part)
    bd *= 1 + rounding
    bd += enlarged(second.error + rounding * second.magnitude + tiny)
    intersect(bent, (b, bd), workspace)
    return HigherCoefficients(second, Remainder.of(m, r), Remainder.of(*bent))


def _cube(x: float) -> float:
    """Return x^3, inf where it overflows."""
    return x * x * x


def _limit(qc: np.ndarray, qr: np.ndarray, limit: float, parts: Pair) -> float:
    """Intersect qc +- qr with +- limit, in place; return a bound of |qc| + qr."""
    low, high = parts
    np.subtract(qc, qr, out=low)
    np.add(qc, qr, out=high)
    np.maximum(low, -limit, out=low)
    np.minimum(high, limit, out=high)
    np.add(low, high, out=qc)
    qc *= 0.5
    np.subtract(high, low, out=qr)
    qr *= 0.5
    np.maximum(qr, 0.0, out=qr)
    return 2 * limit
