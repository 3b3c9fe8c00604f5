"""Hessian bound from products of norms along the layers: cheap and coarse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_alignment import AlignedData, Alignment, aligned_data
from verify.bounds.hessian_blocks import (
    SampleNorms,
    block_matrix,
    largest_curvature,
    residual_squares,
    sublevel_matrix,
)
from verify.bounds.hessian_cells import refine
from verify.bounds.hessian_center import MOST_ROWS, Center, centers
from verify.bounds.hessian_geometry import Geometry, trainable
from verify.bounds.hessian_sweep import Sweep
from verify.budget import check_memory
from verify.sharing import shared

if TYPE_CHECKING:
    from verify.architecture import Architecture
    from verify.calculus.problem import Problem

MOST_KEPT_UNITS, MOST_SHARED_UNITS = 2**23, 2**20
"""Units of all samples whose centres are kept for one bound, and for the other bounds of an analysis."""

MOST_NORMS = 2**25
"""Norms of one chunk's derivatives, of every vertex by every block, that are held at once."""

MOST_EVALUATED = 2**17
"""Edges times blocks that all cells together may take."""

MOST_ALIGNED = 2**25
"""Products behind the Gram matrices of one chunk; beyond, data count by their norms."""

MOST_RESIDUAL_TERMS = 2**24
"""Numbers behind the bound on a sublevel set; beyond, the bound of the whole region stands for it."""


@dataclass(frozen=True)
class NormBound:
    """Bounds of the Hessian, weight decay left out.

    Parameters
    ----------
    value : float
        On the region.
    within : float
        On the part of it where the residuals are as small as was said.
    matrix : array, shape (K, K)
        Block norms that `value` rests on.
    """

    value: float
    within: float
    matrix: np.ndarray


