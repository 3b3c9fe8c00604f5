"""A proved bound L of the curvature of the error over a region of weight space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from verify.activations import Smoothness
from verify.arithmetic import upward
from verify.arithmetic.environment import check_environment
from verify.bounds.hessian_blocks import largest_curvature, shares
from verify.bounds.hessian_geometry import geometry, trainable
from verify.bounds.hessian_norms import norm_products_matrix
from verify.bounds.hessian_result import HessianBound, UndecidedHessianError
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.problem import Problem

Method = Literal["auto", "norms", "majorant"]


def hessian_bound(problem: Problem, region: Region | None = None, method: Method = "auto") -> HessianBound:
    """Bound ||Hess E(w)|| for every w of a region, weight decay included.

    Parameters
    ----------
    problem : Problem
    region : Region, optional
        Default: the problem's own region.
    method : {"auto", "norms", "majorant"}
        ``"norms"`` multiplies norms along the layers (cheap, coarse).

    Returns
    -------
    HessianBound

    Raises
    ------
    InputError
        If there is no region, or an activation is not twice continuously differentiable.
    UndecidedHessianError
        If no finite bound was found.
    """
    where = region if region is not None else problem.region
    if where is None:
        raise InputError("no region to bound the Hessian on", remedy="give a Ball or BoundedWeights")
    check_smooth(problem)
    check_environment()
    with np.errstate(over="ignore", invalid="ignore"):
        matrix = norm_products_matrix(problem, geometry(problem, where))
        value = largest_curvature(matrix)
    check_environment()
    if not np.isfinite(value):
        raise UndecidedHessianError(
            "no finite bound of the Hessian", where="region", remedy="use a smaller region", value=value
        )
    blocks = trainable(problem.architecture)
    return HessianBound(
        value=float(upward.add(value, problem.weight_decay)),
        method="norms",
        region=where,
        contributions=shares(matrix, blocks, value),
        weight_decay=problem.weight_decay,
    )


def check_smooth(problem: Problem) -> None:
    """Refuse activations without a continuous second derivative.

    Raises
    ------
    InputError
        Names the vertex and the activation.
    """
    for name in problem.architecture.order:
        activation = problem.architecture.vertices[name].activation
        if activation is not None and activation.smoothness not in (Smoothness.ANALYTIC, Smoothness.C2):
            raise InputError(
                "the Hessian does not exist where g' jumps",
                where=f"vertex {name}",
                remedy="use a smooth activation such as softplus or gelu, or decide single steps by evaluation",
                activation=activation.name,
            )
