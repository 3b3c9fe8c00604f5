"""A3: the error has finitely many stationary points in the region."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.activations import Smoothness
from verify.arithmetic import arb, decompositions, upward
from verify.arithmetic.decimals import at_least, at_most
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.assumptions.free_directions import FreeDirection, free_directions
from verify.assumptions.operation_regularity import is_analytic, words
from verify.bounds.hessian import hessian_bound, is_affordable
from verify.bounds.local_curvature import local_curvature
from verify.bounds.regions import Ball, BlockBall
from verify.budget import check_time, remaining, time_limit
from verify.calculus.exact import error_in_arb
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem, classical
from verify.graph.evaluation import ARB, evaluate
from verify.graph.local_curvature import is_smooth_near
from verify.graph.problem import GraphProblem
from verify.outcomes import Finding, InputError, Verdict

if TYPE_CHECKING:
    from verify.bounds.regions import Region

NEEDED_FOR = "convergence of the weights without analytic activations"
_SHOWN = 5
_BITS = 1024
_MOST_WEIGHTS = 500


@certified_environment()
def finitely_many_stationary_points(
    problem: Objective, region: Region | None = None, curvature: float | None = None
) -> Finding:
    """Decide A3 where that is cheap.

    Parameters
    ----------
    problem : Problem or GraphProblem
    region : Region, optional
        Default: the problem's own. Weights that it holds fixed are not free.
    curvature : float, optional
        Proved upper bound of ||Hess E|| on the region, infinite if none was found; computed if it is not given.

    Returns
    -------
    Finding
        ``"A3"``, not counted for monotone decrease. PROVED where no point of the region is stationary, since
        |grad E(w0)| exceeds what the curvature can take from it, or where a ball holds at most one, since Hess E is
        positive definite on it (theorem `local_minimum`); REFUTED where w0 is stationary, by E(w0) = 0 or, of a graph,
        by a gradient that is exactly 0, and E is constant along a direction, so that w0 is one of a line of stationary
        points; else UNDECIDED.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[1.0]], [[1.0]], initial_weights=[0.0])
    >>> [finitely_many_stationary_points(problem, verify.Ball([0.0], radius)).verdict.value for radius in (0.5, 2.0)]
    ['PROVED', 'PROVED']
    """
    where = region or problem.region
    steep = None if where is None else _nowhere_stationary(problem, where, curvature)
    if steep is not None:
        statement = (
            f"E has no stationary point in the region: |grad E(w0)| >= {at_most(steep['gradient'])}, of which the "
            f"curvature takes at most {at_least(steep['taken'])}"
        )
        return Finding("A3", Verdict.PROVED, statement, None, (), dict(steep), needed_for=NEEDED_FOR, counted=False)
    vertex = not_analytic(problem)
    needed_for = (
        f"{NEEDED_FOR}; not needed here because every activation is analytic"
        if vertex is None
        else ("convergence of the weights, since not every activation is analytic; not needed for monotone decrease")
    )
    free = _free(problem, where)
    if not free and (least := _least_curvature(problem, where)) is not None and least > 0:
        statement = f"E has at most one stationary point in the region: Hess E >= {at_most(least)} there"
        return Finding(
            "A3",
            Verdict.PROVED,
            statement,
            "local_minimum",
            numbers={"least_curvature": least},
            needed_for=needed_for,
            counted=False,
        )
    if not free:
        return Finding(
            id="A3",
            verdict=Verdict.UNDECIDED,
            statement="E has finitely many stationary points in the region; no reason against it was found",
            needed_for=needed_for,
            counted=False,
            remedy=None if vertex is None else f"make {vertex} analytic",
        )
    first = free[0]
    direction = {str(index): value for index, value in first.direction.items()}
    numbers: dict[str, Any] = {
        "free_directions": len(free),
        "columns": sorted({column for each in free for column in each.columns})[: _SHOWN * _SHOWN],
        "vertices": sorted({each.vertex for each in free}),
        "direction": direction,
    }
    refuted = _moves(problem, where, first) and _is_stationary(problem)
    kind, replay = ("a minimum", "E") if isinstance(problem, Problem) else ("stationary", "grad E")
    one = "isolated" if kind == "stationary" else "an isolated one"
    what = f"w0 is {kind}, but not {one}" if refuted else "a stationary point in the region is not isolated"
    return Finding(
        id="A3",
        verdict=Verdict.REFUTED if refuted else Verdict.UNDECIDED,
        statement=f"{what}: {_shown(free)}, which leaves weights of {first.vertex} free"
        + ("" if refuted else "; whether the region holds one is not known"),
        numbers=numbers,
        needed_for=needed_for,
        counted=False,
        counterexample={
            "vertex": first.vertex,
            "columns": list(first.columns),
            "direction": direction,
            "replay": f"{replay}(w0 + t direction) = {replay}(w0) = 0 for every t",
        }
        if refuted
        else None,
        remedy=f"drop these columns of {first.source}, or add weight decay",
    )


def _nowhere_stationary(problem: Objective, region: Region, curvature: float | None) -> dict[str, float] | None:
    """Return the numbers that prove |grad E| > 0 on the region: |grad E(w)| >= |grad E(w0)| - L |w - w0|.

    Both gradients are those of the weights that the region lets move, so that L need not bound more.
    """
    if curvature == float("inf"):
        return None
    w = problem.initial_weights
    moving = np.zeros(w.shape, dtype=bool)
    for block, _, radius in region.balls(w.size):
        moving[block] = radius > 0
    gradient = float(problem.gradient_enclosure(w)[moving].norm().lower)
    if not 0 < gradient < float("inf"):
        return None
    if curvature is None:
        try:
            curvature = hessian_bound(problem, region).value
        except InputError:
            return None
    farthest = region.farthest(w)
    taken = float(upward.mul(curvature, farthest))
    return {"L": curvature, "gradient": gradient, "farthest": farthest, "taken": taken} if gradient > taken else None


def _least_curvature(problem: Objective, region: Region | None) -> float | None:
    """Return a lower bound of the eigenvalues of Hess E on a ball; None where it would cost much, or has none.

    On a segment between two stationary points the slope of E would have to return to 0, which m > 0 forbids.
    """
    if not isinstance(region, Ball) or problem.size > _MOST_WEIGHTS:
        return None
    if isinstance(problem, Problem) and not is_affordable(problem):
        return None
    center = np.asarray(region.center)
    try:
        with time_limit(remaining() / 4, "the least curvature"):
            if isinstance(problem, GraphProblem) and not _looks_convex(problem, center):
                return None
            return local_curvature(problem, center).over(float(region.radius))[0]
    except (InputError, ArithmeticDomainError):
        return None


def _looks_convex(problem: GraphProblem, w: np.ndarray) -> bool:
    """Whether no negative curvature shows in float64, of which every column costs less than its enclosure."""
    columns = []
    for unit in np.eye(problem.size):
        check_time()
        columns.append(problem.hessian_vector(w, unit))
    matrix = np.array(columns)
    return bool(np.all(np.isfinite(matrix)) and decompositions.eigvalsh((matrix + matrix.T) / 2)[0] > 0)


def _moves(problem: Objective, region: Region | None, free: FreeDirection) -> bool:
    """Whether w0 can move along the direction without leaving the region at once."""
    if region is None:
        return True
    direction = np.zeros(problem.size)
    direction[list(free.direction)] = list(free.direction.values())
    return region.contains(problem.initial_weights) is Verdict.PROVED and (
        region.largest_scale(problem.initial_weights, direction) > 0
    )


def _is_stationary(problem: Objective) -> bool:
    """Whether w0 is proved to be stationary: E(w0) = 0, where E is never negative, or the gradient is exactly 0."""
    w = problem.initial_weights
    if isinstance(problem, GraphProblem):
        return not np.any(problem.gradient(w)) and is_smooth_near(problem, w) and _gradient_is_zero(problem, w)
    if problem.error(w) != 0.0:
        return False
    with arb.precision(_BITS):
        return bool(error_in_arb(classical(problem, "an error of zero"), w) == 0)


def _gradient_is_zero(problem: GraphProblem, w: np.ndarray) -> bool:
    with arb.precision(_BITS):
        parts = evaluate(problem.gradient_graph, problem.values(w), ARB)[1:]
        return all(entry == 0 for part in parts for entry in part.reshape(-1))


@singledispatch
def not_analytic(problem: Objective) -> str | None:
    """Return what is not analytic, such as a vertex's activation, in words; None if there is nothing."""
    raise NotImplementedError(f"no answer for {type(problem).__name__}")


@not_analytic.register
def _operation_not_analytic(problem: GraphProblem) -> str | None:
    nodes = (node for node in problem.graph.nodes if not is_analytic(node))
    return next((words(node) for node in nodes), None)


@not_analytic.register
def _activation_not_analytic(problem: Problem) -> str | None:
    vertices = problem.architecture.vertices
    for name in problem.architecture.order:
        activation = vertices[name].activation
        if activation is not None and activation.smoothness is not Smoothness.ANALYTIC:
            return f"the activation of vertex {name}"
    return None


def _free(problem: Objective, region: Region | None) -> list[FreeDirection]:
    fixed = {name for name, radius in region.radii.items() if radius == 0} if isinstance(region, BlockBall) else set()
    return [each for each in free_directions(problem) if each.vertex not in fixed]


def _shown(free: list[FreeDirection]) -> str:
    reason = free[0].reason
    same = [each for each in free if each.vertex == free[0].vertex and each.reason == reason]
    columns = [" = ".join(map(str, each.columns)) for each in same[:_SHOWN]]
    more = f" and {len(same) - _SHOWN} more" if len(same) > _SHOWN else ""
    return f"column {', '.join(columns)}{more} of {free[0].source} {reason}"
