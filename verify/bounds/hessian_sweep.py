"""Norms over a region by propagation along the layers: no Jacobian is formed, so a sweep costs little on any network.

With r_v the radius of block v, s_e the overlap of an edge, G0_e its gain at the centre, G_e <= G0_e + s_e r_v its gain
over the region, D the largest deviations from the centre and ~h the norm of the map from parameters to z,

    Dz_v <= min(r_v ~h_v + sum G0_e Dh_u,  r_v ~h0_v + sum G_e Dh_u),      Dh_v <= max |g_v'| Dz_v,
    ~h_v = sqrt(sum over trainable e of s_e^2 |h_u|^2 + beta_v^2),          |h_v| <= |h0_v| + Dh_v,

where the derivatives of g_v range over the pre-activations that these deviations allow. The norms of Jacobians follow
along the paths, and those of the adjoints along the reversed paths.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.bounds.hessian_geometry import bias_norm
from verify.calculus import passes
from verify.calculus.algebra import ENCLOSING

if TYPE_CHECKING:
    from verify.activations import Activation
    from verify.architecture import Architecture, Edge
    from verify.calculus.problem import Problem


@dataclass(frozen=True)
class Gains:
    """Upper bounds of the spectral norm of an edge's matrix, and of its largest column and row."""

    spectral: float
    column: float
    row: float

    def moved(self, distance: float) -> Gains:
        """Bound the norms of all matrices within `distance` in the spectral norm."""
        return Gains(*(float(upward.add(norm, distance)) for norm in (self.spectral, self.column, self.row)))


def edge_gains(edge: Edge, theta: np.ndarray) -> Gains:
    """Return the norms of an edge's matrix; where it would be large, the spectral norm stands for all."""
    spectral = float(edge.map.gain(theta))
    if edge.kind not in ("dense", "identity", "concat"):
        return Gains(spectral, spectral, spectral)
    matrix = edge.map.matrix(theta)
    column, row = (float(upward.norm(matrix, axis=axis).max()) for axis in (0, 1))
    return Gains(spectral, min(column, spectral), min(row, spectral))


@dataclass(frozen=True)
class Center:
    """What a chunk of n samples is at the centre of the region.

    Parameters
    ----------
    architecture, parts, state, residual
        The network, its weights, the enclosed forward pass and h_out - y.
    gains : dict
        Norms of every edge's matrix, by `edge_id`.
    sizes : dict of vertex to tuple of arrays, shape (n, width)
        Upper bounds of |g_v|, |g_v'|, ...
    output_norm, residual_norm : dict of vertex to array, shape (n,)
        |h_v| and |h_v - y|.
    residual_limit : dict of vertex to array, shape (n, width)
        Entries of |h_v - y| at most, whatever the weights.
    """

    architecture: Architecture
    parts: passes.Parts
    state: passes.ForwardPass
    residual: dict[str, Interval]
    gains: dict[tuple[str, str, str], Gains]
    sizes: dict[str, tuple[np.ndarray, ...]]
    output_norm: dict[str, np.ndarray]
    residual_norm: dict[str, np.ndarray]
    residual_limit: dict[str, np.ndarray]

    @property
    def samples(self) -> int:
        return len(next(iter(self.output_norm.values())))


