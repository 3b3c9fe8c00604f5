"""Take one case's step, see whether the theorem speaks of the stored step, and decide whether the error rose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.calculus.decide import Decision
from verify.calculus.executed_step import momentum_downhill, momentum_within
from verify.calculus.problem import vertex_blocks
from verify.outcomes import InputError, Verdict
from verify.properties.cases import StepCase, required_region
from verify.theorems.ranges import RANGES
from verify.training.evaluation import decide_by_errors, error_range

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.objective import Objective


@dataclass(frozen=True)
class StepOutcome:
    """A step that was taken.

    Parameters
    ----------
    case : StepCase
    w, w_next : array, shape (P,)
        Stored weights before and after.
    scale : float
        1, or the factor t < 1 by which the step was shortened to stay in the region (lemma ``star_shape``).
    covered : bool
        Whether theorem `sharp`, or `restart` for its rule, is proved to apply to the stored step (``executed_steps``).
    decision : Decision
        Sign of E(w_next) - E(w).
    """

    case: StepCase
    w: np.ndarray
    w_next: np.ndarray
    scale: float
    covered: bool
    decision: Decision

    @property
    def violates(self) -> bool:
        """Whether the error rose although the theorem forbids it."""
        return self.covered and self.decision.decreases is Verdict.REFUTED


@certified_environment()
def take_step(problem: Objective, case: StepCase, lipschitz: float, leading: np.ndarray) -> StepOutcome:
    """Take a step of adaptive momentum, dropped where it points uphill or not, from a point of the region.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    case : StepCase
    lipschitz : float
        The Hessian bound L that the range was computed from.
    leading : array, shape (P,)
        Leading eigenvector of a Hessian in the region, one of the adversarial previous steps.

    Returns
    -------
    StepOutcome
    """
    region = required_region(problem)
    w = case.start(problem)
    gradient = problem.gradient(w)
    step = case.step(problem, gradient, leading)
    w_next, scale = shortened(region, w, step)
    covered = _theorem_applies(problem, case, lipschitz, w, w_next, scale)
    decision, _ = decide_by_errors(problem, w, w_next, error_range(problem, w), error_range(problem, w_next))
    return StepOutcome(case, w, w_next, scale, covered, decision)


def shortened(region: Region, w: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the stored w + t step, proved to be in the region, and the factor t in [0, 1]."""
    scale = region.largest_scale(w, step)
    w_next = w + scale * step
    while region.contains(w_next) is not Verdict.PROVED:
        scale *= 1 - 2.0**-10
        w_next = w + scale * step
    return w_next, scale


def _theorem_applies(
    problem: Objective, case: StepCase, lipschitz: float, w: np.ndarray, w_next: np.ndarray, scale: float
) -> bool:
    if np.array_equal(w, w_next):
        return True
    eta = scale * case.eta
    try:
        allowed = {name: RANGES[name].momentum_limit(lipschitz, eta) for name in ("sharp", "restart")}
    except InputError:
        return False
    gradient, blocks = problem.gradient_enclosure(w), vertex_blocks(problem, case.norm)
    if momentum_within(gradient, w, w_next, eta, allowed["sharp"], blocks):
        return True
    downhill = case.rule == "restart" and momentum_downhill(gradient, w, w_next, eta)
    return downhill and momentum_within(gradient, w, w_next, eta, allowed["restart"])
