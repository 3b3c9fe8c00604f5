"""The majorant bound of the Hessian over a region, from the facts at its centre."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_blocks import largest_curvature, sublevel_matrix
from verify.bounds.hessian_geometry import Geometry
from verify.bounds.majorant.center import CenterFacts
from verify.bounds.majorant.state import lift
from verify.bounds.majorant.tensors import largest_form, largest_form_within
from verify.bounds.majorant.trajectory import Paths, Sums, trace

if TYPE_CHECKING:
    from verify.calculus.problem import Problem


@dataclass(frozen=True)
class MajorantPath:
    """How a majorant bound was put together; distances are parts of the radius.

    Parameters
    ----------
    knots : array, shape (steps + 1,)
    slopes : array, shape (steps, 2)
        Bounds of the third derivative along the paths, per unit of the knots, at both ends of every step.
    center : float
        Bound of the Hessian at the centre.
    integral : float
        `center` and the integral of the slopes.
    direct : float
        Bound from block norms at the end of the paths.
    matrix : array, shape (K, K)
        Those block norms.
    center_method : str
        How `center` was found: ``"block norms"``, or by the ``"matrix"`` itself.
    within : float
        As `direct`, where the error is at most a level; infinite without a level.
    growth : float
        Bound of the norm of the Hessian minus that at the centre: the integral of the slopes.
    """

    knots: np.ndarray
    slopes: np.ndarray
    center: float
    integral: float
    direct: float
    matrix: np.ndarray
    center_method: str
    within: float = float("inf")
    growth: float = float("inf")

    @property
    def value(self) -> float:
        """The smaller bound, weight decay left out."""
        return min(self.integral, self.direct)


def whole_region(region: Geometry, facts: CenterFacts) -> Paths:
    """All straight paths from the centre into a region."""
    block = lift(np.array([region.radii[name] for name in facts.graph.names]))
    if region.joint is None:
        return Paths(block, None, block[:, None])
    return Paths(block, region.joint, np.diag(block))


def follow(problem: Problem, facts: CenterFacts, paths: Paths, residual: float = float("inf")) -> MajorantPath:
    """Bound the Hessian everywhere on the paths.

    `residual` bounds the norm of h_out - y over all samples at the ends of the paths: on the way there residuals may be
    larger, so that only the norms at the ends profit.
    """
    sums: list[Sums] = []
    for center, state in facts.chunks:
        sums.append(trace(center, state, paths, facts.graph, sums[0].knots if sums else None))
    total = reduce(add, sums)
    divisor = float(problem.sample_divisor)
    third, change = upward.div(total.third, divisor), upward.div(total.change, divisor)
    changed = upward.add(change, facts.third)
    slopes = np.array([_slopes(*both, paths) for both in zip(third, changed, strict=True)])
    steps = np.nextafter(np.diff(total.knots), np.inf)
    gain = upward.sum(upward.mul(0.5 * steps, upward.add(slopes[:, 0], slopes[:, 1])))
    matrix = upward.div(total.second, divisor)
    within = np.minimum(matrix, upward.div(sublevel_matrix(total.fixed, total.squares, residual), divisor))
    return MajorantPath(
        total.knots,
        slopes,
        facts.hessian,
        float(upward.add(facts.hessian, gain)),
        largest_curvature(matrix),
        matrix,
        facts.method,
        largest_curvature(within),
        float(gain),
    )


def _slopes(third: np.ndarray, changed: np.ndarray, paths: Paths) -> np.ndarray:
    """Bound |E'''[P, U, U]| over unit U and the displacements P of the paths, at both ends of one step.

    Every tensor here is convex between the ends, and so is each norm of it: one tensor and one norm must serve both.
    """
    tensors = [third, changed]
    smaller = third <= changed
    if np.all(smaller[0] == smaller[1]):
        tensors.append(np.minimum(third, changed))
    pairs = []
    for ends in tensors:
        pairs.append(np.array([largest_form_within(tensor, paths.block) for tensor in ends]))
        if paths.length is not None:
            pairs.append(upward.mul(paths.length, np.array([largest_form(tensor) for tensor in ends])))
    return min(pairs, key=lambda pair: float(pair.sum()))
