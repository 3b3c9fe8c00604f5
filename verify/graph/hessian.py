"""A proved bound of the curvature of any network's error over a region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.movement import Derivatives, Movement
from verify.arithmetic.spectral import norm_upper
from verify.bounds.hessian import Method, hessian_bound
from verify.bounds.hessian_result import HessianBound, UndecidedHessianError
from verify.bounds.regions import Region
from verify.budget import OverBudgetError, remaining, time_limit
from verify.graph.curvature import AdjointWalk, Shares
from verify.graph.graph import Graph
from verify.graph.linearisation import linearise, operations, union
from verify.graph.movements import ShrunkRegion, undecided
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError

SHELLS = 3
"""Parts of the radius; over each the curvature grows by at most the third derivative's bound there."""
_FARTHER = 1 + 2.0**-40
"""More than rounding can take from the difference of two radii, each rounded up by some units in the last place."""
MOST_OPERATIONS, MOST_WEIGHTS = 400_000, 2048
"""Evaluations of operations, some 40 microseconds each, and weights up to which the centre is linearised."""


@hessian_bound.register
@certified_environment()
def graph_hessian_bound(
    problem: GraphProblem,
    region: Region | None = None,
    method: Method = "auto",
    cells: int = 50,
    level: float | None = None,
) -> HessianBound:
    """Bound ||Hess E(w)|| for every w of a region, weight decay included: `verify.hessian_bound` of these problems.

    The norms of all results' derivatives are followed through the network and back (`verify.graph.curvature`), from the
    centre, where they and the Hessian are exact if the network is small enough, over shells of growing radius:

        ||Hess E|| at distance t <= min(sum of the nodes' terms at t, ||Hess E|| at distance s + (t - s) sup |E'''|).

    Parameters
    ----------
    problem : GraphProblem
    region : Region, optional
        Default: the problem's own region.
    method : {"auto", "norms", "majorant"}
        ``"norms"`` takes nothing from the centre: a tenth of the cost, and coarse.
    cells : int
        Not used.
    level : float, optional
        Not used: the bound holds on all of the region.

    Returns
    -------
    HessianBound
        Its contributions are by parameter; one node counts for every parameter that it depends on.

    Raises
    ------
    InputError
        If there is no region.
    UndecidedHessianError
        If no finite bound was found; it names the operation and its place in the network.

    Examples
    --------
    >>> import verify
    >>> builder = verify.GraphBuilder()
    >>> graph = builder.build(builder.parameter("w", (2,)).square().sum())
    >>> bound = graph_hessian_bound(GraphProblem(graph, {}, [1.0, 1.0]), verify.Ball([1.0, 1.0], 1.0))
    >>> 2.0 <= bound.value < 2.0 + 1e-9
    True
    """
    where = region if region is not None else problem.region
    if where is None:
        raise InputError("no region to bound the Hessian on", remedy="give a Ball or BoundedWeights", region=None)
    if method not in ("auto", "norms", "majorant"):
        raise InputError("unknown method", method=method, remedy="use 'auto', 'norms' or 'majorant'")
    walk = AdjointWalk(problem)
    centre = _Centre(None, None) if method == "norms" else _centre(walk, ShrunkRegion.of(problem, where, 0.0))
    found = _follow(walk, where, centre)
    if not np.isfinite(found.value):
        node = found.last.largest
        if node is not None:
            raise undecided(node)
        raise UndecidedHessianError(
            "no finite bound of the Hessian", where="region", remedy="use a smaller region", bound=found.value
        )
    labels = [block.label for block in problem.blocks]
    return HessianBound(
        value=found.value,
        method="norms" if centre.hessian is None else "majorant",
        region=where,
        contributions=dict(zip(labels, map(float, found.last.by_parameter), strict=True)),
        weight_decay=max(problem.weight_decay.values(), default=0.0),
        terms=found.terms,
        whole=found.value,
    )


@dataclass(frozen=True)
class _Centre:
    """What is exact at the centre: ||Hess E||, and the first derivative of every node; None if too large."""

    hessian: float | None
    known: list[Derivatives] | None


def _centre(walk: AdjointWalk, place: ShrunkRegion) -> _Centre:
    problem = walk.problem
    graph = Graph(walk.graph.nodes, tuple(range(len(walk.graph.nodes))))
    if operations(problem, graph) > MOST_OPERATIONS or problem.size > MOST_WEIGHTS:
        return _Centre(None, None)
    try:
        with time_limit(remaining() / 2, "the derivatives at the centre"):
            adjoints = [adjoint for _, adjoint in walk.gradient() if adjoint >= 0]
            found = linearise(problem, graph, place.centre, adjoints)
            parts = [found.jacobians[adjoint] for adjoint in adjoints]
            hessian = float(norm_upper(union(parts))) if parts else 0.0
            return _Centre(hessian if np.isfinite(hessian) else None, [(sizes,) for sizes in found.sizes])
    except (OverBudgetError, InputError):
        return _Centre(None, None)


@dataclass(frozen=True)
class _Found:
    value: float
    last: Shares
    terms: dict[str, float]


def _follow(walk: AdjointWalk, region: Region, centre: _Centre) -> _Found:
    """Follow the curvature from the centre to the whole region."""
    problem = walk.problem
    start = ShrunkRegion.of(problem, region, 0.0)
    movements = walk.over(start, centre.known)
    value = walk.shares(movements, 2).value
    terms = {"norms at the centre": value}
    if centre.hessian is not None:
        value = terms["center"] = min(value, centre.hessian)
    before, integral = 0.0, 0.0
    for number in range(1, SHELLS + 1):
        place = ShrunkRegion.of(problem, region, number / SHELLS)
        distance = float(upward.mul(place.radius - before, _FARTHER))
        movements, before = _next(walk, place, movements, distance), place.radius
        second, third = (walk.shares(movements, order) for order in (2, 3))
        growth = float(upward.mul(distance, third.value))
        integral = float(upward.add(integral, growth))
        value = min(second.value, float(upward.add(value, growth)))
    terms |= {"integral": integral, "direct": second.value}
    return _Found(value, second, {name: term for name, term in terms.items() if np.isfinite(term)})


def _next(walk: AdjointWalk, place: ShrunkRegion, movements: list[Movement], distance: float) -> list[Movement]:
    return walk.over(place, [movement.derivatives for movement in movements], distance)
