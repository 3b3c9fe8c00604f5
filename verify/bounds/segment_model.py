"""Taylor models of degree 3 along a segment, propagated through the graph for a chunk of samples.

For weights w + t D, 0 <= t <= T, every vertex satisfies, entry by entry,

    z(t) = z0 + z1 t + z2 t^2 + zeta(t) t^3,   zeta(t) in zm +- zr
    h(t) = h0 + h1 t + h2 t^2 + rho(t) t^3,    rho(t) in m +- r

with the exact coefficients of the segment's start. From h_u to z_v: with A = A_e(theta), B = A_e(D_e), M = A + T/2 B,

    z0 = sum A h0 + b,   z1 = sum B h0 + A h1 + D_b,   z2 = sum B h1 + A h2,   zeta(t) = sum B h2 + (A + t B) rho(t)

and (A + t B) rho lies in M m +- [(|M| + T/2 |B|) r + T/2 |B m|]. From z to h: see `segment_compose`; long segments
carry remainders of second order too, see `segment_bent`.

z0, z1, h0, h1 decide the slope of the error, where cancellation is worst, and are computed in the `Segment`'s first
format; the rest in its second one, float32 by default. All products of computed arrays carry the rounding errors
bounded in `taylor_rounding`: h0, h1, h2 as errors of their own, those of the rest widen r.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.forward_errors import (
    Product,
    Values,
    in_format,
    propagate,
    sum_of_products,
    summation_roundings,
)
from verify.bounds.segment_bent import Bend, Remainder
from verify.bounds.segment_compose import HigherCoefficients, compose
from verify.bounds.segment_differences import Pair
from verify.bounds.segment_edges import Segment
from verify.bounds.taylor_rounding import (
    Approximation,
    accumulated,
    enlarged,
    largest_of_nonnegative,
    product_error,
    summed_error,
    unit,
)
from verify.bounds.workspace import Workspace, apply_into

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


@dataclass
class Models:
    """The models of all vertices for a chunk: h0, h1, h2 and the remainder m +- r (absent: exactly 0)."""

    start: dict[str, Approximation] = field(default_factory=dict)
    slope: dict[str, Approximation] = field(default_factory=dict)
    slope_rest: dict[str, Approximation] = field(default_factory=dict)
    """h1 again, in the format of the rest."""
    curvature: dict[str, HigherCoefficients] = field(default_factory=dict)


def start_values(segment: Segment, x: np.ndarray, workspace: Workspace) -> Values:
    """Forward pass of order 3 for samples x (n, input dimension) at the segment's start; arrays of the workspace."""
    return propagate(segment.architecture, segment.start, x, 3, workspace, formats=segment.formats.derivatives)


def taylor_models(segment: Segment, start: Values, workspace: Workspace) -> Models:
    """Propagate samples along the segment from their forward pass `start`; the arrays are the workspace's."""
    models = Models({name: values[0] for name, values in start.items()})
    for name in segment.architecture.order:
        _add_vertex(segment, models, name, start[name][1:], workspace)
    return models


def _add_vertex(
    segment: Segment, models: Models, name: str, derivatives: list[Approximation], workspace: Workspace
) -> None:
    edges, formats = segment.edges[name], segment.formats
    activation: Any = segment.architecture.vertices[name].activation
    shape = models.start[name].value.shape
    roundings = summation_roundings([e.edge for e in edges])
    moving = [e for e in edges if e.edge.source in models.slope]

    def sum_of(terms: list[Product], constant: Approximation | None, key: str, dtype: DTypeLike) -> Approximation:
        return sum_of_products(terms, constant, roundings, workspace, (key, shape, dtype))

    slopes = [(e.edge.map, e.direction, models.start[e.edge.source]) for e in edges if e.direction]
    slopes += [(e.edge.map, e.theta, models.slope[e.edge.source]) for e in moving]
    z1 = sum_of(slopes, segment.bias_direction[name], "z1", formats.start)
    bends = [(e.edge.map, e.direction_rest, models.slope_rest[e.edge.source]) for e in moving if e.direction_rest]
    bends += [(e.edge.map, e.theta_rest, models.curvature[e.edge.source].second) for e in moving]
    z2 = sum_of(bends, None, "z2", formats.rest)
    thirds = {source: (c.second, c.third) for source, c in models.curvature.items()}
    zeta = _remainder(segment, thirds, name, shape, "zeta", workspace)
    bend = None
    if segment.long:
        outputs = [(e.edge.map, e.theta, models.start[e.edge.source]) for e in edges]
        z0 = sum_of(outputs, segment.start[name].bias, "z0", formats.start)
        seconds = {source: (models.slope_rest[source], c.bent) for source, c in models.curvature.items() if c.bent}
        bend = Bend(z0, _remainder(segment, seconds, name, shape, "beta", workspace))

    g1, g2, g3 = derivatives
    slope = np.multiply(g1.value, z1.value, out=workspace.take((name, "h1"), shape, formats.start))
    if formats.start != formats.rest:
        z1 = Approximation.of(z1.value, z1.error)
    size = g1.magnitude * z1.magnitude
    error = enlarged(product_error(g1, z1) + 2 * unit(formats.start) * size)
    models.slope[name] = Approximation.of(slope, error)
    models.slope_rest[name] = in_format(models.slope[name], workspace, (name, "h1"), formats.rest)
    z1 = in_format(z1, workspace, "z1", formats.rest)
    g1 = in_format(g1, workspace, "g1", formats.rest)
    results = [workspace.take((name, key), shape, formats.rest) for key in _RESULTS[: 5 if segment.long else 3]]
    models.curvature[name] = compose(segment.length, activation, (g1, g2, g3), (z1, z2), zeta, bend, results, workspace)


_RESULTS = ("h2", "m", "r", "m2", "r2")


_Source = tuple[Approximation, Remainder]


def _remainder(
    segment: Segment, sources: dict[str, _Source], name: str, shape: tuple[int, ...], key: str, workspace: Workspace
) -> Pair:
    """Enclose the sum of B x + (A + t B) rho over the edges, given (x, rho) of the sources that have them."""
    half, dtype = 0.5 * segment.length, segment.formats.rest
    roundings = summation_roundings([e.edge for e in segment.edges[name]])
    middle, radius = (workspace.take((key, part), shape, dtype) for part in ("middle", "radius"))
    (part,) = workspace.scratch(shape, 1, dtype)
    terms: list[tuple[float, float, float]] = []
    for e in segment.edges[name]:
        if e.edge.source not in sources:
            continue
        x, rho = sources[e.edge.source]
        linear, first = e.edge.map, not terms
        apply_into(linear, e.middle, rho.middle, middle if first else part)
        if not first:
            middle += part
        apply_into(linear, e.spread, rho.radius, radius if first else part)
        if not first:
            radius += part
        terms.append((e.theta.row_sum, rho.size, 0.0))
        if e.direction_rest is not None:
            terms[-1] = (e.theta.row_sum + 2 * half * e.direction_rest.row_sum, rho.size, 0.0)
            terms.append(e.direction_rest.term(x))
            apply_into(linear, e.direction_rest.values, x.value, part)
            middle += part
            apply_into(linear, e.half, rho.middle, part)
            radius += np.abs(part, out=part)
    if not terms:
        middle[...] = radius[...] = 0.0
        return middle, radius
    lost = 2 * accumulated(roundings, dtype) * largest_of_nonnegative(radius)
    radius += enlarged(summed_error(terms, roundings, dtype) + lost)
    return middle, radius