def centers(problem: Problem, weights: np.ndarray, rows: int = 512) -> Iterator[Center]:
    """Yield the `Center` of every chunk of samples, with derivatives of the activations up to the third."""
    architecture = problem.architecture
    parts = architecture.unflatten(weights)
    gains = {
        edge_id(edge): edge_gains(edge, passes.edge_parameters(parts, edge))
        for name in architecture.order
        for edge in architecture.in_edges(name)
    }
    for chunk in passes.row_chunks(problem.samples, rows):
        x, y = problem.rows(chunk)
        state = passes.forward(ENCLOSING, architecture, parts, x, order=3)
        residual = passes.residuals(ENCLOSING, architecture, state.outputs, y)
        yield Center(
            architecture,
            parts,
            state,
            residual,
            gains,
            {
                name: tuple(derivative.max_abs() for derivative in derivatives)
                for name, derivatives in state.derivatives.items()
            },
            {name: row_norms(output) for name, output in state.outputs.items()},
            {name: row_norms(part) for name, part in residual.items()},
            {
                name: largest_residuals(architecture.vertices[name].activation, y[:, architecture.output_columns[name]])
                for name in architecture.outputs
            },
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
    outer, peak, inner : dict of vertex to array, shape (n,)
        Norm and largest entry of the adjoint of h_v, norm of that of z_v.
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
        residual = {name: self.residual(name) for name in self.architecture.outputs}
        self.error = upward.norm(np.stack([norm for norm, _ in residual.values()]), axis=0)
        self.outer: dict[str, np.ndarray] = {}
        self.peak: dict[str, np.ndarray] = {}
        self.inner: dict[str, np.ndarray] = {}
        for name in reversed(self.architecture.order):
            self.backward(name, residual.get(name, (self.zeros(), self.zeros())))

    def zeros(self) -> np.ndarray:
        return np.zeros(self.samples)

    def gain_over_region(self, edge: Edge) -> Gains:
        gains = self.center.gains[edge_id(edge)]
        if not edge.map.parameter_shape:
            return gains
        return gains.moved(float(upward.mul(edge.map.overlap, self.radii[edge.target])))

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
            near = upward.add(near, upward.mul(self.gain[edge_id(edge)].spectral, deviation))
            far = upward.add(far, upward.mul(self.center.gains[edge_id(edge)].spectral, deviation))
        shift = np.minimum(near, far)
        sizes = largest_derivatives(
            vertex.activation, self.order, self.center.state.preactivations[name], self.center.sizes[name], shift
        )
        self.suprema[name] = tuple(size.max(axis=1) for size in sizes[1:])
        self.deviation[name] = upward.mul(self.suprema[name][0], shift)
        near_center = upward.add(self.center.output_norm[name], self.deviation[name])
        self.norm[name] = np.minimum(upward.norm(sizes[0], axis=1), near_center)

    def residual(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Norm and largest entry of h_v - y."""
        limit = self.center.residual_limit[name]
        entries = upward.add(self.center.residual[name].max_abs(), self.deviation[name][:, None])
        norm = upward.add(self.center.residual_norm[name], self.deviation[name])
        return np.minimum(norm, upward.norm(limit, axis=1)), np.minimum(entries, limit).max(axis=1)

    def backward(self, name: str, residual: tuple[np.ndarray, np.ndarray]) -> None:
        norm, peak = residual
        for edge in self.architecture.out_edges(name):
            gains, adjoint = self.gain[edge_id(edge)], self.inner[edge.target]
            norm = upward.add(norm, upward.mul(gains.spectral, adjoint))
            peak = upward.add(peak, upward.mul(gains.column, adjoint))
        self.outer[name] = norm
        self.peak[name] = np.minimum(peak, norm)
        self.inner[name] = upward.mul(self.suprema[name][0], norm)

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
                z = upward.add(z, upward.mul(self.gain[edge_id(edge)].spectral, reached[edge.source][1]))
            reached[name] = (z, upward.mul(self.suprema[name][0], z))
        return reached


def row_norms(array: Interval) -> np.ndarray:
    """Upper bounds of the Euclidean norm of every row, (n,)."""
    return upward.norm(array.max_abs(), axis=1)


def largest_derivatives(
    activation: Activation | None, order: int, z: Interval, sizes: tuple[np.ndarray, ...], shift: np.ndarray
) -> list[np.ndarray]:
    """Upper bounds of |g|, |g'|, ..., (n, width) each, within `shift` (n,) of every pre-activation (n, width).

    The least of the supremum over the reals and the Taylor bounds ``|g^(a)| + shift sup|g^(a+1)|`` and
    ``|g^(a)| + shift |g^(a+1)| + shift^2/2 sup|g^(a+2)|``; the range of a derivative that is unbounded.

    Parameters
    ----------
    activation : Activation
    order : int
        At most 4.
    z : Interval, shape (n, width)
    sizes : tuple of array, shape (n, width)
        Upper bounds of |g|, |g'|, ... at z, as many as are known.
    shift : array, shape (n,)
    """
    if activation is None:
        raise ValueError("an input vertex has no activation")
    suprema = [float(activation.supremum(k)) for k in range(5)]
    column = shift[:, None]
    result: list[np.ndarray] = []
    for k in range(order + 1):
        bound = np.full(z.shape, suprema[k])
        if not np.isfinite(suprema[k]):
            lower, upper = np.nextafter(z.lower - column, -np.inf), np.nextafter(z.upper + column, np.inf)
            low, high = activation.range(k, lower, upper)
            bound = np.maximum(np.abs(low), np.abs(high))
        if k < len(sizes) and k + 1 < 5:
            bound = np.minimum(bound, upward.add(sizes[k], upward.mul(column, suprema[k + 1])))
        if k + 1 < len(sizes) and k + 2 < 5:
            second = upward.mul(column, column, 0.5 * suprema[k + 2])
            bound = np.minimum(bound, upward.add(sizes[k], upward.mul(column, sizes[k + 1]), second))
        result.append(bound)
    return result


def largest_residuals(activation: Activation | None, targets: np.ndarray) -> np.ndarray:
    """Upper bounds of |g - y| over all pre-activations, for every target y; inf where g is unbounded."""
    if activation is None or not np.isfinite(activation.supremum(0)):
        return np.full(targets.shape, np.inf)
    low, high = (float(end) for end in activation.range(0, np.float64(-np.inf), np.float64(np.inf)))
    return np.maximum((Interval.point(targets) - low).max_abs(), (Interval.point(targets) - high).max_abs())


def _injection(edges: tuple[Edge, ...], norm: dict[str, np.ndarray], beta: float, samples: int) -> np.ndarray:
    """Norm of the map from a vertex's parameters to its pre-activation, (n,)."""
    rows = [np.full(samples, beta)]
    rows += [upward.mul(edge.map.overlap, norm[edge.source]) for edge in edges if edge.map.parameter_shape]
    return upward.norm(np.stack(rows), axis=0)
