"""What storing w + t D as float64 can do to the error.

The stored weights differ from w + t D by at most u |w + t D|, entry by entry. The shift s_v of a vertex's outputs, in
the maximum norm, then obeys ``s_v <= sup|g_v'| (sum of dS H_u + (S + dS) s_u, plus u |b|)`` over its edges, with S the
row sum of A + t B, dS <= u S that of the change, and H_u the largest output on the segment. An output's error changes by
at most ``sum |e(t)| s + s^2/2``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.rounding import FLOOR, UNIT
from verify.bounds.taylor_rounding import enlarged, largest_entry, largest_slope

if TYPE_CHECKING:
    from verify.bounds.segment_model import Models, Segment


def storage_shift(segment: Segment, models: Models, y: np.ndarray) -> float:
    """Upper bound of the sum over a chunk of |1/2 |e'|^2 - 1/2 |e|^2| between stored and exact weights.

    Parameters
    ----------
    segment : Segment
    models : Models
        Of the chunk.
    y : array, shape (n, output dimension)
    """
    shifts: dict[str, float] = {}
    sizes = {name: _largest_output(segment, models, name) for name in models.start}
    for name in segment.architecture.order:
        bias, bias_direction = segment.bias(name)
        moved = 2 * UNIT * (largest_entry(bias) + segment.length * largest_entry(bias_direction)) + FLOOR
        reach = largest_entry(bias) + segment.length * largest_entry(bias_direction)
        for e in segment.edges[name]:
            gain = e.row_sum + segment.length * e.direction_row_sum
            if e.direction is not None:
                moved += (2 * UNIT * gain + e.edge.map.in_width * FLOOR) * sizes[e.edge.source]
            moved += gain * (1 + 2 * UNIT) * shifts.get(e.edge.source, 0.0)
            reach += gain * sizes[e.edge.source]
        slope = largest_slope(segment.architecture.vertices[name].activation, 1, enlarged(reach + moved))
        shifts[name] = enlarged(slope * moved)
    total = 0.0
    column = 0
    for name in segment.architecture.outputs:
        width = segment.architecture.vertices[name].width
        residuals = _residual_sum(segment, models, name, y[:, column : column + width])
        count = models.start[name].value.size
        total += shifts[name] * (residuals + 0.5 * count * shifts[name])
        column += width
    return enlarged(total)


def _largest_output(segment: Segment, models: Models, name: str) -> float:
    if name not in models.slope:
        return models.start[name].magnitude
    t = segment.length
    curved = largest_entry(models.middle[name]) + largest_entry(models.radius[name])
    return enlarged(models.start[name].magnitude + t * (models.slope[name].magnitude + t * curved))


def _residual_sum(segment: Segment, models: Models, name: str, y: np.ndarray) -> float:
    t = segment.length
    start, slope = models.start[name], models.slope[name]
    total = float(np.abs(start.value - y).sum()) + t * float(np.abs(slope.value).sum())
    total += t * t * float((np.abs(models.middle[name]) + models.radius[name]).sum())
    lost = start.value.size * (start.error + t * slope.error + 2 * UNIT * largest_entry(y))
    return (total + lost) * (1 + 2.0**-20)
