"""A proved bound L of the curvature of the error over a region of weight space."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch
from typing import Literal

import numpy as np

from verify.activations import Smoothness
from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.bounds.hessian_blocks import shares
from verify.bounds.hessian_geometry import Geometry, geometry, trainable
from verify.bounds.hessian_norms import NormBound, affordable_cells, norm_products
from verify.bounds.hessian_result import HessianBound, UndecidedHessianError
from verify.bounds.majorant.bound import MajorantPath, follow, whole_region
from verify.bounds.majorant.center import center_facts
from verify.bounds.majorant.structure import structure
from verify.bounds.regions import Region
from verify.budget import OverBudgetError, remaining, time_limit
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.outcomes import InputError
from verify.sharing import shared

Method = Literal["auto", "norms", "majorant"]

MOST_UNITS, LARGEST_JACOBIANS = 600, 2**27
MOST_UNITS_SHARED, LARGEST_JACOBIANS_SHARED = 1024, 2**30
MOST_VERTICES = 20
_WORTH_CUTTING = 4.0
_FAR_GROWTH = 100.0


@certified_environment()
@singledispatch
def hessian_bound(
    problem: Objective,
    region: Region | None = None,
    method: Method = "auto",
    cells: int = 50,
    level: float | None = None,
) -> HessianBound:
    """Bound ||Hess E(w)|| for every w of a region, weight decay included, or for those of them with E(w) <= level.

    By theorem `second_derivative_descent` the error lies below a parabola of this curvature on every segment inside.
    Every kind of `Objective` has its own form.

    Parameters
    ----------
    problem : Problem or GraphProblem
    region : Region, optional
        Default: the problem's own region.
    method : {"auto", "norms", "majorant"}
        ``"norms"`` multiplies norms along the layers: about 20 gradients, coarse. ``"majorant"`` starts from proved
        norms at the centre and bounds their growth: some 1000 gradients, much sharper; it falls back to the norms
        where those are smaller. ``"auto"`` is ``"majorant"`` for networks and data of moderate size, unless the norms
        grow so much over the region that little of the centre is left.
    cells : int
        Most parts into which the norm products cut a ball; 1 for none, each costs about five gradients.
    level : float, optional
        Of the error, weight decay included: the bound is then claimed on the sublevel set only, where the residuals
        are small, which is enough with weight decay (theorem `weight_decay_sublevel`). The bound on the whole region is
        returned too, as ``whole``.

    Returns
    -------
    HessianBound

    Raises
    ------
    InputError
        If there is no region, an activation is not twice continuously differentiable, or the level is negative.
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
    raise NotImplementedError(f"no bound of the Hessian for {type(problem).__name__}")


@hessian_bound.register
def _classical_bound(
    problem: Problem,
    region: Region | None = None,
    method: Method = "auto",
    cells: int = 50,
    level: float | None = None,
) -> HessianBound:
    where = region if region is not None else problem.region
    if where is None:
        raise InputError("no region to bound the Hessian on", remedy="give a Ball or BoundedWeights", region=None)
    check_smooth(problem)
    if method not in ("auto", "norms", "majorant"):
        raise InputError("unknown method", method=method, remedy="use 'auto', 'norms' or 'majorant'")
    level = None if level is None else exact_float(level, "level")
    if level is not None and not 0 <= level < np.inf:
        raise InputError("a level of the error must be a number >= 0", level=level, remedy="give a finite one, or None")
    bound = _bound(problem, where, method, cells, _largest_residual(problem, level))
    if not np.isfinite(bound.value):
        raise UndecidedHessianError(
            "no finite bound of the Hessian", where="region", remedy="use a smaller region", value=bound.value
        )
    return bound


def _largest_residual(problem: Problem, level: float | None) -> float:
    """Bound the norm of h_out - y over all samples where s/2 |h_out - y|^2 <= E <= level; infinity without a level."""
    if level is None:
        return float("inf")
    return float(upward.sqrt(upward.mul(2.0, float(level), float(problem.sample_divisor))))


