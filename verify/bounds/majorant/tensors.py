"""Block norms of the second and third derivative of the error, from majorants.

With z_w[P] >= |dz_w[P]|, r_w[P] >= max_j |dz_wj[P]| and matrices of block norms of second derivatives, A_w of z_w and
F_w of the stacked outputs that w reads, for one sample

    |E'''[P, Q, R]| <= sum_w sym(bend_w z_w, A_w) + twist_w sym(r_w / 3, z_w z_w') + sym(|dE/dz_w| e_w, F_w),

where sym(t, A)[P, Q, R] = t[P] A[Q, R] + t[Q] A[R, P] + t[R] A[P, Q]: differentiate E'' of `hessian_blocks` once more,
with d^2 z_w = Y (g'' dz dz) + 2 Z dA dh summed over the vertices before w.

Sums are computed in float64 as in `rates`: entries 0 or in [2**-80, 2**80], at most 4000 roundings on a path for
each sample and as many again for the sum over a chunk's samples.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from verify.arithmetic import spectral, upward
from verify.bounds.hessian_alignment import AlignedData, Alignment
from verify.bounds.hessian_blocks import SampleNorms, block_matrix, residual_squares
from verify.bounds.majorant.state import MajorantState
from verify.bounds.majorant.structure import PathStructure

_INFLATION = 1.0 + 2.0**-40


def second_derivative(state: MajorantState, graph: PathStructure, data: dict[int, AlignedData]) -> np.ndarray:
    """Return the matrix of block norms of the Hessian, summed over the samples, (K, K)."""
    bend, pull = state.column_block(state.adjoint, 2), state.column_block(state.adjoint, 0)
    return block_matrix(_sample_norms(state, graph, bend, pull), Alignment(data, state.injection))


def second_derivative_by_residual(state: MajorantState, graph: PathStructure) -> tuple[np.ndarray, np.ndarray]:
    """Return the part of that matrix without the residual, and the squares of the rest: see `hessian_blocks`."""
    outputs = list(graph.outputs)
    nothing = np.zeros((len(state.injection), graph.size))
    own = nothing.copy()
    own[:, outputs] = np.stack([state.out[:, o, o] for o in outputs], axis=-1)
    fixed = block_matrix(_sample_norms(state, graph, upward.mul(own, own), nothing))
    behind = state.out[:, outputs]
    bend = upward.norm(state.column_block(behind, 2), axis=1)
    pull = upward.norm(state.column_block(behind, 0), axis=1)
    later = state.column_block(behind, 1)[:, :, outputs] > 0
    last = [o for index, o in enumerate(outputs) if not np.any(np.delete(later[:, :, index], index, axis=1))]
    rows = state.by_parameters(state.row, graph.shared) * _INFLATION
    largest = {graph.names[o]: rows[:, o] for o in last}
    return fixed, residual_squares(replace(_sample_norms(state, graph, bend, pull), largest=largest))


def _sample_norms(state: MajorantState, graph: PathStructure, bend: np.ndarray, pull: np.ndarray) -> SampleNorms:
    reach = state.by_parameters(state.pre, graph.shared) * _INFLATION
    feed = state.by_parameters(state.fed, graph.shared) * _INFLATION
    fed = [index for index in range(graph.size) if graph.feeding[index]]
    return SampleNorms(
        reach={graph.names[w]: reach[:, w] for w in range(graph.size)},
        bend={graph.names[w]: bend[:, w] for w in range(graph.size)},
        feed={w: feed[:, w] for w in fed},
        pull={w: pull[:, w] for w in fed},
    )


class BlockNorms:
    """First and second derivatives of one state by parameter block, per sample; the terms of E'''."""

    def __init__(self, state: MajorantState, graph: PathStructure) -> None:
        self.state = state
        self.graph = graph
        self.reach = state.by_parameters(state.pre, graph.shared)
        self.largest = state.by_parameters(state.row, graph.shared)
        self.feed = state.by_parameters(state.fed, graph.shared)
        self.squares = self.reach[:, :, :, None] * self.reach[:, :, None, :]

    def preactivation_bends(self, w: int) -> np.ndarray:
        """A_w, (n, K, K)."""
        return self._bends(self.state.pre[:, w], self.state.column_block(self.state.pre, 2)[:, w])

    def fed_bends(self, w: int) -> np.ndarray:
        """F_w, (n, K, K)."""
        return self._bends(self.state.fed[:, w], self.state.column_block(self.state.fed, 2)[:, w])

    def fed_parts(self, w: int) -> tuple[np.ndarray, np.ndarray]:
        """F_w = S + C + C': S depends on both blocks through their data, C on the second one, (n, K, K) each."""
        return self._parts(self.state.fed[:, w], self.state.column_block(self.state.fed, 2)[:, w])

    def _bends(self, jacobian: np.ndarray, columns: np.ndarray) -> np.ndarray:
        squares, skip = self._parts(jacobian, columns)
        return skip + skip.swapaxes(1, 2) + squares

    def _parts(self, jacobian: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        skip = self.state.column_block(jacobian, 0)[:, :, None] * self.feed
        return np.einsum("nu,nuab->nab", columns, self.squares), skip


def third_derivative(state: MajorantState, graph: PathStructure) -> np.ndarray:
    """Return the tensor of block norms of the third derivative, summed over the samples, (K, K, K)."""
    norms = BlockNorms(state, graph)
    bend, twist = state.column_block(state.adjoint, 2), state.column_block(state.adjoint, 3)
    total = np.zeros((graph.size,) * 3)
    for w in range(graph.size):
        total += _product(bend[:, w, None] * norms.reach[:, w], norms.preactivation_bends(w))
        total += _product(twist[:, w, None] * norms.largest[:, w] / 3.0, norms.squares[:, w])
    total += skip_terms(norms)
    return symmetric_sum(total) * _INFLATION


def third_slices(state: MajorantState, graph: PathStructure, blocks: Collection[int]) -> dict[int, np.ndarray]:
    """Return slices of the tensor of every sample, (n, K, K), for blocks that read inputs alone."""
    if not blocks:
        return {}
    norms = BlockNorms(state, graph)
    bend, twist, pull = (state.column_block(state.adjoint, kind) for kind in (2, 3, 0))
    slices = {a: np.zeros_like(norms.squares[:, 0]) for a in blocks}
    for w in range(graph.size):
        bent = norms.preactivation_bends(w)
        fed = norms.fed_bends(w) if graph.feeding[w] else None
        for a in blocks:
            slices[a] += _slice(bend[:, w, None] * norms.reach[:, w], bent, a)
            slices[a] += _slice(twist[:, w, None] * norms.largest[:, w] / 3.0, norms.squares[:, w], a)
            if fed is not None:
                own = pull[:, w, None] * fed[:, a]
                slices[a][:, w] += own
                slices[a][:, :, w] += own
    return {a: total * _INFLATION for a, total in slices.items()}


def _slice(vectors: np.ndarray, matrices: np.ndarray, a: int) -> np.ndarray:
    """Slice a of `symmetric_sum` of the outer product, sample by sample."""
    once = vectors[:, :, None] * matrices[:, a, None, :]
    return vectors[:, a, None, None] * matrices + once + once.swapaxes(1, 2)


def skip_terms(norms: BlockNorms) -> np.ndarray:
    """Sum over w and the samples of |dE/dz_w| e_w F_w, (K, K, K); not yet symmetrised."""
    graph, state = norms.graph, norms.state
    total = np.zeros((graph.size,) * 3)
    for w in range(graph.size):
        if graph.feeding[w]:
            pull = state.column_block(state.adjoint, 0)[:, w]
            total[w] = np.einsum("n,nab->ab", pull, norms.fed_bends(w))
    return total


def symmetric_sum(tensor: np.ndarray) -> np.ndarray:
    """sym of the module's text, for a tensor that is symmetric in its last two axes."""
    return tensor + tensor.transpose(1, 0, 2) + tensor.transpose(1, 2, 0)


def largest_form(tensor: np.ndarray) -> float:
    """Upper bound of T[P, Q, R] over unit vectors, by unfolding."""
    if not np.all(np.isfinite(tensor)):
        return float("inf")
    unfolded = tensor.reshape(len(tensor), -1)
    return float(upward.sqrt(spectral.perron_upper(upward.matmul(unfolded, unfolded.T))))


def largest_form_within(tensor: np.ndarray, bounds: np.ndarray) -> float:
    """Upper bound of T[P, Q, R] over unit vectors Q, R and all P with |P_b| <= bounds_b."""
    if not np.all(np.isfinite(tensor)):
        return float("inf")
    matrix = upward.matmul(tensor, bounds)
    return float(spectral.perron_upper(np.maximum(matrix, matrix.T)))


def _product(vectors: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    samples, size = vectors.shape
    return (vectors.T @ matrices.reshape(samples, size * size)).reshape(size, size, size)
