"""Interval slopes along a segment: the first-order model for activations that are not smooth (ReLU, ...).

h(t) = h0 + t sigma(t) with sigma in m +- r, from z(t) = z0 + t a(t), a(t) in B h0 + (A + t B) sigma_u and
sigma = s a, where s is a slope of g between z0 and z(t), hence in the range of g' over the reached interval (at a kink:
between the two one-sided derivatives). The error changes by at most t sum(e0 m + |e0| r) + t^2/2 sum (|m| + r)^2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.arithmetic.intervals import Interval
from verify.bounds.segment_edges import Segment
from verify.calculus import passes
from verify.calculus.algebra import ENCLOSING


def slope_terms(segment: Segment, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Upper bounds of the linear and of the quadratic coefficient."""
    architecture = segment.architecture
    state = passes.forward(ENCLOSING, architecture, segment.parts, x, order=0)
    part = Interval.from_bounds(0.0, segment.length)
    slopes: dict[str, Interval] = {}
    for name in architecture.order:
        a: Any = ENCLOSING.zeros(state.outputs[name].shape)
        for e in segment.edges[name]:
            source = e.edge.source
            if e.direction is not None:
                a = a + e.edge.map.enclose(e.direction.values, state.outputs[source])
            if source in slopes:
                a = a + e.edge.map.enclose(_weights(e, part), slopes[source])
        bias_direction = segment.bias_direction[name]
        if bias_direction is not None:
            a = a + bias_direction.value
        z = state.preactivations[name]
        end = z + a * part
        reached = z.hull(end)
        slopes[name] = architecture.vertices[name].activation.enclosure(reached, 1) * a  # type: ignore[union-attr]
    linear, quadratic = Interval.point(0.0), Interval.point(0.0)
    for name, residual in passes.residuals(ENCLOSING, architecture, state.outputs, y).items():
        linear = linear + (residual * slopes[name]).sum()
        quadratic = quadratic + slopes[name].square().sum() / 2.0
    return np.array([float(linear.upper), float(quadratic.upper)])


def _weights(e: Any, part: Interval) -> Any:
    theta = e.theta.values
    return theta if e.direction is None else Interval.point(theta) + Interval.point(e.direction.values) * part
