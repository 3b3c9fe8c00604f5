"""The curvature of any network's error in every direction, at weights and on balls around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.arithmetic.spectral import eigenvalue_bounds, elementary_norm_upper
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.local_curvature import LocalCurvature, check_provable, local_curvature
from verify.bounds.regions import Ball
from verify.graph.curvature import AdjointWalk
from verify.graph.graph import Graph
from verify.graph.linearisation import linearise, union
from verify.graph.movements import ShrunkRegion, undecided
from verify.graph.problem import GraphProblem

NEIGHBOURHOOD = 2.0**-40
"""Radius of the ball on which the error must have a bounded third derivative, so that its Hessian is one."""


@final
@dataclass(frozen=True)
class GraphCurvature(LocalCurvature):
    """That of a `GraphProblem`.

    Parameters
    ----------
    problem : GraphProblem
    matrix : Interval, shape (P, P)
        Symmetric enclosure of the Hessian.
    """

    problem: GraphProblem
    matrix: Interval
    _third: ThirdDerivative

    @property
    def rounding(self) -> float:
        return float(elementary_norm_upper(self.matrix.rad))

    @property
    def blocks(self) -> dict[str, slice]:
        return {block.label: block.place for block in self.problem.blocks}

    def _growth(self, radius: float) -> float:
        try:
            return float(upward.mul(radius, self._third.within(radius)))
        except UndecidedHessianError:
            return float("inf")

    def hessian(self) -> np.ndarray:
        return np.array(self.matrix.mid)


@local_curvature.register
@certified_environment()
def graph_local_curvature(problem: GraphProblem, weights: np.ndarray) -> GraphCurvature:
    """Bound the eigenvalues of the Hessian of any network's error: `local_curvature` of these problems.

    The matrix is enclosed column by column, by one tangent of the gradient for every weight. It is the Hessian because
    the third derivative is bounded near the weights.

    Parameters
    ----------
    problem : GraphProblem
    weights : array, shape (P,)

    Examples
    --------
    >>> import verify
    >>> builder = verify.GraphBuilder()
    >>> w = builder.parameter("w", (2,))
    >>> problem = GraphProblem(builder.build((w.square() * w).sum()), {}, [1.0, 2.0])
    >>> found = graph_local_curvature(problem, problem.initial_weights)
    >>> 6 - 1e-9 < found.least <= 6, 12 <= found.largest < 12 + 1e-9, 0.6 <= found.growth(0.1) < 1.3
    (True, True, True)
    """
    w = problem.check_weights(weights)
    check_provable(problem)
    third = ThirdDerivative(problem, w)
    third.within(NEIGHBOURHOOD)
    gradient = Graph(problem.gradient_graph.nodes, problem.gradient_graph.outputs[1:])
    found = linearise(problem, gradient, w, range(len(problem.blocks)))
    matrix = union([found.jacobians[number] for number in range(len(problem.blocks))])
    matrix = (matrix + matrix.rearranged(np.transpose)) * 0.5
    if not np.all(np.isfinite(matrix.max_abs())):
        return GraphCurvature(w, -np.inf, np.inf, problem, matrix, third)
    least, largest = eigenvalue_bounds(matrix)
    return GraphCurvature(w, float(least), float(largest), problem, matrix, third)


def is_smooth_near(problem: GraphProblem, weights: np.ndarray) -> bool:
    """Whether E is proved to have a bounded third derivative near weights, so that its enclosed Hessian is one."""
    try:
        ThirdDerivative(problem, weights).within(NEIGHBOURHOOD)
    except UndecidedHessianError:
        return False
    return True


class ThirdDerivative:
    """Upper bounds of ``|d^3/ds^3 E(u + s v)|`` at s = 0 over balls around weights, |v| <= 1.

    They bound how fast the Hessian changes: the trilinear form of a function is as large as on three equal vectors
    (S. Banach, Studia Math. 7 (1938) 36-44).

    Parameters
    ----------
    problem : GraphProblem
    weights : array, shape (P,)
    """

    def __init__(self, problem: GraphProblem, weights: np.ndarray) -> None:
        self._problem, self._weights, self._walk = problem, weights, AdjointWalk(problem)
        centre = self._walk.over(ShrunkRegion.of(problem, Ball(weights, NEIGHBOURHOOD), 0.0))
        self._centre = [found.derivatives for found in centre]

    def within(self, radius: float) -> float:
        """Return the bound for the ball of a radius.

        Raises
        ------
        UndecidedHessianError
            If there is none; it names the operation and its place in the network.
        """
        place = ShrunkRegion.of(self._problem, Ball(self._weights, radius))
        shares = self._walk.shares(self._walk.over(place, self._centre, place.radius), 3)
        if not np.isfinite(shares.value):
            if shares.largest is not None:
                raise undecided(shares.largest)
            raise UndecidedHessianError(
                "no finite bound of the third derivative", where="ball", radius=radius, remedy="use a smaller radius"
            )
        return shares.value
