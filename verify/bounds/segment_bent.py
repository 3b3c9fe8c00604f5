"""Remainders of second order, for long segments: h(t) = h0 + h1 t + rho2(t) t^2, z(t) = z0 + z1 t + beta(t) t^2.

Where T is long, the enclosures of third order grow like cubes from layer to layer. Then ``beta(t) = b(t)`` of
`segment_compose` has a second enclosure: ``sum B h1 + (A + t B) rho2(t)``, enclosed like zeta. With b in [bl, bh],
u = t z1 + t^2 b lies between the least and the largest Bernstein coefficients 0, T z1/2, T (z1 + T bl) and
T (z1 + T bh); `segment_differences` gives q in [ql, qh], and

    rho2 = g' b + q a^2,   a = z1 + t b.

From above, rho2 <= g' b + max(qh, 0) a^2 + min(qh, 0) inf a^2. The first two terms are convex in b for every t and
convex in t for every b: their largest value is one at b = bl or bh and t = 0 or T. The infimum is 0 or the least square
of z1, el = z1 + T bl and eh = z1 + T bh, since a lies between z1 and el or eh. From below likewise.

Roundings, with A >= |a|, Q >= |q| and B >= |b| for the entry: el and eh are off by 8 u A and the error of z1, their
squares by 3 A times this, so that 64 u (Q A^2 + |g'| B) covers what the format costs. Underflow: u times the floor
that A has is far above the smallest subnormal number, times B too.

There is also ``rho2 = h2 + t rho``. `intersect` takes the better end of both, entry by entry. Entries that are not
numbers, where one of the enclosures overflowed, leave the other as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.segment_differences import Pair, second_differences
from verify.bounds.taylor_rounding import Approximation, enlarged, largest_entry, largest_of_nonnegative, least, unit

if TYPE_CHECKING:
    from verify.bounds.workspace import Workspace


@dataclass(frozen=True)
class Bend:
    """What long segments need of a vertex besides: z0, in any format, and beta."""

    start: Approximation
    beta: Pair


@dataclass(frozen=True)
class Remainder:
    """An interval for every entry, middle +- radius; `size` bounds |middle| + radius."""

    middle: np.ndarray
    radius: np.ndarray
    size: float

    @classmethod
    def of(cls, middle: np.ndarray, radius: np.ndarray) -> Remainder:
        """Return the remainder with its bound filled in."""
        return cls(middle, radius, enlarged(largest_entry(middle) + largest_of_nonnegative(radius)))


def intersect(first: Pair, second: Pair, workspace: Workspace) -> None:
    """Write the intersection of two enclosures of the same numbers, middle +- radius each, into the first.

    Every end is moved outward by 8 u of its enclosure's size, for the roundings here.
    """
    dtype = first[0].dtype
    low, high, part = (workspace.take(("intersect", i), first[0].shape, dtype) for i in range(3))
    ends = []
    for middle, radius in (first, second):
        np.add(np.abs(middle, out=part), radius, out=part)
        part *= 8 * unit(dtype)
        part += radius
        part += least(dtype)
        ends.append((middle - part, middle + part))
    np.fmax(ends[0][0], ends[1][0], out=low)
    np.fmin(ends[0][1], ends[1][1], out=high)
    middle, radius = first
    np.add(low, high, out=middle)
    middle *= 0.5
    np.subtract(high, low, out=radius)
    radius *= 0.5
    np.maximum(radius, 0.0, out=radius)
    radius += np.multiply(np.add(np.abs(low, out=low), np.abs(high, out=high), out=low), 4 * unit(dtype), out=low)


def second_remainder(
    length: float,
    activation: Any,
    derivatives: tuple[Approximation, Approximation, Approximation],
    z0: Approximation,
    z1: Approximation,
    b: Pair,
    results: Pair,
    workspace: Workspace,
) -> None:
    """Write rho2 in m2 +- r2 into `results`, given b in the middle +- radius."""
    (g1, g2, g3), (low, high) = derivatives, results
    dtype = low.dtype
    bl, bh, el, eh, A, B, ql, qh, ul, uh = (workspace.take(("bent", i), low.shape, dtype) for i in range(10))
    np.subtract(*b, out=bl)
    np.add(*b, out=bh)
    np.add(np.abs(b[0], out=B), b[1], out=B)
    np.add(np.multiply(bl, length, out=el), z1.value, out=el)
    np.add(np.multiply(bh, length, out=eh), z1.value, out=eh)
    np.multiply(B, length + least(dtype), out=A)
    A += np.abs(z1.value, out=ul)
    A += enlarged(z1.error + least(dtype))

    _displacements(length, z1, (el, eh), A, (ul, uh))
    second_differences(activation, z0, (g2, g3), (ul, uh), (ql, qh), workspace)

    np.multiply(g1.value, bl, out=bl)
    np.multiply(g1.value, bh, out=bh)
    infimum, start, part = (workspace.take(("squares", i), low.shape, dtype) for i in range(3))
    np.minimum(np.minimum(el, eh, out=infimum), z1.value, out=infimum)
    np.maximum(np.maximum(el, eh, out=part), z1.value, out=part)
    np.maximum(infimum, np.negative(part, out=part), out=infimum)
    np.maximum(infimum, 0.0, out=infimum)
    for square, root in ((infimum, infimum), (start, z1.value), (el, el), (eh, eh)):
        np.multiply(root, root, out=square)
    ends, squares = (bl, bh), (start, el, eh, infimum)
    _extreme(ends, ql, squares, (np.minimum, np.maximum), (low, ul, uh))
    _extreme(ends, qh, squares, (np.maximum, np.minimum), (high, ul, uh))

    np.maximum(np.abs(ql, out=ql), np.abs(qh, out=qh), out=ql)
    error = np.multiply(A, 64 * unit(dtype), out=qh)
    error += 4 * z1.error
    error *= A
    error += least(dtype)
    error *= ql
    error += np.multiply(B, enlarged(2 * g1.error + 64 * unit(dtype) * g1.magnitude), out=B)
    error += enlarged(least(dtype) * (1 + g1.magnitude))
    np.add(low, high, out=part)
    high -= low
    high *= 0.5
    high += error
    np.multiply(part, 0.5, out=low)


def _displacements(length: float, z1: Approximation, ends: Pair, reach: np.ndarray, results: Pair) -> None:
    """Write rigorous ends of u, given z1 + T bl, z1 + T bh and A."""
    rounding = unit(reach.dtype)
    outward = reach * (32 * rounding)
    outward += enlarged(z1.error)
    for result, end, pick, away in zip(results, ends, (np.minimum, np.maximum), (np.subtract, np.add), strict=True):
        pick(np.multiply(z1.value, 0.5, out=result), end, out=result)
        pick(result, 0.0, out=result)
        away(result, outward, out=result)
        np.multiply(result, length * (1 + 4 * rounding), out=result)


def _extreme(ends: Pair, q: np.ndarray, squares: Any, picks: tuple[Any, Any], arrays: tuple[np.ndarray, ...]) -> None:
    """Write the extreme of g' b + q a^2 into the first array, given g' bl and g' bh.

    The first pick is the maximum for the upper end and the minimum for the lower one, the second one the other.
    """
    pick, other = picks
    (start, at_low, at_high, infimum), (result, away, part) = squares, arrays
    pick(q, 0.0, out=away)
    pick(*ends, out=result)
    result += np.multiply(away, start, out=part)
    for end, square in zip(ends, (at_low, at_high), strict=True):
        np.multiply(away, square, out=part)
        part += end
        pick(result, part, out=result)
    other(q, 0.0, out=away)
    away *= infimum
    result += away
