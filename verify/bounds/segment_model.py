"""Taylor models of degree 2 along a segment, propagated through the graph for a chunk of samples.

For weights w + t D, 0 <= t <= T, every vertex satisfies, entry by entry,

    z(t) = z0 + z1 t + zeta(t) t^2,   zeta(t) in zm +- zr
    h(t) = h0 + h1 t + rho(t) t^2,    rho(t) in m +- r

with the exact z0, z1, h0, h1 of the segment's start. From h_u to z_v: with A = A_e(theta), B = A_e(D_e),

    z0 = sum A h0 + b,   z1 = sum B h0 + A h1 + D_b,   zeta(t) = sum B h1 + (A + t B) rho(t)

and (A + t B) rho lies in (A + T/2 B) m +- [(|A + T/2 B| + T/2 |B|) r + T/2 |B m|]. From z to h: with a(t) = z1 + zeta t
in sm +- d, sm = z1 + T/2 zm, d = T/2 |zm| + T zr, the function moves by u = t a(t), |u - T/2 sm| <= T (|sm|/2 + d), and

    g(z0 + u) = g + g' u + q u^2,   q in g''/2 + g'''/6 u +- M4/24 u^2   and in +- sup|g''|/2
    rho = g' zeta + q a^2

where M4 = sup|g''''|. All products of computed arrays carry the rounding errors bounded in `taylor_rounding`; they only
widen the remainders.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.rounding import UNIT, gamma
from verify.bounds.forward_errors import Product, Values, propagate, sum_of_products, summation_roundings
from verify.bounds.taylor_rounding import Approximation, enlarged, largest_entry, row_sum
from verify.bounds.workspace import Workspace, apply_into
from verify.calculus import passes

if TYPE_CHECKING:
    from verify.architecture import Architecture, Edge

_LOST = 64 * UNIT
"""Covers the roundings of an entry of the remainder, relative to the sum of its terms' largest absolute values."""


@dataclass(frozen=True)
class EdgeSegment:
    """What an edge does along the segment; row sums bound those of A and B; middle = A + T/2 B, half = T/2 B."""

    edge: Edge
    theta: np.ndarray | None
    direction: np.ndarray | None
    middle: np.ndarray | None
    spread: np.ndarray | None
    half: np.ndarray | None
    row_sum: float
    direction_row_sum: float

    @classmethod
    def of(cls, edge: Edge, parts: passes.Parts, directions: passes.Parts, length: float) -> EdgeSegment:
        """Prepare an edge for steps up to `length`."""
        if not edge.map.parameter_shape:
            return cls(edge, None, None, None, None, None, row_sum(edge.map, None), 0.0)
        theta, direction = parts[edge.key], directions[edge.key]
        half = 0.5 * length * direction
        middle = theta + half
        return cls(
            edge,
            theta,
            direction,
            middle,
            np.abs(middle) + np.abs(half),
            half,
            row_sum(edge.map, theta),
            row_sum(edge.map, direction),
        )


@dataclass
class Segment:
    """A segment of weights, prepared once for all chunks of samples."""

    architecture: Architecture
    parts: passes.Parts
    directions: passes.Parts
    length: float
    edges: dict[str, list[EdgeSegment]] = field(init=False)

    def __post_init__(self) -> None:
        self.edges = {
            name: [EdgeSegment.of(edge, self.parts, self.directions, self.length) for edge in incoming]
            for name in self.architecture.order
            for incoming in [self.architecture.in_edges(name)]
        }

    def bias(self, name: str) -> tuple[Any, Any]:
        """Bias and its direction at every unit, 0 without a bias."""
        vertex = self.architecture.vertices[name]
        if vertex.bias is None:
            return np.zeros(1), np.zeros(1)
        return passes.spread_bias(vertex, self.parts[name]), passes.spread_bias(vertex, self.directions[name])


@dataclass
class Models:
    """The models of all vertices for a chunk: start, slope, and remainder m +- r (absent: exactly 0)."""

    start: dict[str, Approximation] = field(default_factory=dict)
    slope: dict[str, Approximation] = field(default_factory=dict)
    middle: dict[str, np.ndarray] = field(default_factory=dict)
    radius: dict[str, np.ndarray] = field(default_factory=dict)
    curved: dict[str, float] = field(default_factory=dict)
    """Upper bound of |m| + r."""


def taylor_models(segment: Segment, x: np.ndarray, workspace: Workspace, start: Values | None = None) -> Models:
    """Propagate samples x (n, input dimension) along the segment; the arrays are the workspace's.

    Parameters
    ----------
    segment : Segment
    x : array, shape (n, input dimension)
    workspace : Workspace
    start : Values, optional
        The forward pass of order 3 at the segment's start, where it is known already.
    """
    architecture = segment.architecture
    if start is None:
        sums = {name: [e.row_sum for e in edges] for name, edges in segment.edges.items()}
        start = propagate(architecture, segment.parts, sums, x, 3, workspace)
    models = Models({name: values[0] for name, values in start.items()})
    for name in architecture.order:
        _add_vertex(segment, models, name, start[name][1:], workspace)
    return models


