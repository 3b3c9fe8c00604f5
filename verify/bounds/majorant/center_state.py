"""Majorants at the centre itself: proved norms of the Jacobians of every sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.bounds.hessian_center import Center, row_norms
from verify.bounds.hessian_geometry import bias_norm
from verify.bounds.majorant.data import parameter_map
from verify.bounds.majorant.frobenius_ball import FrobeniusBall, stacked
from verify.bounds.majorant.state import MajorantState, combine, lift
from verify.bounds.majorant.structure import PathStructure
from verify.budget import check_time
from verify.calculus import passes
from verify.calculus.algebra import ENCLOSING


@dataclass(frozen=True)
class CenterJacobians:
    """Derivatives at the centre of one chunk.

    Parameters
    ----------
    pre, out : dict of (w, v) to FrobeniusBall, shape (n or 1, width of w, width of v)
        dz_w/dh_v and dh_w/dh_v for w behind v; for w = v only `out`, the identity.
    derivatives : list of tuple of Interval, shape (n, width)
        g_v, g_v', g_v'', g_v''' of every vertex.
    outer, inner, bend, twist : list of Interval, shape (n, width)
        a_v, dE/dz_v, bend_v and twist_v of `hessian_sweep`.
    maps : dict of v to FrobeniusBall, shape (n, width of v, parameters of v)
        M_v of the vertices that share parameters.
    """

    pre: dict[tuple[int, int], FrobeniusBall]
    out: dict[tuple[int, int], FrobeniusBall]
    derivatives: list[tuple[Interval, ...]]
    outer: list[Interval]
    inner: list[Interval]
    bend: list[Interval]
    twist: list[Interval]
    maps: dict[int, FrobeniusBall]

    def injected(self, w: int, v: int) -> FrobeniusBall | None:
        """Return dz_w by the parameters of v if v shares them, else by z_v; None if w is not behind v."""
        if w == v:
            return self.maps.get(v)
        found = self.pre.get((w, v))
        return None if found is None else self.along(found, v)

    def along(self, by_output: FrobeniusBall, v: int) -> FrobeniusBall:
        """Turn a derivative by h_v into one by the parameters of v if v shares them, else by z_v."""
        by_z = by_output.times_columns(self.derivatives[v][1])
        return by_z @ self.maps[v] if v in self.maps else by_z

    def coordinates(self, v: int) -> int:
        """How many parameters of v, if v shares them, else units."""
        return (self.maps[v] if v in self.maps else self.out[v, v]).mid.shape[2]


def center_jacobians(center: Center, graph: PathStructure) -> CenterJacobians:
    """Propagate the Jacobians of one chunk, vertex by vertex."""
    architecture = center.architecture
    adjoints = passes.backward(ENCLOSING, architecture, center.parts, center.state, center.residual)
    pre: dict[tuple[int, int], FrobeniusBall] = {}
    out: dict[tuple[int, int], FrobeniusBall] = {}
    for v, start in enumerate(graph.names):
        check_time()
        identity = Interval.point(np.eye(architecture.vertices[start].width)[None])
        reached = {start: identity}
        out[v, v] = FrobeniusBall.of(identity)
        for w, name in enumerate(graph.names):
            incoming = [edge for edge in architecture.in_edges(name) if edge.source in reached]
            if not incoming:
                continue
            by_output = passes.sum_of(
                edge.map.enclose(passes.edge_parameters(center.parts, edge), reached[edge.source]) for edge in incoming
            )
            reached[name] = by_output * center.state.derivatives[name][1][:, None]
            pre[w, v] = FrobeniusBall.of(by_output).transposed()
            out[w, v] = FrobeniusBall.of(reached[name]).transposed()
    derivatives = [center.state.derivatives[name] for name in graph.names]
    inner = [adjoints.preactivations[name] for name in graph.names]
    outer, bend, twist = [], [], []
    for name, (_, _, second, third) in zip(graph.names, derivatives, strict=True):
        adjoint = adjoints.outputs[name]
        loss = center.losses.get(name)
        if loss is None:
            outer.append(adjoint)
            bend.append(adjoint * second)
            twist.append(adjoint * third)
            continue
        is_last = not architecture.out_edges(name)
        rest = Interval.zeros(adjoint.shape) if is_last else adjoint - center.residual[name]
        outer.append(rest)
        bend.append(loss.derivatives[2] + rest * second)
        twist.append(loss.derivatives[3] + rest * third)
    maps = {v: parameter_map(center, graph.names[v]) for v in graph.shared}
    return CenterJacobians(pre, out, derivatives, outer, inner, bend, twist, maps)


def center_state(center: Center, jacobians: CenterJacobians, graph: PathStructure) -> MajorantState:
    """Return the majorants at distance zero."""
    samples, size = center.samples, graph.size
    width = 4 * size + len(graph.shared)
    out, pre, fed = (np.zeros((samples, size, width)) for _ in range(3))
    row = np.zeros((samples, size, size + len(graph.shared)))
    adjoint = np.zeros((samples, 4 * size))
    injection = np.stack([_injection(center, name) for name in graph.names], axis=1)
    for v in range(size):
        columns = [a * size + v for a in range(4)]
        norms = _Norms(jacobians, v, samples)
        if v in graph.shared:
            place = graph.shared.index(v)
            columns.append(4 * size + place)
            own = jacobians.maps[v]
            injection[:, v] = np.minimum(injection[:, v], own.spectral_norm())
            pre[:, v, 4 * size + place], row[:, v, size + place] = injection[:, v], own.row_norms().max(axis=1)
        for w in range(size):
            if (w, v) in jacobians.pre:
                by_z, pre[:, w, columns] = norms.of(jacobians.pre[w, v])
                row[:, w, v] = by_z.row_norms().max(axis=1)
                if v in graph.shared:
                    row[:, w, size + place] = (by_z @ own).row_norms().max(axis=1)
        pre[:, v, v] = row[:, v, v] = 1.0
        for w in range(size):
            out[:, w, columns] = norms.stacked([(w, 1.0)])
            sources = graph.feeding[w]
            if len(sources) == 1 and sources[0][1] == 1.0:
                fed[:, w, columns] = out[:, sources[0][0], columns]
            else:
                fed[:, w, columns] = norms.stacked(sources)
        factors = (jacobians.outer[v], jacobians.bend[v], jacobians.twist[v])
        adjoint[:, v] = row_norms(jacobians.inner[v])
        for a, factor in enumerate(factors, start=1):
            adjoint[:, a * size + v] = factor.max_abs().max(axis=1)
    return combine(lift, MajorantState(out, pre, fed, row, adjoint, injection))


class _Norms:
    """The norms of derivatives by one vertex v: four, and that by its parameters if it shares them."""

    def __init__(self, jacobians: CenterJacobians, v: int, samples: int) -> None:
        self.jacobians = jacobians
        self.v = v
        self.samples = samples
        derivatives = jacobians.derivatives[v]
        self.slope = derivatives[1]
        self.weights = [np.ones(self.slope.shape), derivatives[2].max_abs(), derivatives[3].max_abs()]
        self.map = jacobians.maps.get(v)

    def of(self, by_output: FrobeniusBall) -> tuple[FrobeniusBall, np.ndarray]:
        """Return the derivative by z_v, and the norms: its own and those of columns of that by h_v, (n, 4 or 5)."""
        by_z = by_output.times_columns(self.slope)
        columns = by_output.column_norms()
        norms = [by_z.spectral_norm(), *(upward.mul(columns, weight).max(axis=1) for weight in self.weights)]
        if self.map is not None:
            norms.append((by_z @ self.map).spectral_norm())
        return by_z, np.stack(norms, axis=-1)

    def stacked(self, ends: list[tuple[int, float]] | tuple[tuple[int, float], ...]) -> np.ndarray:
        """Return the norms for several outputs h_w, each times its factor, (n, 4 or 5)."""
        out = self.jacobians.out
        found = [(out[w, self.v], factor) for w, factor in ends if (w, self.v) in out]
        if not found:
            return np.zeros((self.samples, 4 if self.map is None else 5))
        if len(found) == 1 and found[0][0] is out[self.v, self.v]:
            sizes = [size.max(axis=1) for size in (self.slope.max_abs(), *self.weights)]
            if self.map is not None:
                sizes.append(self.map.times_rows(self.slope).spectral_norm())
            return upward.mul(np.stack(sizes, axis=-1), found[0][1])
        return self.of(stacked(found, self.samples))[1]


def _injection(center: Center, name: str) -> np.ndarray:
    rows = [np.full(center.samples, bias_norm(center.architecture.vertices[name]))]
    for edge in center.architecture.in_edges(name):
        if edge.map.parameter_shape:
            rows.append(upward.mul(edge.map.overlap, center.norms[edge.source]))
    return upward.norm(np.stack(rows), axis=0)
