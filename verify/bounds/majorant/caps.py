"""Majorants over a whole region, from norms of the layers: they do not depend on how the region is reached.

`Caps.tighten` lowers majorants to what other majorants imply, vertex by vertex in topological order:

    |Z_wv| <= sum over edges u -> w of G_e |J_uv|,    |J_wv| <= sup|g_w'| |Z_wv|     (the same for |Y_wv|_a, |K_wv|_a)
    |K_wv|_a <= sup|g_v^(a)| |K_wv|_1,    |dE/dz_v| <= sum over outputs o of |Z_ov| |phi_o'|,    and so on.

Computed in float64 on nonnegative numbers, with the factor of `rates` for the roundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.bounds.hessian_center import Center, Gains, edge_id
from verify.bounds.hessian_sweep import Sweep
from verify.bounds.majorant.rates import Fourth
from verify.bounds.majorant.state import MajorantState, combine, lift
from verify.bounds.majorant.structure import PathStructure

_INFLATION = 1.0 + 2.0**-40
_UNKNOWN = 2.0**300


@dataclass(frozen=True)
class _EdgeNorms:
    """An edge from vertex `source`: what multiplies each column of norms of its output, and norms of Jacobian rows."""

    source: int
    factors: np.ndarray
    row: float


def _edge_norms(source: int, gains: Gains, size: int, columns: int) -> _EdgeNorms:
    factors = np.full(columns, gains.spectral)
    factors[[a * size + source for a in (1, 2, 3)]] = gains.column
    return _EdgeNorms(source, factors, gains.row)


class Caps:
    """What holds where every block v moves by at most radii[v].

    Parameters
    ----------
    center : Center
    radii : array, shape (K,)
    graph : PathStructure

    Attributes
    ----------
    fourth : Fourth
    absolute : MajorantState
        Majorants that assume nothing.
    """

    def __init__(self, center: Center, radii: np.ndarray, graph: PathStructure) -> None:
        by_name = {name: float(radius) for name, radius in zip(graph.names, radii, strict=True)}
        self.sweep = Sweep(center, by_name, order=4)
        self.graph = graph
        number = {name: index for index, name in enumerate(graph.names)}
        self.columns = np.concatenate([np.arange(4 * graph.size) % graph.size, np.array(graph.shared, dtype=int)])
        self.edges = [
            [
                _edge_norms(number[edge.source], self.sweep.gain[edge_id(edge)], graph.size, len(self.columns))
                for edge in center.architecture.in_edges(name)
                if edge.source in number
            ]
            for name in graph.names
        ]
        self.suprema = np.stack([np.stack(self.sweep.suprema[name]) for name in graph.names], axis=-1)
        losses = [self.sweep.losses.get(name, (self.sweep.zeros(),) * 4) for name in graph.names]
        self.loss = np.stack([np.stack(sizes) for sizes in losses], axis=-1)
        self.fourth = Fourth(lift(self.suprema[3]), lift(self.loss[3]))
        self.injection = np.stack([self.sweep.injection[name] for name in graph.names], axis=1)
        self.absolute = self.tighten(self._unknown(center.samples))

    def _unknown(self, samples: int) -> MajorantState:
        size = self.graph.size
        reaches = np.eye(size, dtype=bool)
        for w, edges in enumerate(self.edges):
            for edge in edges:
                reaches[w] |= reaches[edge.source]
        known = np.where(reaches, _UNKNOWN, 0.0)[:, self.columns]

        def spread(array: np.ndarray) -> np.ndarray:
            return np.broadcast_to(array, (samples, *array.shape)).copy()

        pre = spread(known)
        pre[:, np.arange(size), np.arange(size)] = 1.0
        for a in (1, 2, 3):
            pre[:, np.arange(size), a * size + np.arange(size)] = 0.0
        return MajorantState(
            out=spread(known),
            pre=pre,
            fed=np.full((samples, size, len(self.columns)), _UNKNOWN),
            row=pre[..., np.r_[:size, 4 * size : len(self.columns)]],
            adjoint=np.full((samples, 4 * size), _UNKNOWN),
            injection=self.injection,
        )

    def tighten(self, state: MajorantState) -> MajorantState:
        """Return smaller majorants of the same norms."""
        size, shared = self.graph.size, list(self.graph.shared)
        out, pre, row = state.out.copy(), state.pre.copy(), state.row.copy()
        columns, own = self.columns, slice(4 * size, None)
        injection = np.minimum(state.injection, self.injection)
        rows = np.r_[:size, 4 * size : len(columns)]
        slope = self.suprema[0]
        for w, edges in enumerate(self.edges):
            before = columns < w
            if edges:
                through = sum(edge.factors * out[:, edge.source] for edge in edges) * _INFLATION
                pre[:, w, before] = np.minimum(pre[:, w], through)[:, before]
                self._weigh(pre[:, w], before)
                short = sum(edge.row * out[:, edge.source][:, rows] for edge in edges) * _INFLATION
                row[:, w, before[rows]] = np.minimum(row[:, w], short)[:, before[rows]]
            pre[:, w, own] = np.minimum(pre[:, w, own], pre[:, w, shared] * injection[:, shared] * _INFLATION)
            bent = slope[:, w, None] * pre[:, w] * _INFLATION
            out[:, w, before] = np.minimum(out[:, w], bent)[:, before]
            out[:, w, w] = np.minimum(out[:, w, w], slope[:, w])
            out[:, w, size + w] = np.minimum(out[:, w, size + w], 1.0)
            if w in shared:
                place = 4 * size + shared.index(w)
                out[:, w, place] = np.minimum(out[:, w, place], bent[:, place])
            self._weigh(out[:, w], columns <= w)
        weights = self.graph.overlap_squares
        read = np.sqrt(np.einsum("wu,nuc->nwc", weights, np.square(out))) * _INFLATION
        return combine(
            lift,
            MajorantState(
                out,
                pre,
                np.minimum(state.fed, read),
                np.minimum(row, pre[..., rows]),
                self._adjoint(state.adjoint, pre),
                injection,
            ),
        )

    def _weigh(self, norms: np.ndarray, where: np.ndarray) -> None:
        """Lower the columns weighted with g'' and g''' in place, (n, 4 K)."""
        size = self.graph.size
        for a in (2, 3):
            block = slice(a * size, (a + 1) * size)
            weighted = self.suprema[a - 1] * norms[:, size : 2 * size] * _INFLATION
            norms[:, block] = np.where(where[block], np.minimum(norms[:, block], weighted), norms[:, block])

    def _adjoint(self, adjoint: np.ndarray, pre: np.ndarray) -> np.ndarray:
        size = self.graph.size
        through = np.einsum("no,noc->nc", self.loss[0], pre) * _INFLATION
        through = through[:, : 4 * size]
        inner, peak, bend, twist = np.split(np.minimum(adjoint, _UNKNOWN), 4, axis=1)
        inner = np.minimum(inner, through[:, :size])
        peak = np.minimum(peak, through[:, size : 2 * size])
        for index, name in enumerate(self.graph.names):
            inner[:, index] = np.minimum(inner[:, index], self.sweep.inner[name])
            peak[:, index] = np.minimum(peak[:, index], self.sweep.peak[name])
        bend = np.minimum(bend, (self.loss[1] + self.suprema[1] * peak) * _INFLATION)
        twist = np.minimum(twist, (self.loss[2] + self.suprema[2] * peak) * _INFLATION)
        return np.concatenate([inner, peak, bend, twist], axis=1)
