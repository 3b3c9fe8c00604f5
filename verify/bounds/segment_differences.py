"""Second divided differences ``q(u) = g[z0, z0, z0 + u] = (g(z0 + u) - g(z0) - g' u)/u^2``, ul <= u <= uh.

With ul <= 0 <= uh, two enclosures are intersected, entry by entry:

    q(u) = g''/2 + u q3(u),   q3 in g'''/6 +- M4/24 max|u| and in +- sup|g'''|/6      (M4 = sup|g''''|),
    q(u) = int_0^1 (1 - s) g''(z0 + s u) ds, hence in half the range of g'' over z0 + [ul, uh].

With q3 in [l3, h3], u q3 lies in [min(ul h3, uh l3), max(ul l3, uh h3)]. The range over the line is taken everywhere,
the one over z0 + [ul, uh], which costs most, only where the first enclosure is wide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.rounding import UNIT
from verify.bounds.taylor_rounding import Approximation, enlarged, least, unit

if TYPE_CHECKING:
    from verify.bounds.workspace import Workspace

Pair = tuple[np.ndarray, np.ndarray]

_WIDE = 0.25
"""From this share of sup|g''| on, half the range of g'' over the interval can pay."""


def second_differences(
    activation: Any,
    z0: Approximation,
    derivatives: tuple[Approximation, Approximation],
    displacements: Pair,
    results: Pair,
    workspace: Workspace,
) -> None:
    """Write rigorous ends of q into `results`.

    Parameters
    ----------
    activation : Activation
    z0 : Approximation
        Of any format.
    derivatives : pair of Approximation
        g'' and g''' at z0, in the format of the rest.
    displacements : pair of arrays
        Ends of u, rigorous; where they are not numbers, q is bounded by its range over the line.
    results : pair of arrays
    workspace : Workspace
    """
    (g2, g3), (ul, uh), (ql, qh) = derivatives, displacements, results
    dtype = ql.dtype
    l3, h3, part = (workspace.take(("difference", i), ql.shape, dtype) for i in range(3))
    rounding, tiny = 16 * unit(dtype), least(dtype)
    bend, third = 0.5 * activation.supremum(2) * (1 + rounding), activation.supremum(3) / 6 * (1 + rounding)

    np.maximum(np.negative(ul, out=part), uh, out=part)
    part *= activation.supremum(4) / 24 * (1 + rounding)
    part += enlarged((g3.error + rounding * g3.magnitude) / 6 + tiny)
    part *= 1 + rounding
    np.multiply(g3.value, 1 / 6, out=h3)
    np.subtract(h3, part, out=l3)
    h3 += part
    np.fmax(l3, -third, out=l3)
    np.fmin(h3, third, out=h3)

    np.minimum(np.multiply(ul, h3, out=ql), np.multiply(uh, l3, out=part), out=ql)
    np.maximum(np.multiply(ul, l3, out=qh), np.multiply(uh, h3, out=part), out=qh)
    lost = enlarged(0.5 * g2.error + rounding * g2.magnitude + tiny)
    np.multiply(g2.value, 0.5, out=part)
    np.add(np.multiply(ql, 1 + rounding, out=ql), part, out=ql)
    np.add(np.multiply(qh, 1 + rounding, out=qh), part, out=qh)
    np.fmax(np.subtract(ql, lost, out=ql), -bend - tiny, out=ql)
    np.fmin(np.add(qh, lost, out=qh), bend + tiny, out=qh)
    if np.isfinite(z0.magnitude):
        _intersect_with_local_ranges(activation, z0, displacements, results)


def _intersect_with_local_ranges(activation: Any, z0: Approximation, displacements: Pair, results: Pair) -> None:
    (ul, uh), (ql, qh) = displacements, results
    rounding, tiny = 8 * unit(ql.dtype), least(ql.dtype)
    wide = (qh - ql > _WIDE * activation.supremum(2) + 4 * tiny) & (ul <= uh)
    if not np.any(wide):
        return
    start, below, above = (array[wide].astype(np.float64) for array in (z0.value, ul, uh))
    error = enlarged(z0.error) + tiny
    below = start + below - error - 4 * UNIT * (np.abs(start) + np.abs(below) + error)
    above = start + above + error + 4 * UNIT * (np.abs(start) + np.abs(above) + error)
    low, high = activation.range(2, below, above)
    ql[wide] = np.fmax(ql[wide], 0.5 * low - (rounding * np.abs(low) + tiny))
    qh[wide] = np.fmin(qh[wide], 0.5 * high + (rounding * np.abs(high) + tiny))