def _add_vertex(
    segment: Segment, models: Models, name: str, derivatives: list[Approximation], workspace: Workspace
) -> None:
    edges = segment.edges[name]
    vertex = segment.architecture.vertices[name]
    shape = models.start[name].value.shape
    roundings = summation_roundings([e.edge for e in edges])
    slopes: list[Product] = [
        (e.edge.map, e.direction, e.direction_row_sum, models.start[e.edge.source])
        for e in edges
        if e.direction is not None
    ]
    slopes += [
        (e.edge.map, e.theta, e.row_sum, models.slope[e.edge.source]) for e in edges if e.edge.source in models.slope
    ]
    z1 = sum_of_products(slopes, segment.bias(name)[1], roundings, workspace, ("z1", shape))
    g1, g2, g3 = derivatives
    slope = np.multiply(g1.value, z1.value, out=workspace.take((name, "slope"), shape))
    slope_error = g1.magnitude * z1.error + g1.error * z1.magnitude + 4 * UNIT * g1.magnitude * z1.magnitude
    models.slope[name] = Approximation.of(slope, enlarged(slope_error))
    zeta = _curvature(segment, models, name, shape, roundings, workspace)
    m, r = workspace.take((name, "m"), shape), workspace.take((name, "r"), shape)
    compose(segment.length, vertex.activation, (g1, g2, g3), z1, zeta, (m, r), workspace)
    models.middle[name], models.radius[name] = m, r
    models.curved[name] = enlarged(largest_entry(m) + largest_entry(r))


def _curvature(
    segment: Segment, models: Models, name: str, shape: tuple[int, ...], roundings: int, workspace: Workspace
) -> tuple[np.ndarray, np.ndarray]:
    """Return zm, zr with zeta(t) in zm +- zr."""
    half = 0.5 * segment.length
    zm, zr = workspace.take("zm", shape), workspace.take("zr", shape)
    (part,) = workspace.scratch(shape, 1)
    zm[...] = 0.0
    zr[...] = 0.0
    lost = 0.0
    relative = 2 * float(gamma(roundings))
    for e in segment.edges[name]:
        source, linear = e.edge.source, e.edge.map
        if source not in models.slope:
            continue
        slope, curved = models.slope[source], models.curved[source]
        apply_into(linear, e.middle, models.middle[source], part)
        zm += part
        apply_into(linear, e.spread, models.radius[source], part)
        zr += part
        lost += relative * (e.row_sum + half * e.direction_row_sum) * curved
        if e.direction is not None:
            apply_into(linear, e.direction, slope.value, part)
            zm += part
            apply_into(linear, e.half, models.middle[source], part)
            zr += np.abs(part, out=part)
            lost += e.direction_row_sum * (slope.error + relative * (slope.magnitude + half * curved))
    zr += enlarged(lost + _LOST * largest_entry(zr))
    return zm, zr


def compose(
    length: float,
    activation: Any,
    derivatives: tuple[Approximation, Approximation, Approximation],
    z1: Approximation,
    zeta: tuple[np.ndarray, np.ndarray],
    remainder: tuple[np.ndarray, np.ndarray],
    workspace: Workspace,
) -> None:
    """Write m, r with rho(t) in m +- r into `remainder`, given zeta(t) in zm +- zr.

    Roundings are bounded once for the whole array, by _LOST times the largest absolute value that can arise.
    """
    g1, g2, g3 = derivatives
    (zm, zr), (m, r) = zeta, remainder
    half, twelfth, fourth = 0.5 * length, length / 12, activation.supremum(4) * (length * length / 24)
    sm, d, reach, qc, qr, part = workspace.scratch(zm.shape, 6)
    largest_zm, largest_zr = largest_entry(zm), largest_entry(zr)
    np.multiply(zm, half, out=sm)
    np.abs(sm, out=d)
    sm += z1.value
    np.multiply(zr, length, out=part)
    d += part
    size = z1.magnitude + half * largest_zm
    d += enlarged(z1.error + _LOST * (size + half * largest_zm + length * largest_zr))
    np.abs(sm, out=reach)
    reach += d
    largest_reach = largest_entry(reach)
    largest_q = g2.magnitude + length * g3.magnitude * largest_reach + fourth * largest_reach * largest_reach
    np.multiply(g3.value, twelfth, out=part)
    np.multiply(part, sm, out=qc)
    np.abs(part, out=part)
    np.add(reach, d, out=qr)
    qr *= part
    np.multiply(g2.value, 0.5, out=part)
    qc += part
    squared_reach = np.multiply(reach, reach, out=reach)
    np.multiply(squared_reach, fourth, out=part)
    qr += part
    qr += enlarged(g2.error + g3.error * length * largest_reach + _LOST * largest_q)
    bend = 0.5 * activation.supremum(2)
    _limit(qc, qr, bend, (part, d))
    largest_q = min(largest_q, 2 * bend)
    squared = np.multiply(sm, sm, out=sm)
    np.multiply(g1.value, zm, out=m)
    np.multiply(qc, squared, out=part)
    m += part
    np.abs(g1.value, out=part)
    np.multiply(part, zr, out=r)
    qr *= squared_reach
    r += qr
    np.subtract(squared_reach, squared, out=squared_reach)
    squared_reach *= np.abs(qc, out=qc)
    r += squared_reach
    moved = largest_zm + largest_zr
    r += enlarged(g1.error * moved + _LOST * (g1.magnitude * moved + largest_q * largest_reach * largest_reach))


def _limit(qc: np.ndarray, qr: np.ndarray, bend: float, parts: tuple[np.ndarray, np.ndarray]) -> None:
    """Intersect qc +- qr with +- bend, in place."""
    low, high = parts
    np.subtract(qc, qr, out=low)
    np.add(qc, qr, out=high)
    if not (np.min(low, initial=0.0) < -bend or np.max(high, initial=0.0) > bend):
        return
    np.maximum(low, -bend, out=low)
    np.minimum(high, bend, out=high)
    np.add(low, high, out=qc)
    qc *= 0.5
    np.subtract(high, low, out=qr)
    qr *= 0.5
    np.maximum(qr, 0.0, out=qr)
    qr += enlarged(_LOST * bend)
