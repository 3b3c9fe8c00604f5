"""The Hessian bound L over a region, between what is proved from above and what an attack reached from below."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import check_smooth, hessian_bound
from verify.bounds.hessian_norms import check_pairs
from verify.bounds.hessian_result import UndecidedHessianError
from verify.budget import OverBudgetError, remaining, time_limit
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.outcomes import InputError

ATTACK_SECONDS = 10.0
"""Of processor time for the search behind a lower bound, which serves only to show how sharp the upper one is."""


@dataclass(frozen=True)
class Curvature:
    """What is known about sup ||Hess E(w)|| over a region.

    Parameters
    ----------
    value : float or None
        Proved upper bound L; None if there is none.
    attack : float or None
        Proved lower bound: a curvature that occurs in the region; None without an attack.
    region : str
        The region in words.
    method : str or None
        How the bound was found.
    contributions : dict of str to float
        Share of every vertex with parameters.
    reason : str or None
        Why there is no bound.
    remedy : str or None
        What to change to get one.
    leading : array, shape (P,), or None
        Direction of the curvature that the attack reached.
    sublevel : float or None
        Proved upper bound on the part of the region where E(w) <= `level`; at most `value`.
    level : float or None
        Above E at the initial weights.
    terms : dict of str to float
        What the bound was assembled from, see `HessianBound`.
    """

    value: float | None
    attack: float | None
    region: str
    method: str | None = None
    contributions: dict[str, float] = field(default_factory=dict)
    reason: str | None = None
    remedy: str | None = None
    leading: np.ndarray | None = field(default=None, repr=False, compare=False)
    sublevel: float | None = None
    level: float | None = None
    terms: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "value": self.value,
            "attack": self.attack,
            "region": self.region,
            "method": self.method,
            "contributions": self.contributions,
            "terms": self.terms,
            "reason": self.reason,
            "remedy": self.remedy,
            "sublevel": self.sublevel,
            "level": self.level,
        }


@certified_environment()
def examine_curvature(problem: Objective, *, attack: bool = True, seed: int = 0) -> Curvature:
    """Bound the Hessian over the problem's region and attack the bound; what exceeds a time limit has no answer.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    attack : bool
        Whether to search for large curvature.
    seed : int
        Of the search.

    Raises
    ------
    InputError
        If the problem has no region, or the region does not hold the initial weights.
    """
    region = problem.region
    if region is None:
        raise InputError(
            "no region to bound the Hessian on",
            where=problem.name,
            key="region",
            remedy='add [region] with kind = "ball" and radius = 0.1',
        )
    region.check_start(problem.initial_weights)
    words = str(region)
    try:
        check_smooth(problem)
    except InputError as error:
        return Curvature(None, None, words, reason=f"{error.where}: {error.what}", remedy=error.remedy)
    try:
        with time_limit(remaining() * (0.75 if attack else 1.0), "the bound of the Hessian"):
            if isinstance(problem, Problem):  # before a pass through a million vertices, which would only be waited for
                check_pairs(problem.architecture)
            bound = hessian_bound(problem, region, level=(level := starting_level(problem)))
    except OverBudgetError as error:
        return Curvature(None, None, words, reason=error.reason, remedy=error.remedy)
    except UndecidedHessianError as error:
        reason = f"{error.where}: {error.what}" if error.where else error.what
        below, leading = _reached(problem, attack, seed)
        return Curvature(None, below, words, reason=reason, remedy=error.remedy, leading=leading)
    below, leading = _reached(problem, attack, seed)
    return Curvature(
        bound.whole,
        below,
        words,
        bound.method,
        bound.contributions,
        leading=leading,
        sublevel=None if level is None else bound.value,
        level=level,
        terms=dict(bound.terms),
    )


def _reached(problem: Objective, attack: bool, seed: int) -> tuple[float | None, np.ndarray | None]:
    """Return a curvature that occurs in the region and its direction; None if none was found, or none looked for."""
    if attack:
        with suppress(OverBudgetError), time_limit(None, "the attack on the Hessian bound"):
            found = attack_hessian(problem, points=1, ascents=2, seed=seed, seconds=ATTACK_SECONDS)
            return found.value, found.direction
    return None, None


def starting_level(problem: Objective) -> float | None:
    """Return a number above E at the initial weights, for the sublevel set that steps cannot leave; None if infinite.

    It is above, not equal, so that an error that does not rise along a segment cannot reach the level.
    """
    level = float(np.nextafter(problem.error_enclosure(problem.initial_weights)[1], np.inf))
    return level if np.isfinite(level) else None
