"""One step of the classical heavy ball: does the theorem speak of it as stored, and did V rise?

V_k = E(w_k) + mu/(2 eta) |D_k|^2; which stored steps the theorem speaks of: `verify.calculus.executed_step`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import rational
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.calculus.decide import Decision, decide_decrease
from verify.calculus.executed_step import heavy_ball_within
from verify.outcomes import Verdict
from verify.properties.cases import StepCase, required_region
from verify.properties.step import shortened

if TYPE_CHECKING:
    from verify.calculus.objective import Objective


@dataclass(frozen=True)
class LyapunovOutcome:
    """A step of the heavy ball that was taken.

    Parameters
    ----------
    case : StepCase
    w_previous, w, w_next : array, shape (P,)
        Stored weights.
    scale : float
        The factor t.
    covered : bool
        Whether the theorem is proved to apply to the stored step.
    decision : Decision
        Sign of V_{k+1} - V_k.
    """

    case: StepCase
    w_previous: np.ndarray
    w: np.ndarray
    w_next: np.ndarray
    scale: float
    covered: bool
    decision: Decision

    @property
    def violates(self) -> bool:
        """Whether V rose although the theorem forbids it."""
        return self.covered and self.decision.decreases is Verdict.REFUTED


@certified_environment()
def take_heavy_ball_step(problem: Objective, case: StepCase, lipschitz: float, leading: np.ndarray) -> LyapunovOutcome:
    """Take a step of the heavy ball from a point of the region.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    case : StepCase
        Of the rule ``"heavy_ball"``.
    lipschitz : float
        The Hessian bound L that the range was computed from.
    leading : array, shape (P,)
        Leading eigenvector of a Hessian in the region, one of the adversarial previous steps.
    """
    region = required_region(problem)
    w = case.start(problem)
    gradient = problem.gradient(w)
    w_previous = w - case.previous_step(gradient, leading)
    step = case.momentum * (w - w_previous) - case.eta * gradient
    w_next, scale = shortened(region, w, step)
    eta, mu = Fraction(case.eta), Fraction(case.momentum)
    kinetic = mu / (2 * eta) * (_squared(w, w_next) - _squared(w_previous, w))
    try:
        decision = decide_decrease(problem, w, w_next, plus=kinetic)
    except ArithmeticDomainError:
        decision = Decision(None, -np.inf, np.inf, 53)
    covered = heavy_ball_within(
        problem.gradient_enclosure(w), (w_previous, w, w_next), Fraction(lipschitz), eta, mu, scale
    )
    return LyapunovOutcome(case, w_previous, w, w_next, scale, covered, decision)


def _squared(start: np.ndarray, end: np.ndarray) -> Fraction:
    """Return |end - start|^2 exactly."""
    return rational.dot(end, end) - 2 * rational.dot(start, end) + rational.dot(start, start)
