"""The change of the error between two weights, enclosed without cancellation.

With D = w' - w and h' = h + dh the recursion for differences is exact::

    dz_v = sum over e = (u, v) of A_e(theta_e) dh_u + A_e(D_e) h'_u, plus D_b
    dh_v = g_v(z_v + dz_v) - g_v(z_v)
    E(w') - E(w) = s sum_i (e_i . dh_i + |dh_i|^2 / 2) + weight_decay (w . D + |D|^2 / 2)

so only small terms are summed. dh is enclosed three ways (plain difference, mean value theorem, Taylor
polynomial of degree 3 with the supremum of the fourth derivative as remainder) and intersected: the plain one is
good for large dz, the others for small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.activations import Activation, Smoothness
from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.calculus import passes
from verify.calculus.algebra import ENCLOSING

if TYPE_CHECKING:
    from verify.architecture import Architecture
    from verify.calculus.problem import Problem

_TAYLOR_DEGREE = 3
_SMALL = 2.0**-8
"""Below this size of dz the Taylor polynomial alone is used: its remainder, of order dz^4, is beyond comparison."""


@certified_environment()
def difference_enclosure(problem: Problem, w: Any, w_next: Any) -> tuple[float, float]:
    """Return float64 numbers lo <= E(w_next) - E(w) <= hi for the exact real E.

    Parameters
    ----------
    problem : Problem
    w, w_next : array, shape (P,)
        Stored float64 weights.

    Returns
    -------
    (float, float)
        Infinite where float64 overflows.
    """
    weights, following = problem.check_weights(w), problem.check_weights(w_next)
    step = Interval.point(following) - Interval.point(weights)
    parts, steps = problem.architecture.unflatten(weights), problem.architecture.unflatten(step)
    total = Interval.point(0.0)
    for chunk in problem.chunks():
        x, y = problem.rows(chunk)
        state = passes.forward(ENCLOSING, problem.architecture, parts, x, order=_TAYLOR_DEGREE)
        changes = output_changes(problem.architecture, parts, steps, state)
        for name, residual in passes.residuals(ENCLOSING, problem.architecture, state.outputs, y).items():
            change = changes[name]
            total = total + (residual * change).sum() + change.square().sum() / 2.0
    difference = total / float(problem.sample_divisor)
    if problem.weight_decay:
        decay = (Interval.point(weights) * step).sum() + step.square().sum() / 2.0
        difference = difference + decay * problem.weight_decay
    return float(difference.lower), float(difference.upper)


def output_changes(
    architecture: Architecture, parts: passes.Parts, steps: Mapping[Any, Interval], state: passes.ForwardPass
) -> dict[str, Interval]:
    """Return enclosures of h'_v - h_v, (n, width), for every vertex that is not an input."""
    changes: dict[str, Interval] = {}
    for name in architecture.order:
        vertex = architecture.vertices[name]
        dz = ENCLOSING.zeros(state.outputs[name].shape)
        for edge in architecture.in_edges(name):
            moved = state.outputs[edge.source]
            if edge.source in changes:
                dz = dz + edge.map.enclose(passes.edge_parameters(parts, edge), changes[edge.source])
                moved = moved + changes[edge.source]
            if edge.map.parameter_shape:
                dz = dz + edge.map.enclose(steps[edge.key], moved)
        if vertex.bias is not None:
            dz = dz + passes.spread_bias(vertex, steps[name])
        if vertex.activation is None:
            raise ValueError(f"vertex {name!r} has no activation")
        changes[name] = activation_change(vertex.activation, state.preactivations[name], dz, state.derivatives[name])
    return changes


def activation_change(activation: Activation, z: Interval, dz: Interval, derivatives: tuple[Interval, ...]) -> Interval:
    """Enclose g(z + dz) - g(z), given g, g', g'', g''' at z."""
    taylor = None
    if activation.smoothness is Smoothness.ANALYTIC and np.isfinite(activation.supremum(_TAYLOR_DEGREE + 1)):
        taylor = _taylor_change(activation, dz, derivatives)
        if float(np.max(dz.max_abs(), initial=0.0)) <= _SMALL:
            return taylor
    moved = z + dz
    change = activation.enclosure(moved) - derivatives[0]
    hull = Interval.from_bounds(np.minimum(z.lower, moved.lower), np.maximum(z.upper, moved.upper))
    change = change.intersect(activation.enclosure(hull, 1) * dz)
    return change if taylor is None else change.intersect(taylor)


def _taylor_change(activation: Activation, dz: Interval, derivatives: tuple[Interval, ...]) -> Interval:
    sixth = Interval.point(1.0) / 6.0
    last = float(upward.div(activation.supremum(_TAYLOR_DEGREE + 1), 24.0))
    square = dz.square()
    remainder = square.square() * Interval.from_bounds(-last, last)
    return derivatives[1] * dz + (derivatives[2] * 0.5 + derivatives[3] * dz * sixth) * square + remainder
