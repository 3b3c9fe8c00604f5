"""Hessian bound from products of norms along the layers: cheap and coarse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_blocks import SampleNorms, block_matrix, largest_curvature
from verify.bounds.hessian_cells import refine
from verify.bounds.hessian_center import Center, centers
from verify.bounds.hessian_geometry import Geometry, trainable
from verify.bounds.hessian_sweep import Sweep

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

MOST_KEPT_UNITS = 2**23


def norm_products(problem: Problem, region: Geometry, cells: int) -> tuple[float, np.ndarray]:
    """Bound the Hessian, weight decay left out, and return the matrix of block norms (K, K) that the bound rests on.

    Parameters
    ----------
    problem : Problem
    region : Geometry
    cells : int
        Most parts into which a ball is cut by how a displacement is shared among the blocks; data too many to be
        kept in memory are gone through once, for one part.
    """
    blocks = trainable(problem.architecture)
    units = sum(problem.architecture.vertices[name].width for name in problem.architecture.order)
    kept: list[Center] = []
    if cells > 1 and problem.samples * units <= MOST_KEPT_UNITS:
        kept.extend(centers(problem, region.center))
    else:
        cells = 1

    def evaluate(radii: np.ndarray) -> tuple[float, np.ndarray]:
        by_name = {**region.radii, **{name: float(radius) for name, radius in zip(blocks, radii, strict=True)}}
        total = np.zeros((len(blocks), len(blocks)))
        for center in kept or centers(problem, region.center):
            total = upward.add(total, block_matrix(sample_norms(Sweep(center, by_name), blocks)))
        matrix = upward.div(total, float(problem.sample_divisor))
        return largest_curvature(matrix), matrix

    if region.joint is None:
        return evaluate(np.array([region.radii[name] for name in blocks]))
    worst = refine(evaluate, len(blocks), region.joint, cells)
    return worst.value, worst.matrix


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
