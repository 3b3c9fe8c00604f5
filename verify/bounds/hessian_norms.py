"""Hessian bound from products of norms along the layers: no Jacobian is formed, so it costs little on any network.

Everything is a norm over the whole region and per sample. With r_v the radius of block v, s_e the overlap and G_e the
gain of an edge over the region (gain at the centre plus s_e r_v), and D the largest deviations from the centre,

    Dz_v <= min(r_v ~h_v + sum G0_e Dh_u,  r_v ~h0_v + sum G_e Dh_u),      Dh_v <= max |g_v'| Dz_v,
    ~h_v = sqrt(sum over trainable e of s_e^2 |h_u|^2 + beta_v^2),          |h_v| <= |h0_v| + Dh_v,

where g_v', g_v'' range over the pre-activations that these deviations allow. ||dz_w/dz_v|| and ||dh_w/dz_v|| follow
along the paths, and the adjoints along the reversed paths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_blocks import SampleNorms, block_matrix
from verify.bounds.hessian_geometry import Geometry, bias_norm, trainable
from verify.calculus import passes
from verify.calculus.algebra import ENCLOSING

if TYPE_CHECKING:
    from verify.activations import Activation
    from verify.architecture import Edge
    from verify.arithmetic.intervals import Interval
    from verify.calculus.problem import Problem


def norm_products_matrix(problem: Problem, region: Geometry) -> np.ndarray:
    """Return the matrix of block norms of Hess E - weight decay over the region, (K, K), rounded upwards."""
    blocks = trainable(problem.architecture)
    total = np.zeros((len(blocks), len(blocks)))
    parts = problem.architecture.unflatten(region.center)
    gains = {
        edge: float(edge.map.gain(passes.edge_parameters(parts, edge)))
        for name in problem.architecture.order
        for edge in problem.architecture.in_edges(name)
    }
    for chunk in problem.chunks():
        x, y = problem.rows(chunk)
        sweep = _Sweep(problem, region, parts, gains, x, y)
        total = upward.add(total, block_matrix(sweep.sample_norms(blocks)))
    return upward.div(total, float(problem.sample_divisor))


class _Sweep:
    """The norms of one chunk of samples; every array has shape (n,) unless said otherwise."""

    def __init__(
        self,
        problem: Problem,
        region: Geometry,
        parts: passes.Parts,
        gains: dict[Edge, float],
        x: np.ndarray,
        y: np.ndarray,
    ) -> None:
        self.architecture = problem.architecture
        self.samples = len(x)
        self.center = passes.forward(ENCLOSING, self.architecture, parts, x, order=0)
        self.residual = passes.residuals(ENCLOSING, self.architecture, self.center.outputs, y)
        self.center_gain = gains
        self.gain = {
            edge: float(upward.add(gain, upward.mul(edge.map.overlap, region.radii[edge.target])))
            if edge.map.parameter_shape
            else gain
            for edge, gain in gains.items()
        }
        self.radii = region.radii
        self.norm: dict[str, np.ndarray] = {}
        self.deviation: dict[str, np.ndarray] = {}
        self.injection: dict[str, np.ndarray] = {}
        self.slope: dict[str, np.ndarray] = {}
        self.bend: dict[str, np.ndarray] = {}
        self.forward()
        self.jacobian = {name: self.jacobians_from(name) for name in trainable(self.architecture)}

    def zeros(self) -> np.ndarray:
        return np.zeros(self.samples)

    def forward(self) -> None:
        for name in self.architecture.inputs:
            self.norm[name] = row_norms(self.center.outputs[name])
            self.deviation[name] = self.zeros()
        center_norm = dict(self.norm)
        for name in self.architecture.order:
            vertex = self.architecture.vertices[name]
            edges = self.architecture.in_edges(name)
            beta = bias_norm(vertex)
            self.injection[name] = _injection(edges, self.norm, beta, self.samples)
            radius = self.radii[name]
            near = upward.mul(radius, _injection(edges, center_norm, beta, self.samples))
            far = upward.mul(radius, self.injection[name])
            for edge in edges:
                near = upward.add(near, upward.mul(self.gain[edge], self.deviation[edge.source]))
                far = upward.add(far, upward.mul(self.center_gain[edge], self.deviation[edge.source]))
            shift = np.minimum(near, far)
            activation = vertex.activation
            z = self.center.preactivations[name]
            self.slope[name] = largest_derivative(activation, 1, z, shift).max(axis=1)
            self.bend[name] = largest_derivative(activation, 2, z, shift).max(axis=1)
            self.deviation[name] = upward.mul(self.slope[name], shift)
            center_norm[name] = row_norms(self.center.outputs[name])
            value = upward.norm(largest_derivative(activation, 0, z, shift), axis=1)
            self.norm[name] = np.minimum(value, upward.add(center_norm[name], self.deviation[name]))

    def jacobians_from(self, start: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Norms of (dz_w/dz_start, dh_w/dz_start) for every vertex w that `start` reaches."""
        reached = {start: (np.ones(self.samples), self.slope[start])}
        for name in self.architecture.order:
            incoming = [edge for edge in self.architecture.in_edges(name) if edge.source in reached]
            if name == start or not incoming:
                continue
            z = self.zeros()
            for edge in incoming:
                z = upward.add(z, upward.mul(self.gain[edge], reached[edge.source][1]))
            reached[name] = (z, upward.mul(self.slope[name], z))
        return reached

    def adjoints(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Norms of dE/dh_v and dE/dz_v."""
        outer: dict[str, np.ndarray] = {}
        inner: dict[str, np.ndarray] = {}
        for name in reversed(self.architecture.order):
            total = self.zeros()
            if name in self.residual:
                total = upward.add(row_norms(self.residual[name]), self.deviation[name])
            for edge in self.architecture.out_edges(name):
                total = upward.add(total, upward.mul(self.gain[edge], inner[edge.target]))
            outer[name] = total
            inner[name] = upward.mul(self.slope[name], total)
        return outer, inner

    def sample_norms(self, blocks: list[str]) -> SampleNorms:
        outer, inner = self.adjoints()
        reach: dict[str, np.ndarray] = {}
        for name in self.architecture.order:
            reach[name] = self.columns(
                blocks, {b: self.jacobian[b][name][0] for b in blocks if name in self.jacobian[b]}
            )
        feed: dict[int, np.ndarray] = {}
        for index, name in enumerate(blocks):
            edges = [edge for edge in self.architecture.in_edges(name) if edge.map.parameter_shape]
            feed[index] = self.columns(
                blocks, {b: self.stacked([(e.source, e.map.overlap) for e in edges], b) for b in blocks}
            )
        return SampleNorms(
            output=self.columns(
                blocks, {b: self.stacked([(o, 1.0) for o in self.architecture.outputs], b) for b in blocks}
            ),
            reach=reach,
            bend={name: upward.mul(self.bend[name], outer[name]) for name in self.architecture.order},
            feed=feed,
            pull={index: inner[name] for index, name in enumerate(blocks)},
        )

    def stacked(self, ends: list[tuple[str, float]], block: str) -> np.ndarray:
        """Norm of the stacked derivatives of several outputs, each with its factor, by the block's z."""
        reached = self.jacobian[block]
        found = [upward.mul(factor, reached[end][1]) for end, factor in ends if end in reached]
        return upward.norm(np.stack(found), axis=0) if found else self.zeros()

    def columns(self, blocks: list[str], norms: dict[str, np.ndarray]) -> np.ndarray:
        """Derivative norms by z_b, turned into norms by the parameters of block b, (n, K)."""
        result = np.zeros((self.samples, len(blocks)))
        for index, name in enumerate(blocks):
            if name in norms:
                result[:, index] = upward.mul(norms[name], self.injection[name])
        return result


def row_norms(array: Interval) -> np.ndarray:
    """Upper bounds of the Euclidean norm of every row, (n,)."""
    return upward.norm(array.max_abs(), axis=1)


def largest_derivative(activation: Activation | None, order: int, z: Interval, shift: Any) -> np.ndarray:
    """Upper bound of |g^(order)| within `shift`, (n,) or (n, width), of every pre-activation, (n, width)."""
    if activation is None:
        raise ValueError("an input vertex has no activation")
    reach = np.asarray(shift) if np.ndim(shift) == 2 else np.asarray(shift)[:, None]
    lower = np.nextafter(z.lower - reach, -np.inf)
    upper = np.nextafter(z.upper + reach, np.inf)
    low, high = activation.range(order, lower, upper)
    return np.maximum(np.abs(low), np.abs(high))


def _injection(edges: tuple[Edge, ...], norm: dict[str, np.ndarray], beta: float, samples: int) -> np.ndarray:
    """Norm of the map from a vertex's parameters to its pre-activation, (n,)."""
    rows = [np.full(samples, beta)]
    rows += [upward.mul(edge.map.overlap, norm[edge.source]) for edge in edges if edge.map.parameter_shape]
    return upward.norm(np.stack(rows), axis=0)
