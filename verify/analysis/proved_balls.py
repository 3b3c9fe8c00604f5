"""Balls around the initial weights and what is proved of the error on each: the choice of a radius without a region."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from verify.arithmetic.lengths import length
from verify.bounds.curvature import starting_level
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.regions import Ball
from verify.outcomes import InputError, Verdict
from verify.theorems.horizon import error_lower_bound, horizon, largest_eta
from verify.theorems.numbers import LEAST_CURVATURE

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

Effort = Literal["cheap", "good", "best"]
_EFFORTS: dict[Effort, dict[str, Any]] = {
    "cheap": {"method": "norms", "cells": 1},
    "good": {"method": "auto", "cells": 8},
    "best": {"method": "auto"},
}
_SMALLEST, _LARGEST = -8, 16
"""Powers of two between which radii are tried, in units of |g|/|H g/|g||: one step of Newton's length along -g."""


@dataclass(frozen=True)
class ProvedBall:
    """A ball |w - w0| <= radius with what theorem `horizon` needs there.

    Parameters
    ----------
    radius : float
    L : float
        Upper bound of ||Hess E|| on the ball, where E is at most slightly above E(w0).
    error_upper : float
        Upper bound of E(w0).
    error_infimum : float
        Lower bound of E on the ball.
    method : str
        How L was found.
    """

    radius: float
    L: float
    error_upper: float
    error_infimum: float
    method: str

    def largest_eta(self, steps: int, part: float, theorem: str) -> tuple[float, float] | None:
        """Return the largest (eta, momentum) that theorem `horizon` proves for so many steps, None if there is none.

        Parameters
        ----------
        steps : int
        part : float
            tau/eta, or mu for the heavy ball.
        theorem : {"sharp", "from_rest", "heavy_ball"}
        """
        given = (self.L, self.error_upper, self.error_infimum)
        try:
            eta, size = largest_eta(*given, self.radius, steps, Fraction(part), theorem)
            exact = size if theorem == "heavy_ball" else Fraction(part) * Fraction(eta)
            proved = horizon(*given, eta, exact, self.radius, steps, theorem).verdict is Verdict.PROVED
        except InputError:
            return None
        return (eta, size) if proved else None


class Balls:
    """The balls around the initial weights of a problem, each bounded when it is first asked for.

    Parameters
    ----------
    problem : Problem or GraphProblem
        Its own region is not used.

    Raises
    ------
    InputError
        If the error overflows at the initial weights.
    """

    def __init__(self, problem: Objective) -> None:
        self.problem = problem
        w = problem.initial_weights
        self._lower, self._upper = problem.error_enclosure(w)
        self.slope = float(problem.gradient_enclosure(w).norm().upper)
        self._level = starting_level(problem)
        if self._level is None or not math.isfinite(self.slope):
            raise InputError(
                "the error or its gradient overflows at the initial weights",
                error=self._upper,
                remedy="scale the data, or start from smaller weights",
            )
        self.unit = self._newton_length()
        self._known: dict[tuple[int, Effort], ProvedBall | None] = {}

    def _newton_length(self) -> float:
        w = self.problem.initial_weights
        gradient = self.problem.gradient(w)
        slope = length(gradient)
        if slope == 0.0:
            return 1.0
        with np.errstate(all="ignore"):
            curved = length(self.problem.hessian_vector(w, gradient / slope))
            found = slope / curved if curved > 0 else slope
        return found if math.isfinite(found) and found > 0 else 1.0

    def radius(self, quarter: int) -> float:
        """Return unit 2^(quarter/4), the radii that are tried."""
        return self.unit * 2.0 ** (quarter / 4)

    def is_known(self, quarter: int, effort: Effort) -> bool:
        """Whether the ball was bounded already."""
        return (quarter, effort) in self._known

    def at(self, quarter: int, effort: Effort) -> ProvedBall | None:
        """Return the ball of a radius; None where no bound of its curvature is found."""
        if not self.is_known(quarter, effort):
            self._known[quarter, effort] = self._bounded(self.radius(quarter), effort)
        return self._known[quarter, effort]

    def _bounded(self, radius: float, effort: Effort) -> ProvedBall | None:
        if not (math.isfinite(radius) and radius > 0):
            return None
        region = Ball(self.problem.initial_weights, radius)
        try:
            found = hessian_bound(self.problem, region, level=self._level, **_EFFORTS[effort])
            along = max(min(found.value, found.whole), LEAST_CURVATURE)
            infimum = least = self.problem.least_error
            if math.isfinite(found.whole):
                whole = max(found.whole, LEAST_CURVATURE)
                infimum = error_lower_bound(max(least, self._lower), self.slope, radius, whole, least)
        except UndecidedHessianError:
            return None
        return ProvedBall(radius, along, self._upper, infimum, found.method)

    def coarse(self) -> Iterator[tuple[int, ProvedBall]]:
        """Yield balls of every size with cheap bounds, those of middle size first; no larger one than has a bound."""
        end = _LARGEST
        for power in sorted(range(_SMALLEST, _LARGEST + 1), key=abs):
            if power > end:
                continue
            ball = self.at(4 * power, "cheap")
            if ball is not None:
                yield 4 * power, ball
            elif power > 0:
                end = power

    @property
    def proved(self) -> tuple[ProvedBall, ...]:
        """All balls that were bounded so far."""
        return tuple(ball for ball in self._known.values() if ball is not None)
