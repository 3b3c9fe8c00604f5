"""Everything that is known at the centre of a region, from one pass over the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_alignment import Alignment, aligned_data
from verify.bounds.hessian_center import Center, centers
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.majorant.center_curvature import Injections
from verify.bounds.majorant.center_hessian import LARGEST_DENSE, BlockHessian, DenseHessian, SummedHessian
from verify.bounds.majorant.center_state import center_jacobians, center_state
from verify.bounds.majorant.center_third import CenterThird
from verify.bounds.majorant.data import layer_data, no_data
from verify.bounds.majorant.rates import MOST_VERTICES
from verify.bounds.majorant.state import MajorantState
from verify.bounds.majorant.structure import PathStructure, structure
from verify.budget import check_time

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

_JACOBIAN_ENTRIES = 2**24
_FEWEST_ROWS, _MOST_ROWS = 16, 512


@dataclass(frozen=True)
class CenterFacts:
    """Proved facts about the mean (or sum) over the samples at the centre.

    Parameters
    ----------
    graph : PathStructure
    chunks : list of (Center, MajorantState)
        Majorants at distance zero, chunk by chunk.
    hessian : float
        Upper bound of the norm of the Hessian, weight decay left out.
    method : str
        How it was found: ``"block norms"``, or by the ``"matrix"`` itself.
    third : array, shape (K, K, K)
        Block norms of the third derivative.
    summed : SummedHessian or None
        The matrix, where it was asked for and is small enough.
    """

    graph: PathStructure
    chunks: list[tuple[Center, MajorantState]]
    hessian: float
    method: str
    third: np.ndarray
    summed: SummedHessian | None = None


def center_facts(problem: Problem, weights: np.ndarray, *, keep_matrix: bool = False) -> CenterFacts:
    """Compute the facts for a problem at given weights; with `keep_matrix`, the Hessian is among them.

    Raises
    ------
    UndecidedHessianError
        If derivatives overflow, or there are too many vertices for the rounding bounds of the majorants.
    """
    architecture = problem.architecture
    graph = structure(architecture)
    if graph.size > MOST_VERTICES:
        raise UndecidedHessianError(
            "too many vertices for the majorants", vertices=graph.size, most=MOST_VERTICES, remedy="use method norms"
        )
    third, blocks = CenterThird(graph), BlockHessian(graph)
    dense: DenseHessian | None = None
    exact = [graph.plain[v] or v in graph.shared for v in range(graph.size)]
    chunks = []
    units = sum(architecture.vertices[name].width for name in graph.names)
    rows = max(_FEWEST_ROWS, min(_MOST_ROWS, _JACOBIAN_ENTRIES // units**2))
    for center in centers(problem, weights, rows):
        jacobians = center_jacobians(center, graph)
        state = center_state(center, jacobians, graph)
        if not state.is_moderate():
            raise UndecidedHessianError(
                "the derivatives at the centre overflow",
                remedy="use smaller weights or data",
                largest_weight=float(np.max(np.abs(weights), initial=0.0)),
            )
        chunks.append((center, state))
        still = dict.fromkeys(graph.names, np.zeros(center.samples))
        data = [layer_data(center, name) if fits else None for name, fits in zip(graph.names, graph.plain, strict=True)]
        known = [no_data(center.samples) if layer is None else layer for layer in data]
        if dense is None and all(exact) and architecture.size <= LARGEST_DENSE:
            dense = DenseHessian(
                [jacobians.coordinates(v) for v in range(graph.size)],
                [layer.mid.shape[1] for layer in known],
                problem.samples,
            )
        alignment = Alignment(aligned_data(center, graph.names, still), state.injection)
        injections = Injections(jacobians, graph, center.samples)
        norms: dict[tuple[int, int], np.ndarray] = {}
        for pair in injections.pairs():
            check_time()
            mirrored = norms.pop((pair.w, pair.v)) if pair.v > pair.w else None
            both = pair.both.spectral_norm() if mirrored is None else mirrored
            norms[pair.v, pair.w] = both
            blocks.add_pair(pair, both, state, graph)
            norm = both if pair.both is pair.plain else pair.plain.spectral_norm()
            third.add(pair, norm, state, injections, data, alignment)
            if dense is not None and pair.v <= pair.w:
                dense.add_pair(pair, known)
        blocks.add_skips(state, graph)
        third.add_skips(state, alignment)
        if dense is not None:
            dense.add_skips(center, jacobians, known, graph)
    divisor = float(problem.sample_divisor)
    hessian, method = blocks.bound(), "block norms"
    summed = None if dense is None else dense.assembled()
    if summed is not None and not keep_matrix and (sharp := summed.norm_bound()) < hessian:
        hessian, method = sharp, "matrix"
    bound = float(upward.div(hessian, divisor))
    tensor = upward.div(third.tensor(), divisor)
    return CenterFacts(graph, chunks, bound, method, tensor, summed if keep_matrix else None)
