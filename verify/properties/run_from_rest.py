"""One step of a run that started at rest: is it one that theorem `from_rest` speaks of as stored, and did E rise?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.outcomes import Verdict
from verify.properties.cases import StepCase, required_region
from verify.properties.step import StepOutcome, shortened
from verify.training.downhill import DownhillProof
from verify.training.evaluation import decide_by_errors, error_range
from verify.training.momentum import adaptive_step

if TYPE_CHECKING:
    from verify.calculus.objective import Objective


@certified_environment()
def take_step_from_rest(problem: Objective, case: StepCase, lipschitz: float, leading: np.ndarray) -> StepOutcome:
    """Start at rest at a point of the region, take `case.steps` steps that stay in it, and look at the next one.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    case : StepCase
        Of the rule ``"from_rest"``.
    lipschitz : float
        The Hessian bound L that the range was computed from.
    leading : array, shape (P,)
        Unused: no previous step is given.

    Returns
    -------
    StepOutcome
        Covered where L |D|^2 <= -g.D is proved for the stored step, as the theorem says of every step of a run.
    """
    region = required_region(problem)
    w = before = case.start(problem)
    for _ in range(case.steps):
        following = w + adaptive_step(problem.gradient(w), w - before, case.eta, case.momentum)
        if region.contains(following) is not Verdict.PROVED:
            break
        before, w = w, following
    w_next, scale = shortened(region, w, adaptive_step(problem.gradient(w), w - before, case.eta, case.momentum))
    decision, _ = decide_by_errors(problem, w, w_next, error_range(problem, w), error_range(problem, w_next))
    stays = np.array_equal(w, w_next)
    covered = stays or DownhillProof(lipschitz, region).change(problem, w, w_next) is not None
    return StepOutcome(case, w, w_next, scale, covered, decision)
