"""A3: the error has finitely many stationary points in the region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verify.activations import Smoothness
from verify.arithmetic.environment import certified_environment
from verify.assumptions.free_directions import FreeDirection, free_directions
from verify.bounds.regions import BlockBall
from verify.outcomes import Finding, Verdict

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.problem import Problem

_SHOWN = 5


@certified_environment()
def finitely_many_stationary_points(problem: Problem, region: Region | None = None) -> Finding:
    """Look for reasons why A3 fails.

    Parameters
    ----------
    problem : Problem
    region : Region, optional
        Default: the problem's own. Weights that it holds fixed are not free.

    Returns
    -------
    Finding
        ``"A3"``, not counted for monotone decrease. REFUTED if E is constant along a direction of the weights: any
        stationary point inside the region then lies on a line of them. Else UNDECIDED; never PROVED.
    """
    analytic = not_analytic(problem) is None
    needed_for = (
        "convergence of the weights without analytic activations; not needed here because every activation is analytic"
        if analytic
        else "convergence of the weights, since not every activation is analytic; not needed for monotone decrease"
    )
    free = _free(problem, region or problem.region)
    if not free:
        return Finding(
            id="A3",
            verdict=Verdict.UNDECIDED,
            statement="E has finitely many stationary points in the region; no reason against it was found",
            needed_for=needed_for,
            counted=False,
            remedy=None if analytic else f"make the activation of vertex {not_analytic(problem)} analytic",
        )
    first = free[0]
    numbers: dict[str, Any] = {
        "free_directions": len(free),
        "columns": sorted({column for each in free for column in each.columns})[: _SHOWN * _SHOWN],
        "vertices": sorted({each.vertex for each in free}),
    }
    return Finding(
        id="A3",
        verdict=Verdict.REFUTED,
        statement=f"no stationary point is isolated: {_shown(free)}, which leaves weights of {first.vertex} free",
        numbers=numbers,
        needed_for=needed_for,
        counted=False,
        counterexample={
            "vertex": first.vertex,
            "columns": list(first.columns),
            "direction": {str(index): value for index, value in first.direction.items()},
            "replay": "E(w + t direction) = E(w) for every w and t",
        },
        remedy="drop these columns of x, or add weight decay",
    )


def not_analytic(problem: Problem) -> str | None:
    """Return a vertex whose activation is not analytic, None if there is none."""
    vertices = problem.architecture.vertices
    for name in problem.architecture.order:
        activation = vertices[name].activation
        if activation is not None and activation.smoothness is not Smoothness.ANALYTIC:
            return name
    return None


def _free(problem: Problem, region: Region | None) -> list[FreeDirection]:
    if problem.weight_decay > 0:
        return []
    fixed = {name for name, radius in region.radii.items() if radius == 0} if isinstance(region, BlockBall) else set()
    return [each for each in free_directions(problem) if each.vertex not in fixed]


def _shown(free: list[FreeDirection]) -> str:
    reason = free[0].reason
    same = [each for each in free if each.vertex == free[0].vertex and each.reason == reason]
    columns = [" = ".join(map(str, each.columns)) for each in same[:_SHOWN]]
    more = f" and {len(same) - _SHOWN} more" if len(same) > _SHOWN else ""
    return f"column {', '.join(columns)}{more} of x {reason}"