def _bound(problem: Problem, region: Region, method: Method, cells: int, residual: float) -> HessianBound:
    place = geometry(problem, region)
    blocks = trainable(problem.architecture)
    used, trajectory = "norms", None
    norms = norm_products(problem, place, 1, residual)
    terms = {}
    if method == "majorant" or (method == "auto" and is_affordable(problem) and is_near(problem, place, norms.value)):
        trajectory = majorant_trajectory(problem, place, residual)
    if trajectory is not None:
        terms = {"center": trajectory.center, "integral": trajectory.integral, "direct": trajectory.direct}
    cells = affordable_cells(problem, cells)
    if cells > 1 and (trajectory is None or _cutting_may_help(problem, place, norms, trajectory, residual)):
        norms = norm_products(problem, place, cells, residual)
    terms["norms"] = norms.value
    value, within, matrix = norms.value, norms.within, norms.matrix
    if trajectory is not None:
        within = min(within, trajectory.within, trajectory.value)
        if trajectory.value < value:
            used, value = "majorant", trajectory.value
            inside = [problem.architecture.order.index(name) for name in blocks]
            matrix = trajectory.matrix[np.ix_(inside, inside)]
    within = min(within, value)
    if np.isfinite(residual):
        terms["sublevel"] = within
    return HessianBound(
        value=float(upward.add(within, problem.weight_decay)),
        method=used,
        region=region,
        contributions=shares(matrix, blocks, value),
        weight_decay=problem.weight_decay,
        terms=terms,
        trajectory=trajectory,
        whole=float(upward.add(value, problem.weight_decay)),
    )


def _cutting_may_help(
    problem: Problem, region: Geometry, norms: NormBound, trajectory: MajorantPath, residual: float
) -> bool:
    """Whether norm products over parts of a ball might be smaller than the majorants: those at its centre are."""
    if norms.value >= _WORTH_CUTTING * trajectory.value:
        return False
    least = norm_products(problem, _without_radii(region), 1, residual)
    return least.value < trajectory.value or least.within < min(trajectory.within, trajectory.value)


def _without_radii(region: Geometry) -> Geometry:
    return Geometry(region.center, dict.fromkeys(region.radii, 0.0), None)


def majorant_trajectory(problem: Problem, region: Geometry, residual: float = float("inf")) -> MajorantPath | None:
    """Follow the majorants over a region; None where they overflow, g''' jumps, or half of the time left is spent.

    Only the norms are left then.
    """
    if not all(smoothness is Smoothness.ANALYTIC for _, _, smoothness in activations(problem)):
        return None
    try:
        with time_limit(remaining() / 2, "the majorant bound"):
            key = ("facts at the centre", region.center.tobytes())
            facts = shared(problem, key, lambda: center_facts(problem, region.center))
            return follow(problem, facts, whole_region(region, facts), residual)
    except (UndecidedHessianError, ArithmeticDomainError, OverBudgetError):
        return None


def is_affordable(problem: Problem) -> bool:
    """Whether the Jacobians of all samples are few enough for the majorant method.

    Where units share parameters the norm products lose much more, so more Jacobians are worth it.
    """
    units = sum(problem.architecture.vertices[name].width for name in problem.architecture.order)
    most, largest = MOST_UNITS, LARGEST_JACOBIANS
    if structure(problem.architecture).shared:
        most, largest = MOST_UNITS_SHARED, LARGEST_JACOBIANS_SHARED
    few = units <= most and len(problem.architecture.order) <= MOST_VERTICES
    return few and problem.samples * units * units <= largest


def is_near(problem: Problem, region: Geometry, value: float) -> bool:
    """Whether the region is small enough for what is exact at its centre to matter: the norms have not grown much."""
    key = ("norms at the centre", region.center.tobytes())
    at_center = shared(problem, key, lambda: norm_products(problem, _without_radii(region), 1).value)
    return value <= _FAR_GROWTH * at_center


@singledispatch
def check_smooth(problem: Objective) -> None:
    """Refuse activations without a continuous second derivative, where that does not depend on the region.

    Raises
    ------
    InputError
        Names the vertex and the activation.
    """


@check_smooth.register
def _check_activations(problem: Problem) -> None:
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
