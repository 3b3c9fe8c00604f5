"""A proved bound L of the curvature of the error over a region of weight space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import numpy as np

from verify.activations import Smoothness
from verify.arithmetic import upward
from verify.arithmetic.environment import check_environment
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.bounds.hessian_blocks import shares
from verify.bounds.hessian_geometry import Geometry, geometry, trainable
from verify.bounds.hessian_norms import norm_products
from verify.bounds.hessian_result import HessianBound, UndecidedHessianError
from verify.bounds.majorant.bound import Trajectory, follow, whole_region
from verify.bounds.majorant.center import center_facts
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.problem import Problem

Method = Literal["auto", "norms", "majorant"]

LARGEST_JACOBIANS = 2**27
MOST_UNITS = 600
MOST_VERTICES = 20
_WORTH_CUTTING = 4.0
_FAR_GROWTH = 100.0


def hessian_bound(
    problem: Problem, region: Region | None = None, method: Method = "auto", cells: int = 50
) -> HessianBound:
    """Bound ||Hess E(w)|| for every w of a region, weight decay included.

    Parameters
    ----------
    problem : Problem
    region : Region, optional
        Default: the problem's own region.
    method : {"auto", "norms", "majorant"}
        ``"norms"`` multiplies norms along the layers: about 20 gradients, coarse. ``"majorant"`` starts from proved
        norms at the centre and bounds their growth: some 1000 gradients, much sharper; it falls back to the norms
        where those are smaller. ``"auto"`` is ``"majorant"`` for networks and data of moderate size, unless the norms
        grow so much over the region that little of the centre is left.
    cells : int
        Most parts into which the norm products cut a ball; 1 for none, each costs about five gradients.

    Returns
    -------
    HessianBound

    Raises
    ------
    InputError
        If there is no region, or an activation is not twice continuously differentiable.
    UndecidedHessianError
        If no finite bound was found.

    Examples
    --------
    The error 1/2 (2 w - 1)^2 has the second derivative 4 everywhere.

    >>> import numpy as np, verify
    >>> architecture = verify.Architecture.from_data(
    ...     {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}},
    ...     output="y",
    ... )
    >>> problem = verify.Problem(architecture, np.array([[2.0]]), np.array([[1.0]]))
    >>> bound = hessian_bound(problem, verify.Ball([0.0], 1.0))
    >>> 4.0 <= bound.value < 4.0 + 1e-9
    True
    """
    where = region if region is not None else problem.region
    if where is None:
        raise InputError("no region to bound the Hessian on", remedy="give a Ball or BoundedWeights")
    check_smooth(problem)
    if method not in ("auto", "norms", "majorant"):
        raise InputError("unknown method", method=method, remedy="use 'auto', 'norms' or 'majorant'")
    check_environment()
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        bound = _bound(problem, where, method, cells)
    check_environment()
    if not np.isfinite(bound.value):
        raise UndecidedHessianError(
            "no finite bound of the Hessian", where="region", remedy="use a smaller region", value=bound.value
        )
    return bound


def _bound(problem: Problem, region: Region, method: Method, cells: int) -> HessianBound:
    place = geometry(problem, region)
    blocks = trainable(problem.architecture)
    used, trajectory = "norms", None
    value, matrix = norm_products(problem, place, 1)
    terms = {}
    if method == "majorant" or (method == "auto" and is_affordable(problem) and is_near(problem, place, value)):
        trajectory = majorant_trajectory(problem, place)
    if trajectory is not None:
        terms = {"center": trajectory.center, "integral": trajectory.integral, "direct": trajectory.direct}
    if trajectory is None or value < _WORTH_CUTTING * trajectory.value:
        value, matrix = norm_products(problem, place, cells)
    terms["norms"] = value
    if trajectory is not None and trajectory.value < value:
        used, value = "majorant", trajectory.value
        inside = [problem.architecture.order.index(name) for name in blocks]
        matrix = trajectory.matrix[np.ix_(inside, inside)]
    return HessianBound(
        value=float(upward.add(value, problem.weight_decay)),
        method=used,
        region=region,
        contributions=shares(matrix, blocks, value),
        weight_decay=problem.weight_decay,
        terms=terms,
        trajectory=trajectory,
    )


def majorant_trajectory(problem: Problem, region: Geometry) -> Trajectory | None:
    """Follow the majorants over a region; None where they overflow or g''' jumps, so that only the norms are left."""
    if not all(smoothness is Smoothness.ANALYTIC for _, _, smoothness in activations(problem)):
        return None
    try:
        facts = center_facts(problem, region.center)
        return follow(problem, facts, whole_region(region, facts))
    except (UndecidedHessianError, ArithmeticDomainError):
        return None


def is_affordable(problem: Problem) -> bool:
    """Whether the Jacobians of all samples are few enough for the majorant method."""
    units = sum(problem.architecture.vertices[name].width for name in problem.architecture.order)
    few = units <= MOST_UNITS and len(problem.architecture.order) <= MOST_VERTICES
    return few and problem.samples * units * units <= LARGEST_JACOBIANS


def is_near(problem: Problem, region: Geometry, value: float) -> bool:
    """Whether the region is small enough for what is exact at its centre to matter: the norms have not grown much."""
    nothing = Geometry(region.center, dict.fromkeys(region.radii, 0.0), None)
    return value <= _FAR_GROWTH * norm_products(problem, nothing, 1)[0]


def check_smooth(problem: Problem) -> None:
    """Refuse activations without a continuous second derivative.

    Raises
    ------
    InputError
        Names the vertex and the activation.
    """
    for name, shown, smoothness in activations(problem):
        if smoothness not in (Smoothness.ANALYTIC, Smoothness.C2):
            raise InputError(
                "the Hessian does not exist where g' jumps",
                where=f"vertex {name}",
                remedy="use a smooth activation such as softplus or gelu, or decide single steps by evaluation",
                activation=shown,
            )


def activations(problem: Problem) -> Iterator[tuple[str, str, Smoothness]]:
    """Yield vertex, name of its activation and smoothness."""
    for name in problem.architecture.order:
        activation = problem.architecture.vertices[name].activation
        if activation is not None:
            yield name, activation.name, activation.smoothness
