"""Remainders of second order, for long segments: h(t) = h0 + h1 t + rho2(t) t^2, z(t) = z0 + z1 t + beta(t) t^2.

Where T is long, the enclosures of third order grow like cubes from layer to layer. Then ``beta(t) = b(t)`` of
`segment_compose` has a second enclosure: ``sum B h1 + (A + t B) rho2(t)``, enclosed like zeta, and with a = z1 + t b

    rho2 = g' b + q2 a^2,   q2 in g''/2 +- T A min(|g'''|/6 + M4/24 T A, sup|g'''|/6)  and in +- sup|g''|/2

as well as ``rho2 = h2 + t rho``. `intersect` takes the better end of both, entry by entry. Entries that are not
numbers, where one of the enclosures overflowed, leave the other as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.taylor_rounding import Approximation, enlarged, largest_entry, largest_of_nonnegative, least, unit

if TYPE_CHECKING:
    from verify.bounds.workspace import Workspace

Pair = tuple[np.ndarray, np.ndarray]


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
    b: Pair,
    a: np.ndarray,
    reach: np.ndarray,
    results: Pair,
    workspace: Workspace,
) -> None:
    """Write rho2 in m2 +- r2 into `results`, given b +- its radius, the middle of a and A."""
    g1, g2, g3 = derivatives
    m2, r2 = results
    dtype = m2.dtype
    qc, qr, squared, square, part = (workspace.take(("bent", i), m2.shape, dtype) for i in range(5))
    bend, third = 0.5 * activation.supremum(2), activation.supremum(3) / 6
    np.multiply(np.abs(g3.value, out=part), 1 / 6, out=part)
    np.multiply(reach, activation.supremum(4) * length / 24, out=qr)
    qr += part
    np.minimum(qr, third, out=qr)
    qr *= reach
    qr *= length
    np.multiply(g2.value, 0.5, out=qc)
    np.subtract(qc, qr, out=m2)
    np.add(qc, qr, out=r2)
    np.maximum(m2, -bend, out=m2)
    np.minimum(r2, bend, out=r2)
    np.add(m2, r2, out=qc)
    qc *= 0.5
    np.subtract(r2, m2, out=qr)
    qr *= 0.5
    np.maximum(qr, 0.0, out=qr)
    np.multiply(a, a, out=square)
    np.multiply(reach, reach, out=squared)
    np.multiply(g1.value, b[0], out=m2)
    m2 += np.multiply(qc, square, out=part)
    np.multiply(np.abs(g1.value, out=part), b[1], out=r2)
    qr *= squared
    r2 += qr
    squared -= square
    squared *= np.abs(qc, out=qc)
    r2 += squared
    moved = enlarged(largest_entry(b[0]) + largest_of_nonnegative(b[1]))
    far = largest_of_nonnegative(reach)
    largest_q = min(g2.magnitude / 2 + length * far * (third + g3.error), 2 * bend)
    error = g1.error * moved + (g2.error + length * far * g3.error) * far * far
    size = g1.magnitude * moved + largest_q * far * far
    scale = (1 + g1.magnitude + g2.magnitude + g3.magnitude + moved + far) * (1 + moved + far) * (1 + far)
    r2 += enlarged(error + 64 * unit(dtype) * size + least(dtype) * scale)
