"""Majorants over a whole region, from norms of the layers: they do not depend on how the region is reached.

`Caps.tighten` lowers majorants to what other majorants imply, vertex by vertex in topological order:

    |Z_wv| <= sum over edges u -> w of G_e |J_uv|,    |J_wv| <= sup|g_w'| |Z_wv|     (the same for |Y_wv|_a, |K_wv|_a)
    |K_wv|_a <= sup|g_v^(a)| |K_wv|_1,   |dE/dz_v| <= |J_out,v| |e|,   max|dE/dh_v| <= |K_out,v|_1 |e|, ...

Computed in float64 on nonnegative numbers, with the factor of `rates` for the roundings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.bounds.hessian_sweep import Center, Gains, Sweep, edge_id
from verify.bounds.majorant.state import State, combine, lift
from verify.bounds.majorant.structure import Structure

_INFLATION = 1.0 + 2.0**-40
_UNKNOWN = 2.0**300


@dataclass(frozen=True)
class _EdgeNorms:
    """An edge from vertex `source`: what multiplies each column of norms of its output, and norms of Jacobian rows."""

    source: int
    factors: np.ndarray
    row: float


def _edge_norms(source: int, gains: Gains, size: int) -> _EdgeNorms:
    factors = np.full(4 * size, gains.spectral)
    factors[[a * size + source for a in (1, 2, 3)]] = gains.column
    return _EdgeNorms(source, factors, gains.row)


class Caps:
    """What holds where every block v moves by at most radii[v].

    Parameters
    ----------
    center : Center
    radii : array, shape (K,)
    graph : Structure

    Attributes
    ----------
    fourth : array, shape (n, K)
        Suprema of |g_v''''|.
    absolute : State
        Majorants that assume nothing.
    """

    def __init__(self, center: Center, radii: np.ndarray, graph: Structure) -> None:
        by_name = {name: float(radius) for name, radius in zip(graph.names, radii, strict=True)}
        self.sweep = Sweep(center, by_name, order=4)
        self.graph = graph
        number = {name: index for index, name in enumerate(graph.names)}
        self.edges = [
            [
                _edge_norms(number[edge.source], self.sweep.gain[edge_id(edge)], graph.size)
                for edge in center.architecture.in_edges(name)
                if edge.source in number
            ]
            for name in graph.names
        ]
        self.suprema = np.stack([np.stack(self.sweep.suprema[name]) for name in graph.names], axis=-1)
        self.fourth = lift(self.suprema[3])
        self.injection = np.stack([self.sweep.injection[name] for name in graph.names], axis=1)
        self.absolute = self.tighten(self._unknown(center.samples))

    def _unknown(self, samples: int) -> State:
        size = self.graph.size
        reaches = np.eye(size, dtype=bool)
        for w, edges in enumerate(self.edges):
            for edge in edges:
                reaches[w] |= reaches[edge.source]
        known = np.tile(np.where(reaches, _UNKNOWN, 0.0), 4)
        everywhere = np.full((1, 4 * size), _UNKNOWN)

        def spread(array: np.ndarray) -> np.ndarray:
            return np.broadcast_to(array, (samples, *array.shape)).copy()

        pre = spread(known)
        pre[:, np.arange(size), np.arange(size)] = 1.0
        for a in (1, 2, 3):
            pre[:, np.arange(size), a * size + np.arange(size)] = 0.0
        return State(
            out=spread(np.concatenate([known, everywhere])),
            pre=pre,
            fed=spread(np.broadcast_to(everywhere, (size, 4 * size))),
            row=pre[..., :size].copy(),
            adjoint=np.full((samples, 4 * size), _UNKNOWN),
            injection=self.injection,
            error=self.sweep.error,
        )

    def tighten(self, state: State) -> State:
        """Return smaller majorants of the same norms."""
        size = self.graph.size
        out, pre, row = state.out.copy(), state.pre.copy(), state.row.copy()
        columns = np.arange(4 * size) % size
        slope = self.suprema[0]
        for w, edges in enumerate(self.edges):
            before = columns < w
            if edges:
                through = sum(edge.factors * out[:, edge.source] for edge in edges) * _INFLATION
                pre[:, w, before] = np.minimum(pre[:, w], through)[:, before]
                self._weigh(pre[:, w], before)
                short = sum(edge.row * out[:, edge.source, :size] for edge in edges) * _INFLATION
                row[:, w, before[:size]] = np.minimum(row[:, w], short)[:, before[:size]]
            bent = slope[:, w, None] * pre[:, w] * _INFLATION
            out[:, w, before] = np.minimum(out[:, w], bent)[:, before]
            out[:, w, w] = np.minimum(out[:, w, w], slope[:, w])
            out[:, w, size + w] = np.minimum(out[:, w, size + w], 1.0)
            self._weigh(out[:, w], columns <= w)
        outputs = list(self.graph.outputs)
        together = np.sqrt(np.square(out[:, outputs]).sum(axis=1)) * _INFLATION
        out[:, size] = np.minimum(out[:, size], together)
        weights = self.graph.overlap_squares
        read = np.sqrt(np.einsum("wu,nuc->nwc", weights, np.square(out[:, :size]))) * _INFLATION
        error = np.minimum(state.error, self.sweep.error)
        return combine(
            lift,
            State(
                out,
                pre,
                np.minimum(state.fed, read),
                np.minimum(row, pre[..., :size]),
                self._adjoint(state.adjoint, out[:, size], error),
                np.minimum(state.injection, self.injection),
                error,
            ),
        )

    def _weigh(self, norms: np.ndarray, where: np.ndarray) -> None:
        """Lower the columns weighted with g'' and g''' in place, (n, 4 K)."""
        size = self.graph.size
        for a in (2, 3):
            block = slice(a * size, (a + 1) * size)
            weighted = self.suprema[a - 1] * norms[:, size : 2 * size] * _INFLATION
            norms[:, block] = np.where(where[block], np.minimum(norms[:, block], weighted), norms[:, block])

    def _adjoint(self, adjoint: np.ndarray, output: np.ndarray, error: np.ndarray) -> np.ndarray:
        size = self.graph.size
        result = np.minimum(adjoint, output * error[:, None] * _INFLATION)
        for index, name in enumerate(self.graph.names):
            result[:, index] = np.minimum(result[:, index], self.sweep.inner[name])
            result[:, size + index] = np.minimum(result[:, size + index], self.sweep.peak[name])
        self._weigh(result, np.ones(4 * size, dtype=bool))
        return result
