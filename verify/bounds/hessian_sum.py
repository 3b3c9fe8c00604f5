"""Hessian bound from products of norms as a sum over packets of samples, which may be computed anywhere.

The matrix of `norm_products` is a sum over samples of bounds of their Hessians' blocks, so matrices of packets add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import final

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.bounds.hessian import check_smooth
from verify.bounds.hessian_blocks import largest_curvature, shares
from verify.bounds.hessian_geometry import geometry, trainable
from verify.bounds.hessian_norms import norm_products
from verify.bounds.hessian_result import HessianBound, UndecidedHessianError
from verify.bounds.regions import Region
from verify.calculus.problem import Problem
from verify.calculus.sample_sum import ProblemSum
from verify.outcomes import InputError


@final
class NormSum(ProblemSum[np.ndarray, HessianBound]):
    """The bound of ``hessian_bound(problem, region, method="norms", cells=1)``, up to how samples are cut.

    Parameters
    ----------
    problem : Problem
    region : Region, optional
        Default: the problem's.

    Raises
    ------
    InputError
        If there is no region, or an activation is not twice continuously differentiable.
    UndecidedHessianError
        In `answer`, if no finite bound was found.
    """

    def __init__(self, problem: Problem, region: Region | None = None) -> None:
        super().__init__(problem)
        where = problem.region if region is None else region
        if where is None:
            raise InputError("no region to bound the Hessian on", remedy="give a Ball or BoundedWeights", region=None)
        check_smooth(problem)
        self._region, self._place = where, geometry(problem, where)

    @certified_environment()
    def part(self, chunks: Sequence[slice]) -> np.ndarray:
        x, y = self.problem.rows(slice(chunks[0].start, chunks[-1].stop))
        packet = Problem(self.problem.architecture, x, y, reduction="sum")
        return norm_products(packet, self._place, 1).matrix

    @certified_environment()
    def answer(self, parts: Iterable[np.ndarray]) -> HessianBound:
        blocks = trainable(self.problem.architecture)
        total = np.zeros((len(blocks), len(blocks)))
        for part in parts:
            total = upward.add(total, part)
        matrix = upward.div(total, float(self.problem.sample_divisor))
        value = largest_curvature(matrix)
        if not np.isfinite(value):
            raise UndecidedHessianError(
                "no finite bound of the Hessian", where="region", remedy="use a smaller region", value=value
            )
        decayed = float(upward.add(value, self.problem.weight_decay))
        return HessianBound(
            value=decayed,
            method="norms",
            region=self._region,
            contributions=shares(matrix, blocks, value),
            weight_decay=self.problem.weight_decay,
            terms={"norms": value},
            trajectory=None,
            whole=decayed,
        )
