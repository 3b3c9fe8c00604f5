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
from verify.bounds.taylor_rounding import (
    Approximation,
    enlarged,
    evaluated,
    largest_entry,
    products,
    row_sum,
    summed_error,
)
from verify.calculus import passes
from verify.calculus.algebra import FLOAT

if TYPE_CHECKING:
    from verify.architecture import Architecture, Edge

_GROWTH = 1 + 64 * UNIT
"""Covers the roundings of an entry of a radius, a formula of nonnegative terms with fewer than fifty operations."""


@dataclass(frozen=True)
class EdgeSegment:
    """What an edge does along the segment; row sums bound A, B and the two combined."""

    edge: Edge
    theta: np.ndarray | None
    direction: np.ndarray | None
    middle: np.ndarray | None
    spread: np.ndarray | None
    row_sum: float
    direction_row_sum: float

    @classmethod
    def of(cls, edge: Edge, parts: passes.Parts, directions: passes.Parts, length: float) -> EdgeSegment:
        """Prepare an edge for steps up to `length`."""
        if not edge.map.parameter_shape:
            return cls(edge, None, None, None, None, row_sum(edge.map, None), 0.0)
        theta, direction = parts[edge.key], directions[edge.key]
        half = 0.5 * length * direction
        middle = theta + half
        return cls(
            edge,
            theta,
            direction,
            middle,
            np.abs(middle) + np.abs(half),
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


def taylor_models(segment: Segment, x: np.ndarray) -> Models:
    """Propagate samples x (n, input dimension) along the segment."""
    models = Models()
    inputs = passes.input_outputs(FLOAT, segment.architecture, x)
    for name, columns in inputs.items():
        models.start[name] = Approximation.of(columns, 0.0)
    for name in segment.architecture.order:
        _add_vertex(segment, models, name)
    return models


def _add_vertex(segment: Segment, models: Models, name: str) -> None:
    edges = segment.edges[name]
    bias, bias_direction = segment.bias(name)
    roundings = 2 * sum(products(e.edge.map) for e in edges) + 4 * len(edges) + 8
    z0 = _sum_of_products([(e, e.theta, e.row_sum, models.start[e.edge.source]) for e in edges], bias, roundings)
    moving = [e for e in edges if e.edge.source in models.slope]
    trained = [e for e in edges if e.direction is not None]
    z1 = _sum_of_products(
        [(e, e.direction, e.direction_row_sum, models.start[e.edge.source]) for e in trained]
        + [(e, e.theta, e.row_sum, models.slope[e.edge.source]) for e in moving],
        bias_direction,
        roundings,
    )
    activation = segment.architecture.vertices[name].activation
    g, g1, g2, g3 = evaluated(activation, z0, 3)
    models.start[name] = g
    slope_error = g1.magnitude * z1.error + g1.error * z1.magnitude + 4 * UNIT * g1.magnitude * z1.magnitude
    models.slope[name] = Approximation.of(np.broadcast_to(g1.value * z1.value, g.value.shape), enlarged(slope_error))
    zm, zr = _curvature(segment, models, name, g.value.shape, roundings)
    models.middle[name], models.radius[name] = _compose(segment.length, activation, g1, g2, g3, z1, zm, zr)


def _sum_of_products(
    terms: list[tuple[EdgeSegment, Any, float, Approximation]], constant: np.ndarray, roundings: int
) -> Approximation:
    total: Any = constant
    for e, theta, _, factor in terms:
        total = total + e.edge.map.apply(theta, factor.value)
    errors = [(s, factor.largest, factor.error) for _, _, s, factor in terms]
    errors.append((1.0, largest_entry(constant), 0.0))
    return Approximation.of(total, summed_error(errors, roundings))


def _curvature(
    segment: Segment, models: Models, name: str, shape: tuple[int, ...], roundings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return zm, zr with zeta(t) in zm +- zr."""
    half = 0.5 * segment.length
    zm, zr = np.zeros(shape), np.zeros(shape)
    lost = 0.0
    relative = 2 * float(gamma(roundings))
    for e in segment.edges[name]:
        source = e.edge.source
        if source not in models.slope:
            continue
        slope, m, r = models.slope[source], models.middle[source], models.radius[source]
        largest_m = largest_entry(m)
        zm += e.edge.map.apply(e.middle, m)  # type: ignore[arg-type]
        zr += e.edge.map.apply(e.spread, r)  # type: ignore[arg-type]
        both = e.row_sum + half * e.direction_row_sum
        lost += relative * both * (largest_m + largest_entry(r))
        if e.direction is not None:
            zm += e.edge.map.apply(e.direction, slope.value)
            zr += half * np.abs(e.edge.map.apply(e.direction, m))
            lost += e.direction_row_sum * (slope.error + relative * (slope.magnitude + half * largest_m))
    return zm, zr * _GROWTH + enlarged(lost)


def _compose(
    length: float,
    activation: Any,
    g1: Approximation,
    g2: Approximation,
    g3: Approximation,
    z1: Approximation,
    zm: np.ndarray,
    zr: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return m, r with rho(t) in m +- r, from zeta(t) in zm +- zr."""
    half = 0.5 * length
    sm = z1.value + half * zm
    size = np.abs(sm)
    sm_lost = enlarged(z1.error + 4 * UNIT * (z1.magnitude + half * largest_entry(zm)))
    d = (half * np.abs(zm) + length * zr) * _GROWTH + sm_lost
    reach = (size + d) * _GROWTH
    largest_reach = largest_entry(reach)
    c3 = g3.value * (length / 6)
    qc = 0.5 * g2.value + 0.5 * c3 * sm
    qc_lost = g2.error + g3.error * length * largest_reach
    qc_lost += 16 * UNIT * (g2.magnitude + g3.magnitude * length * largest_reach)
    fourth = activation.supremum(4) * length * length / 24
    qr = (np.abs(c3) * (0.5 * size + d) + fourth * reach * reach) * _GROWTH + enlarged(qc_lost)
    qr += 4 * UNIT * (np.abs(qc) + qr)
    bend = 0.5 * activation.supremum(2)
    if np.isfinite(bend):
        low, high = np.maximum(qc - qr, -bend), np.minimum(qc + qr, bend)
        qc, qr = 0.5 * (low + high), np.maximum(0.5 * (high - low), 0.0) + enlarged(8 * UNIT * bend)
    squared = sm * sm
    middle = g1.value * zm + qc * squared
    lost = g1.error * (largest_entry(zm) + largest_entry(zr))
    lost += 16 * UNIT * (g1.magnitude * largest_entry(zm) + largest_entry(qc) * largest_reach**2)
    radius = np.abs(g1.value) * zr + qr * reach * reach + np.abs(qc) * (d * (2 * size + d))
    return middle, radius * _GROWTH + enlarged(lost)
