"""One step with constant mu: does its theorem speak of it as stored, and did V rise?

V_k = E(w_k) + mu/(2 eta) |D_k|^2 for the classical heavy ball; which stored steps its theorem speaks of:
`verify.calculus.executed_step`. V_k = E(w_k) + |D_k|^2/(2 eta) for Nesterov's variant, whose proof adds the parabola
above E from y to w' and the one below E from y to w: for any stored w, y and w', D and D' being exact differences,

    V' - V <= grad E(y).D' + L/2 (|w' - y|^2 + |w - y|^2) + (|D'|^2 - |D|^2)/(2 eta).

The theorem speaks of a stored step where that is proved not to be positive. Inside its range it is not for the exact
step, nor for one shortened to t D': the bound is convex in t, and at t = 0 it is (2 L eta mu^2 - 1) |D|^2/(2 eta).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import rational
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
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
    """A step with constant mu that was taken.

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
    decision = _energy_decision(problem, w, w_next, kinetic)
    covered = heavy_ball_within(
        problem.gradient_enclosure(w), (w_previous, w, w_next), Fraction(lipschitz), eta, mu, scale
    )
    return LyapunovOutcome(case, w_previous, w, w_next, scale, covered, decision)


@certified_environment()
def take_nesterov_step(problem: Objective, case: StepCase, lipschitz: float, leading: np.ndarray) -> LyapunovOutcome:
    """Take a step of Nesterov's variant from a point of the region, with y = w + mu D in the region too.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    case : StepCase
        Of the rule ``"nesterov"``.
    lipschitz : float
        The Hessian bound L that the range was computed from.
    leading : array, shape (P,)
        Leading eigenvector of a Hessian in the region, one of the adversarial previous steps.
    """
    w = case.start(problem)
    previous = case.previous_step(problem.gradient(w), leading)
    _, inside = shortened(required_region(problem), w, case.momentum * previous)
    return nesterov_outcome(problem, case, lipschitz, w - inside * previous, w)


@certified_environment()
def nesterov_outcome(
    problem: Objective, case: StepCase, lipschitz: float, w_previous: np.ndarray, w: np.ndarray
) -> LyapunovOutcome:
    """Take a step of Nesterov's variant after the step from `w_previous` to `w`, and decide V' - V."""
    region = required_region(problem)
    y = w + case.momentum * (w - w_previous)
    w_next, scale = shortened(region, w, y - case.eta * problem.gradient(y) - w)
    eta = Fraction(case.eta)
    kinetic = (_squared(w, w_next) - _squared(w_previous, w)) / (2 * eta)
    decision = _energy_decision(problem, w, w_next, kinetic)
    slope = float(problem.gradient_enclosure(y).dot(Interval.point(w_next) - Interval.point(w)).upper)
    covered = bool(np.isfinite(slope)) and region.contains(y) is Verdict.PROVED
    if covered:
        curved = Fraction(lipschitz) / 2 * (_squared(y, w_next) + _squared(y, w))
        covered = Fraction(slope) + curved + kinetic <= 0
    return LyapunovOutcome(case, w_previous, w, w_next, scale, covered, decision)


def _energy_decision(problem: Objective, w: np.ndarray, w_next: np.ndarray, kinetic: Fraction) -> Decision:
    """Decide E(w_next) - E(w) plus the change of the kinetic part."""
    try:
        return decide_decrease(problem, w, w_next, plus=kinetic)
    except ArithmeticDomainError:
        return Decision(None, -np.inf, np.inf, 53)


def _squared(start: np.ndarray, end: np.ndarray) -> Fraction:
    """Return |end - start|^2 exactly."""
    return rational.dot(end, end) - 2 * rational.dot(start, end) + rational.dot(start, start)
