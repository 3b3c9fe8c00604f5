"""Hessian bound from products of norms along the layers: cheap and coarse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_blocks import (
    SampleNorms,
    block_matrix,
    largest_curvature,
    residual_squares,
    sublevel_matrix,
)
from verify.bounds.hessian_cells import refine
from verify.bounds.hessian_center import Center, centers
from verify.bounds.hessian_geometry import Geometry, trainable
from verify.bounds.hessian_sweep import Sweep

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

MOST_KEPT_UNITS = 2**23


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
    kept: list[Center] = []
    if cells > 1 and problem.samples * units <= MOST_KEPT_UNITS:
        kept.extend(centers(problem, region.center))
    else:
        cells = 1

    def evaluate(radii: np.ndarray) -> tuple[float, float, np.ndarray]:
        by_name = {**region.radii, **{name: float(radius) for name, radius in zip(blocks, radii, strict=True)}}
        sums: list[np.ndarray] = []
        for center in kept or centers(problem, region.center):
            sweep = Sweep(center, by_name)
            norms = sample_norms(sweep, blocks)
            terms = [block_matrix(norms)]
            if np.isfinite(residual):
                fixed, linear = norms_by_residual(sweep, norms, blocks)
                terms += [block_matrix(fixed), residual_squares(linear)]
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


def norms_by_residual(sweep: Sweep, norms: SampleNorms, blocks: list[str]) -> tuple[SampleNorms, SampleNorms]:
    """Return the norms without the residual, and those by the residual: see `hessian_blocks`."""
    architecture = sweep.architecture
    adjoint, column = {}, {}
    for name in architecture.order:
        reached = sweep.jacobians(name, np.ones(sweep.samples))
        ends = [reached[output][1] for output in architecture.outputs if output in reached]
        column[name] = upward.norm(np.stack(ends), axis=0) if ends else sweep.zeros()
        adjoint[name] = upward.mul(sweep.suprema[name][0], column[name])
    own = {
        name: upward.mul(sweep.suprema[name][0], sweep.suprema[name][0])
        if name in architecture.outputs
        else sweep.zeros()
        for name in architecture.order
    }
    bend = {name: upward.mul(sweep.suprema[name][1], column[name]) for name in architecture.order}
    pull = {index: adjoint[name] for index, name in enumerate(blocks)}
    return replace(norms, bend=own, feed={}, pull={}), replace(norms, bend=bend, pull=pull)


def sample_norms(sweep: Sweep, blocks: list[str]) -> SampleNorms:
    """Collect the norms of a sweep by parameter block."""
    architecture = sweep.architecture
    derivatives = {block: sweep.jacobians(block, sweep.suprema[block][0]) for block in blocks}
    by_block = _Columns(sweep, blocks)
    reach = {}
    for name in architecture.order:
        found = {b: derivatives[b][name][0] for b in blocks if name in derivatives[b]}
        if name in found:
            found[name] = np.ones(sweep.samples)
        reach[name] = by_block(found)

    def stacked(ends: list[tuple[str, float]]) -> np.ndarray:
        found = {}
        for block, reached in derivatives.items():
            norms = [upward.mul(factor, reached[end][1]) for end, factor in ends if end in reached]
            if norms:
                found[block] = upward.norm(np.stack(norms), axis=0)
        return by_block(found)

    feed = {}
    for index, name in enumerate(blocks):
        edges = [edge for edge in architecture.in_edges(name) if edge.map.parameter_shape]
        feed[index] = stacked([(edge.source, edge.map.overlap) for edge in edges])
    return SampleNorms(
        reach=reach,
        bend=sweep.bend,
        feed=feed,
        pull={index: sweep.inner[name] for index, name in enumerate(blocks)},
    )


class _Columns:
    """Turns norms of derivatives by z_b into norms of derivatives by the parameters of block b, (n, K)."""

    def __init__(self, sweep: Sweep, blocks: list[str]) -> None:
        self.sweep = sweep
        self.blocks = blocks

    def __call__(self, found: dict[str, np.ndarray]) -> np.ndarray:
        result = np.zeros((self.sweep.samples, len(self.blocks)))
        for index, name in enumerate(self.blocks):
            if name in found:
                result[:, index] = upward.mul(found[name], self.sweep.injection[name])
        return result
