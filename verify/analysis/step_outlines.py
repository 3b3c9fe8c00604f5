"""Borders of the ranges that hold at a point for every previous step, to be drawn beside those of one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_SAMPLES = 200


@dataclass(frozen=True)
class Outline:
    """The border of a proved range from (0, 0) along the largest momentum back to tau = 0."""

    words: str
    eta: np.ndarray
    tau: np.ndarray


def a_priori_outlines(problem: Objective, w: np.ndarray, L: float | None, any_direction: float | None) -> list[Outline]:
    """Return the ranges that hold at w for every previous step.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w : array, shape (P,)
    L : float or None
        Hessian bound on the problem's region; it speaks of steps with (eta + tau)|g| up to the room around w.
    any_direction : float or None
        `AnyDirection.eta_max` at w.
    """
    outlines = []
    if any_direction:
        outlines.append(_sharp("any previous step (norms per vertex)", any_direction))
    room = problem.region.room(w) if problem.region is not None else 0.0
    if L and room > 0:
        reach = min(2.0 / L, room / float(problem.gradient_enclosure(w).norm().upper))
        outlines.append(_sharp("sharp, L on the region", reach))
        eta = np.linspace(0.0, reach, _SAMPLES)
        tau = (np.sqrt(1.0 + 4.0 * L * eta) - 1.0) / L - eta
        outlines.append(Outline("triangle, L on the region", eta, np.maximum(0.0, np.minimum(tau, reach - eta))))
    return outlines


def _sharp(words: str, reach: float) -> Outline:
    """Return the triangle tau <= min(eta, reach - eta)."""
    return Outline(words, np.array([0.0, 0.5 * reach, reach]), np.array([0.0, 0.5 * reach, 0.0]))
