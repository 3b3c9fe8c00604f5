"""What storing w + t D as float64 can do to the error.

The stored weights differ from w + t D by at most u |w + t D|, entry by entry. The shift s_v of a vertex's outputs, in
the maximum norm, then obeys ``s_v <= sup|g_v'| (sum of dS H_u + (S + dS) s_u, plus u |b|)`` over its edges, with S the
row sum of A + t B, dS <= u S that of the change, and H_u the largest output on the segment. The squared error of an
output changes by at most ``sum |e(t)| s + s^2/2``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.rounding import FLOOR, UNIT
from verify.bounds.taylor_rounding import enlarged, largest_slope

if TYPE_CHECKING:
    from verify.bounds.segment_edges import Segment
    from verify.bounds.segment_model import Models


def output_shifts(segment: Segment, models: Models) -> dict[str, float]:
    """Upper bounds, for a chunk, of the change of every vertex's outputs between stored and exact weights."""
    shifts: dict[str, float] = {}
    sizes = {name: _largest_output(segment, models, name) for name in models.start}
    for name in segment.architecture.order:
        bias, bias_direction = segment.start[name].bias, segment.bias_direction[name]
        reach = (
            0.0 if bias is None or bias_direction is None else bias.largest + segment.length * bias_direction.largest
        )
        moved = 2 * UNIT * reach + FLOOR
        for e in segment.edges[name]:
            gain = e.theta.row_sum
            if e.direction is not None:
                gain += segment.length * e.direction.row_sum
                moved += (2 * UNIT * gain + e.edge.map.in_width * FLOOR) * sizes[e.edge.source]
            moved += gain * (1 + 2 * UNIT) * shifts.get(e.edge.source, 0.0)
            reach += gain * sizes[e.edge.source]
        slope = largest_slope(segment.architecture.vertices[name].activation, 1, enlarged(reach + moved))
        shifts[name] = enlarged(slope * moved)
    return shifts


def _largest_output(segment: Segment, models: Models, name: str) -> float:
    if name not in models.slope:
        return models.start[name].magnitude
    t = segment.length
    curvature = models.curvature[name]
    bend = curvature.second.magnitude + t * curvature.third.size
    if curvature.bent is not None:
        bend = min(curvature.bent.size, bend) if np.isfinite(bend) else curvature.bent.size
    change = models.slope[name].magnitude + t * bend
    return enlarged(models.start[name].magnitude + t * change)
