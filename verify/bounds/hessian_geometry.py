"""A region of weight space as the bounds see it: a centre and radii of the vertices' parameter blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward
from verify.bounds.regions import Ball, BlockBall, BoundedWeights, Region
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.architecture import Architecture, Vertex
    from verify.calculus.problem import Problem


@dataclass(frozen=True)
class Geometry:
    """Displacements from the centre: block v moves by at most ``radii[v]``, all blocks together by `joint`.

    Parameters
    ----------
    center : array, shape (P,)
    radii : dict of str to float
        Radius of each non-input vertex's block, also of those without parameters.
    joint : float or None
        Radius of the whole displacement; None when the region is a product of blocks.
    """

    center: np.ndarray
    radii: dict[str, float]
    joint: float | None


def geometry(problem: Problem, region: Region) -> Geometry:
    """Read a region.

    Raises
    ------
    InputError
        If the kind of region is unknown, or it does not fit the problem.
    """
    architecture = problem.architecture
    if isinstance(region, BoundedWeights):
        radius = float(region.radius)
        return Geometry(np.zeros(architecture.size), dict.fromkeys(architecture.order, radius), radius)
    if isinstance(region, Ball):
        radius = float(region.radius)
        center = problem.check_weights(region.center)
        return Geometry(center, dict.fromkeys(architecture.order, radius), radius)
    if isinstance(region, BlockBall):
        center = problem.check_weights(region.center)
        radii = {name: float(region.radii.get(name, 0.0)) for name in architecture.order}
        return Geometry(center, radii, None)
    raise InputError(
        "no Hessian bound for this kind of region",
        remedy="use Ball, BoundedWeights or BlockBall",
        region=type(region).__name__,
    )


def trainable(architecture: Architecture) -> list[str]:
    """Vertices with at least one parameter, in topological order."""
    return [name for name in architecture.order if name in architecture.blocks]


def bias_norm(vertex: Vertex) -> float:
    """Upper bound of |spread bias| / |bias|: 1 for one bias a unit, sqrt(positions) for one a channel."""
    if vertex.bias is None:
        return 0.0
    if vertex.bias == "channel" and vertex.shape is not None:
        _, height, width = vertex.shape
        return float(upward.sqrt(np.float64(height * width)))
    return 1.0