def affordable_cells(problem: Problem, cells: int) -> int:
    """Return how many of so many cells are worth their time, which grows with blocks and edges; at least one."""
    architecture = problem.architecture
    return min(cells, max(1, MOST_EVALUATED // (len(trainable(architecture)) * len(architecture.edges))))


def check_pairs(architecture: Architecture) -> int:
    """Return how many norms there are, of every vertex by every block.

    Raises
    ------
    OverBudgetError
        If they are too many to be kept.
    """
    pairs = len(trainable(architecture)) * len(architecture.order)
    what = "the table of norms of every vertex by every block"
    check_memory(8 * pairs, what, "merge layers: use fewer vertices", pairs=pairs)
    return pairs


def norm_products(problem: Problem, region: Geometry, cells: int, residual: float = float("inf")) -> NormBound:
    """Bound the Hessian over a region.

    Parameters
    ----------
    problem : Problem
    region : Geometry
    cells : int
        Most parts into which a ball is cut by how a displacement is shared among the blocks; data too many to be
        kept in memory are gone through once, for one part.
    residual : float
        Upper bound of the norm of h_out - y over all samples, for `within`.
    """
    blocks = trainable(problem.architecture)
    units = sum(problem.architecture.vertices[name].width for name in problem.architecture.order)
    divisor = float(problem.sample_divisor)
    pairs = check_pairs(problem.architecture)
    rows = max(1, min(MOST_ROWS, MOST_NORMS // (8 * pairs)))
    by_level = bool(np.isfinite(residual)) and pairs * len(blocks) <= MOST_RESIDUAL_TERMS
    kept: list[Center] = []
    if problem.samples * units <= MOST_SHARED_UNITS:
        key = ("centers", rows, region.center.tobytes())
        kept = shared(problem, key, lambda: list(centers(problem, region.center, rows)))
    elif cells > 1 and problem.samples * units <= MOST_KEPT_UNITS:
        kept.extend(centers(problem, region.center, rows))
    else:
        cells = 1

    fixed: dict[int, dict[int, AlignedData]] = {}

    def alignment(center: Center, sweep: Sweep) -> Alignment:
        data = fixed.get(id(center))
        if data is None:
            data = aligned_data(center, blocks) if _may_align(center, blocks) else {}
            if kept:
                fixed[id(center)] = data
        return Alignment(data, np.stack([sweep.injection[name] for name in blocks], axis=1))

    def evaluate(radii: np.ndarray) -> tuple[float, float, np.ndarray]:
        by_name = {**region.radii, **{name: float(radius) for name, radius in zip(blocks, radii, strict=True)}}
        sums: list[np.ndarray] = []
        for center in kept or centers(problem, region.center, rows):
            sweep = Sweep(center, by_name)
            norms = sample_norms(sweep, blocks)
            terms = [block_matrix(norms, alignment(center, sweep))]
            if by_level:
                without, linear = norms_by_residual(sweep, norms, blocks)
                terms += [block_matrix(without), residual_squares(linear)]
            sums = [upward.add(*pair) for pair in zip(sums, terms, strict=True)] if sums else terms
        matrix = upward.div(sums[0], divisor)
        value = within = largest_curvature(matrix)
        if len(sums) > 1:
            smaller = upward.div(sublevel_matrix(sums[1], sums[2], residual), divisor)
            within = largest_curvature(np.minimum(matrix, smaller))
        return value, within, matrix

    if region.joint is None:
        return NormBound(*evaluate(np.array([region.radii[name] for name in blocks])))
    worst, within = refine(evaluate, len(blocks), region.joint, cells)
    return NormBound(worst.value, within, worst.matrix)


def _may_align(center: Center, blocks: list[str]) -> bool:
    """Whether Gram matrices of the inputs for every pair of blocks cost little."""
    columns = sum(center.architecture.vertices[name].width for name in center.architecture.inputs) + 1
    return len(blocks) ** 2 * center.samples * columns**2 <= MOST_ALIGNED


def norms_by_residual(sweep: Sweep, norms: SampleNorms, blocks: list[str]) -> tuple[SampleNorms, SampleNorms]:
    """Return the norms without the residual, and those by the residual: see `hessian_blocks`."""
    architecture = sweep.architecture
    order = architecture.order
    reached = sweep.jacobians(order, np.ones((sweep.samples, len(order))))
    columns = upward.norm(np.stack([reached[output].h for output in architecture.outputs]), axis=0)
    column = {name: columns[:, index] for index, name in enumerate(order)}
    adjoint = {name: upward.mul(sweep.suprema[name][0], column[name]) for name in order}
    own = {
        name: upward.mul(sweep.suprema[name][0], sweep.suprema[name][0])
        if name in architecture.outputs
        else sweep.zeros()
        for name in order
    }
    bend = {name: upward.mul(sweep.suprema[name][1], column[name]) for name in order}
    pull = {index: adjoint[name] for index, name in enumerate(blocks)}
    return replace(norms, bend=own, feed={}, pull={}), replace(norms, bend=bend, pull=pull)


def sample_norms(sweep: Sweep, blocks: list[str]) -> SampleNorms:
    """Collect the norms of a sweep by parameter block: those by z_b times the norm of z_b by the block's parameters."""
    architecture = sweep.architecture
    nothing = np.zeros((sweep.samples, len(blocks)))
    seeds = np.stack([sweep.suprema[name][0] for name in blocks], axis=1)
    derivatives = sweep.jacobians(blocks, seeds)
    injection = np.stack([sweep.injection[name] for name in blocks], axis=1)
    place = {name: index for index, name in enumerate(blocks)}
    reach = {}
    for name in architecture.order:
        reach[name] = nothing
        if (found := derivatives.get(name)) is not None:
            reach[name] = np.where(found.behind, upward.mul(found.z, injection), 0.0)
        if name in place:
            reach[name][:, place[name]] = sweep.injection[name]
    feed = {}
    for index, name in enumerate(blocks):
        ends = [
            (derivatives[edge.source], edge.map.overlap)
            for edge in architecture.in_edges(name)
            if edge.map.parameter_shape and edge.source in derivatives
        ]
        if ends:
            total = upward.norm(np.stack([upward.mul(overlap, found.h) for found, overlap in ends]), axis=0)
            behind = np.any([found.behind for found, _ in ends], axis=0)
            feed[index] = np.where(behind, upward.mul(total, injection), 0.0)
    return SampleNorms(
        reach=reach,
        bend=sweep.bend,
        feed=feed,
        pull={index: sweep.inner[name] for index, name in enumerate(blocks)},
    )
