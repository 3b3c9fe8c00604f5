"""The algorithm's next step in exact reals, enclosed from an enclosure of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from verify.arithmetic.intervals import Interval
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.architecture import Architecture

Norm = Literal["global", "vertex"]


def exact_momentum(
    gradient: Interval, step: Interval, moved: np.ndarray, norm: Norm, architecture: Architecture | None
) -> Interval:
    """Enclose |g| D/|D| over all weights or vertex by vertex; a block that did not move gets no momentum.

    Parameters
    ----------
    gradient, step : Interval, shape (P,)
        Enclosures of g and D.
    moved : array of bool, shape (P,)
        Where D is not 0.
    norm : {"global", "vertex"}
    architecture : Architecture or None
        Needed for norms per vertex.
    """
    if norm == "vertex" and architecture is None:
        raise InputError(
            "norms per vertex need the architecture", norm=norm, remedy='give the problem, or use norm="global"'
        )
    blocks = [slice(None)] if architecture is None or norm == "global" else list(architecture.blocks.values())
    lower, upper = np.zeros(moved.shape), np.zeros(moved.shape)
    for block in blocks:
        if moved[block].any():
            push = step[block] * (gradient[block].norm() / step[block].norm())
            lower[block], upper[block] = push.lower, push.upper
    return Interval.from_bounds(lower, upper)


def exact_step(
    gradient: Interval,
    previous: Interval,
    eta: float,
    momentum: float,
    norm: Norm | None,
    architecture: Architecture | None,
    restart: bool = False,
) -> Interval:
    """Enclose the algorithm's next step in exact reals.

    Parameters
    ----------
    gradient : Interval, shape (P,)
        Enclosure of g = grad E(w).
    previous : Interval, shape (P,)
        Enclosure of D, the step before.
    eta, momentum : float
        Learning rate, and tau, or mu for the heavy ball.
    norm : {"global", "vertex"} or None
        Of adaptive momentum, -eta g + tau |g| D/|D|; None for the heavy ball's -eta g + mu D.
    architecture : Architecture or None
        Needed for norms per vertex.
    restart : bool
        Whether adaptive momentum is dropped where g.D > 0; where that sign is open, both steps are enclosed.

    Returns
    -------
    Interval, shape (P,)
    """
    step = -gradient * eta
    moved = (previous.lower != 0) | (previous.upper != 0)
    if momentum == 0 or not moved.any():
        return step
    if norm is None:
        return step + previous * momentum
    moving = step + exact_momentum(gradient, previous, moved, norm, architecture) * momentum
    slope = gradient.dot(previous)
    if not restart or float(slope.upper) <= 0:
        return moving
    if float(slope.lower) > 0:
        return step
    return Interval.from_bounds(np.minimum(step.lower, moving.lower), np.maximum(step.upper, moving.upper))
