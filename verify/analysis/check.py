"""The whole answer about a problem: assumptions, gradients, Hessian bound, admissible ranges."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.analysis.any_direction import examine_any_direction
from verify.analysis.gradients import Gradients, examine_gradients
from verify.analysis.question import question_of
from verify.analysis.range_row import RangeRow
from verify.analysis.ranges import admissible_ranges, overall
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.assumptions import check_assumptions
from verify.assumptions.gradients import GIVEN
from verify.assumptions.small_momentum import setting_for
from verify.bounds.curvature import Curvature, examine_curvature
from verify.budget import OverBudgetError, time_limit
from verify.calculus.objective import Objective
from verify.notebook import table
from verify.outcomes import Finding, InputError, Verdict
from verify.properties.cases import required_region
from verify.properties.heavy_ball_run import find_error_rise
from verify.sharing import sharing
from verify.theorems.optimizers import Optimizer

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting

DEFAULT_SECONDS = 180.0
GRADIENTS = "backpropagation computes the gradient"


@dataclass(frozen=True)
class CheckReport:
    """What `check` answers.

    Parameters
    ----------
    name : str
        Of the problem.
    assumptions : tuple of Finding
        A1 to A4.
    gradients : Gradients
        The recursion's proof and the numerical comparison.
    curvature : Curvature
        The Hessian bound, and what an attack reached.
    ranges : tuple of RangeRow
        One for each theorem that applies.
    any_direction : dict
        The learning rates of the first step for every previous step, see `any_direction`.
    question : str
        What the verdict answers: which steps, and whether the error decreases or, for mu, the energy V.
    error_rise : dict or None
        For mu: a step from rest that is proved to raise the error itself, if one was found.
    optimizer : Optimizer or None
        The numbers that the user set, if these are judged.
    """

    name: str
    assumptions: tuple[Finding, ...]
    gradients: Gradients
    curvature: Curvature
    ranges: tuple[RangeRow, ...]
    any_direction: dict[str, Any]
    question: str = ""
    error_rise: dict[str, Any] | None = None
    optimizer: Optimizer | None = None

    @property
    def verdict(self) -> Verdict:
        """The answer to `question`: the conjunction of everything that counts."""
        return _verdict(self.assumptions, self.gradients)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data; ``decided`` and ``undecided`` say in words which questions are closed."""
        decided = [f"{each.id} {each.verdict.value}" for each in self.assumptions if _is_closed(each.verdict)]
        undecided = [_open_words(each) for each in self.assumptions if not _is_closed(each.verdict)]
        words = f"{GRADIENTS} {self.gradients.verdict.value}"
        (decided if _is_closed(self.gradients.verdict) else undecided).append(words)
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "question": self.question,
            "optimizer": None if self.optimizer is None else self.optimizer.to_json(),
            "assumptions": [finding.to_json() for finding in self.assumptions],
            "gradients": self.gradients.to_json(),
            "lipschitz": self.curvature.to_json(),
            "ranges": [row.to_json() for row in self.ranges],
            "any_direction": self.any_direction,
            "error_rise": self.error_rise,
            "decided": decided,
            "undecided": undecided,
        }

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        findings = [(each.id, f"{each.verdict.value}: {each.statement}") for each in self.assumptions]
        gradients = [("gradients", f"{self.gradients.verdict.value}: {self.gradients.proof.statement}")]
        ranges = [(f"range {row.theorem}", f"{row.verdict.value}: {row.statement}") for row in self.ranges]
        return table(f"{self.name}: {self.question}", [*findings, *gradients, *ranges], self.verdict.value)


