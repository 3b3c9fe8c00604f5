"""Norms over a region by propagation along the layers: no Jacobian is formed, so a sweep costs little on any network.

With r_v the radius of block v, s_e the overlap of an edge, G0_e its gain at the centre, G_e <= G0_e + s_e r_v its gain
over the region, D the largest deviations from the centre and ~h the norm of the map from parameters to z,

    Dz_v <= min(r_v ~h_v + sum G0_e Dh_u,  r_v ~h0_v + sum G_e Dh_u),      Dh_v <= max |g_v'| Dz_v,
    ~h_v = sqrt(sum over trainable e of s_e^2 |h_u|^2 + beta_v^2),          |h_v| <= |h0_v| + Dh_v,

where the derivatives of g_v range over the pre-activations that these deviations allow. The norms of Jacobians follow
along the paths, and those of the adjoints along the reversed paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_geometry import bias_norm
from verify.calculus import passes
from verify.calculus.algebra import ENCLOSING

if TYPE_CHECKING:
    from verify.activations import Activation
    from verify.architecture import Architecture, Edge
    from verify.arithmetic.intervals import Interval
    from verify.calculus.problem import Problem


@dataclass(frozen=True)
class Center:
    """What a chunk of n samples is at the centre of the region; gains by edge key and kind."""

    architecture: Architecture
    parts: passes.Parts
    state: passes.ForwardPass
    residual: dict[str, Interval]
    gains: dict[tuple[str, str, str], float]
    output_norm: dict[str, np.ndarray]
    residual_norm: dict[str, np.ndarray]

    @property
    def samples(self) -> int:
        return len(next(iter(self.output_norm.values())))


def centers(problem: Problem, weights: np.ndarray, order: int, rows: int = 256) -> Any:
    """Yield the `Center` of every chunk of samples, with derivatives of the activations up to `order`."""
    architecture = problem.architecture
    parts = architecture.unflatten(weights)
    gains = {
        edge_id(edge): float(edge.map.gain(passes.edge_parameters(parts, edge)))
        for name in architecture.order
        for edge in architecture.in_edges(name)
    }
    for chunk in passes.row_chunks(problem.samples, rows):
        x, y = problem.rows(chunk)
        state = passes.forward(ENCLOSING, architecture, parts, x, order=order)
        residual = passes.residuals(ENCLOSING, architecture, state.outputs, y)
        yield Center(
            architecture,
            parts,
            state,
            residual,
            gains,
            {name: row_norms(output) for name, output in state.outputs.items()},
            {name: row_norms(part) for name, part in residual.items()},
        )


def edge_id(edge: Edge) -> tuple[str, str, str]:
    """Name an edge: between two vertices there is at most one of each kind."""
    return (edge.source, edge.target, edge.kind)


class Sweep:
    """Norms of one chunk of samples over the weights with |w_v - center_v| <= radii[v].

    Parameters
    ----------
    center : Center
    radii : mapping of vertex to float
    order : int
        Highest derivative of the activations whose supremum over the region is wanted, at least 2.

    Attributes
    ----------
    norm, deviation, injection : dict of vertex to array, shape (n,)
        |h_v|, |h_v - h0_v| and ~h_v.
    suprema : dict of vertex to tuple of arrays, shape (n,)
        Largest |g_v'|, |g_v''|, ...
    outer, inner : dict of vertex to array, shape (n,)
        Adjoints of h_v and z_v.
    error : array, shape (n,)
        |h_out - y|, all outputs together.
    """

    def __init__(self, center: Center, radii: dict[str, float], order: int = 2) -> None:
        self.center = center
        self.architecture = center.architecture
        self.samples = center.samples
        self.radii = radii
        self.order = order
        self.gain = {
            edge_id(edge): self.gain_over_region(edge)
            for name in self.architecture.order
            for edge in self.architecture.in_edges(name)
        }
        self.norm: dict[str, np.ndarray] = {}
        self.deviation: dict[str, np.ndarray] = {}
        self.injection: dict[str, np.ndarray] = {}
        self.suprema: dict[str, tuple[np.ndarray, ...]] = {}
        for name in self.architecture.inputs:
            self.norm[name] = center.output_norm[name]
            self.deviation[name] = self.zeros()
        for name in self.architecture.order:
            self.forward(name)
        residual = {
            name: upward.add(norm, self.deviation[name]) for name, norm in center.residual_norm.items()
        }
        self.error = upward.norm(np.stack(list(residual.values())), axis=0)
        self.outer: dict[str, np.ndarray] = {}
        self.inner: dict[str, np.ndarray] = {}
        for name in reversed(self.architecture.order):
            self.backward(name, residual)

    def zeros(self) -> np.ndarray:
        return np.zeros(self.samples)

    def gain_over_region(self, edge: Edge) -> float:
        gain = self.center.gains[edge_id(edge)]
        if not edge.map.parameter_shape:
            return gain
        return float(upward.add(gain, upward.mul(edge.map.overlap, self.radii[edge.target])))

    def forward(self, name: str) -> None:
        vertex = self.architecture.vertices[name]
        edges = self.architecture.in_edges(name)
        beta = bias_norm(vertex)
        radius = self.radii[name]
        self.injection[name] = _injection(edges, self.norm, beta, self.samples)
        near = upward.mul(radius, _injection(edges, self.center.output_norm, beta, self.samples))
        far = upward.mul(radius, self.injection[name])
        for edge in edges:
            deviation = self.deviation[edge.source]
            near = upward.add(near, upward.mul(self.gain[edge_id(edge)], deviation))
            far = upward.add(far, upward.mul(self.center.gains[edge_id(edge)], deviation))
        shift = np.minimum(near, far)
        sizes = largest_derivatives(vertex.activation, self.order, self.center.state.preactivations[name], shift)
        self.suprema[name] = tuple(size.max(axis=1) for size in sizes[1:])
        self.deviation[name] = upward.mul(self.suprema[name][0], shift)
        near_center = upward.add(self.center.output_norm[name], self.deviation[name])
        self.norm[name] = np.minimum(upward.norm(sizes[0], axis=1), near_center)

    def backward(self, name: str, residual: dict[str, np.ndarray]) -> None:
        total = residual.get(name, self.zeros())
        for edge in self.architecture.out_edges(name):
            total = upward.add(total, upward.mul(self.gain[edge_id(edge)], self.inner[edge.target]))
        self.outer[name] = total
        self.inner[name] = upward.mul(self.suprema[name][0], total)

    def jacobians(self, start: str, seed: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Norms of the derivatives of (z_w, h_w) for every w behind `start`, `seed` being the norm of that of h_start.

        A seed of ones gives derivatives by h_start, a seed of max |g_start'| those by z_start.
        """
        reached = {start: (self.zeros(), seed)}
        for name in self.architecture.order:
            incoming = [edge for edge in self.architecture.in_edges(name) if edge.source in reached]
            if name == start or not incoming:
                continue
            z = self.zeros()
            for edge in incoming:
                z = upward.add(z, upward.mul(self.gain[edge_id(edge)], reached[edge.source][1]))
            reached[name] = (z, upward.mul(self.suprema[name][0], z))
        return reached


def row_norms(array: Interval) -> np.ndarray:
    """Upper bounds of the Euclidean norm of every row, (n,)."""
    return upward.norm(array.max_abs(), axis=1)


def largest_derivatives(
    activation: Activation | None, order: int, z: Interval, shift: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Upper bounds of |g|, |g'|, ..., (n, width) each, within `shift` (n,) of every pre-activation (n, width)."""
    if activation is None:
        raise ValueError("an input vertex has no activation")
    lower = np.nextafter(z.lower - shift[:, None], -np.inf)
    upper = np.nextafter(z.upper + shift[:, None], np.inf)
    ranges = [activation.range(k, lower, upper) for k in range(order + 1)]
    return tuple(np.maximum(np.abs(low), np.abs(high)) for low, high in ranges)


def _injection(edges: tuple[Edge, ...], norm: dict[str, np.ndarray], beta: float, samples: int) -> np.ndarray:
    """Norm of the map from a vertex's parameters to its pre-activation, (n,)."""
    rows = [np.full(samples, beta)]
    rows += [upward.mul(edge.map.overlap, norm[edge.source]) for edge in edges if edge.map.parameter_shape]
    return upward.norm(np.stack(rows), axis=0)