@certified_environment()
@sharing()
def check(
    problem: Objective,
    setting: Setting | Optimizer | None = None,
    *,
    seed: int = 0,
    seconds: float | None = DEFAULT_SECONDS,
    progress: Callable[[str], None] = lambda message: None,
) -> CheckReport:
    """Answer whether every step of backpropagation with momentum that stays in the region decreases the error.

    For the classical heavy ball (mu) the question is whether V = E + mu/(2 eta) |D|^2 decreases. The answer's
    `question` says how far it is proved: for steps that stay in the region, for a number of steps, or for ever.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    setting : Setting or Optimizer, optional
        The setting to be judged: ``eta``, and ``tau`` or ``mu``, or an optimizer's numbers. Without it the question is
        whether any is admissible.
    seed : int
        Of the attacks and the points at which gradients are compared.
    seconds : float or None
        Processor time for all of it. Every part has its share, and the search for a step in any direction also what the
        parts before it left; what exceeds it is undecided and says so, and the other parts still answer. None for no
        limit.
    progress : callable
        Called with what is being done.

    Returns
    -------
    CheckReport

    Raises
    ------
    InputError
        If the problem has no region, or the region does not hold the initial weights.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> architecture = verify.Architecture.from_data(nodes, "y")
    >>> region = verify.Ball(architecture.initial_weights(), 0.1)
    >>> report = check(verify.Problem(architecture, [[1.0], [2.0]], [[0.0], [0.5]], region=region))
    >>> report.verdict.value, [row.theorem for row in report.ranges]
    ('PROVED', ['triangle', 'sharp', 'from_rest', 'restart', 'heavy_ball', 'nesterov', 'horizon'])
    """
    progress = as_users_code(progress)
    asked = setting_for(problem, setting)
    setting = None if isinstance(asked, Optimizer) else asked
    optimizer = asked if isinstance(asked, Optimizer) or asked is None else asked.optimizer
    total = math.inf if seconds is None else seconds
    started = time.process_time()
    with time_limit(0.25 * total, "the gradients"):
        progress("proving the gradients")
        gradients = examine_gradients(problem, seed=seed)
    with time_limit(0.4 * total, "the Hessian"):
        progress("bounding the Hessian")
        curvature = examine_curvature(problem, seed=seed)
    with time_limit(0.1 * total, "the ranges"):
        progress("deriving the admissible ranges")
        ranges = admissible_ranges(problem, curvature, setting)
    with time_limit(max(0.1 * total, 0.85 * total - (time.process_time() - started)), "any direction"):
        first_step = examine_any_direction(problem, bounds=1, curvature=curvature, progress=progress)
    increase = None
    if setting is not None and overall(ranges, setting) is not Verdict.PROVED:
        with time_limit(0.1 * total, "the search for an increase"):
            progress("looking for a step that increases the error")
            increase = _increase(problem, setting, curvature, seed)
    with time_limit(max(0.05 * total, total - (time.process_time() - started)), "the assumptions"):
        progress("checking the assumptions")
        report = check_assumptions(
            problem, setting=asked, curvature=curvature, increase=increase, gradients=gradients.proof
        )
    assumptions = tuple(finding for finding in report.findings if finding.id != gradients.proof.id)
    question = question_of(required_region(problem), asked, ranges, _verdict(assumptions, gradients))
    question = question if gradients.proof.counted else f"{GIVEN}, {question}"
    rise = None
    if setting is not None and setting.mu is not None:
        with suppress(OverBudgetError), time_limit(0.05 * total, "the search for a rise of the error"):
            progress("looking for a step that increases the error itself")
            rise = find_error_rise(problem, setting.eta, setting.mu, nesterov=setting.nesterov)
    found = None if rise is None else rise.to_json()
    return CheckReport(problem.name, assumptions, gradients, curvature, ranges, first_step, question, found, optimizer)


def _verdict(assumptions: tuple[Finding, ...], gradients: Gradients) -> Verdict:
    counted = [finding.verdict for finding in assumptions if finding.counted]
    if gradients.proof.counted or gradients.verdict is Verdict.REFUTED:
        counted.append(gradients.verdict)
    return Verdict.weakest(counted)


def _increase(problem: Objective, setting: Setting, curvature: Curvature, seed: int) -> dict[str, Any] | None:
    """Return a proved increase with the setting as data that replay it, or None."""
    from verify.properties.increase import find_counterexample

    leading = curvature.leading if curvature.leading is not None else np.ones(problem.size)
    try:
        found = find_counterexample(problem, setting, leading, seed=seed)
    except InputError:
        return None
    if found is None:
        return None
    decision = found.decision
    return {"case": asdict(found.case), "increase_lower": decision.lower, "increase_upper": decision.upper}


def _is_closed(verdict: Verdict) -> bool:
    return verdict is not Verdict.UNDECIDED


def _open_words(finding: Finding) -> str:
    return f"{finding.id} ({'assumed' if finding.assumed else finding.statement})"
