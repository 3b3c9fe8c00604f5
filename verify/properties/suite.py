"""Everything that ``dagverify test`` does: the property test, its controls, the search for increases."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import as_users_code, certified_environment
from verify.assumptions.small_momentum import Setting, setting_for
from verify.bounds.curvature import Curvature, examine_curvature
from verify.notebook import table
from verify.outcomes import InputError, Verdict
from verify.properties.cases import StepCase
from verify.properties.control import SharpnessControl, run_sharpness_control
from verify.properties.increase import Increase, find_counterexample, smallest_increasing_factor
from verify.properties.lyapunov import take_heavy_ball_step, take_nesterov_step
from verify.properties.monotone import (
    MonotoneResult,
    fixed_cases,
    from_rest_cases,
    heavy_ball_cases,
    nesterov_cases,
    run_monotone_test,
    step_cases,
)
from verify.properties.run_from_rest import take_step_from_rest
from verify.properties.step import take_step
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.optimizers import Optimizer
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_MOMENTUM_RATIOS = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class SuiteReport:
    """Result of `run_suite`.

    Parameters
    ----------
    monotone : MonotoneResult or None
        Of steps inside the setting's range, by default the sharp one; None without a bound L.
    control : SharpnessControl
        Whether the test fails where it must.
    margin : float or None
        Smallest eta at which an increase was found over the largest certified one with the same tau/eta; None if no
        increase was found.
    increase : Increase or None
        A proved increase with the setting asked.
    setting_admissible : bool or None
        Whether the setting asked lies in its theorem's range; None without a setting.
    reason, remedy : str or None
        Why the answer is not PROVED, and what to change.
    decreasing : {"E", "V"}
        What the steps were tested to decrease: the error, or for mu the energy V of its theorem.
    energy : str or None
        V, for mu.
    """

    monotone: MonotoneResult | None
    control: SharpnessControl
    margin: float | None = None
    increase: Increase | None = None
    setting_admissible: bool | None = None
    reason: str | None = None
    remedy: str | None = None
    decreasing: str = "E"
    energy: str | None = None

    @property
    def verdict(self) -> Verdict:
        """REFUTED by a violation, a failed control or an increase with the setting asked; UNDECIDED without a bound.

        PROVED says that none of the steps taken increased the error (V for mu), each decided rigorously.
        """
        if self.increase is not None or self.control.verdict is Verdict.REFUTED:
            return Verdict.REFUTED
        if self.monotone is None:
            return Verdict.UNDECIDED
        if self.setting_admissible is False and self.monotone.verdict is Verdict.PROVED:
            return Verdict.UNDECIDED
        return self.monotone.verdict

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data.

        An increase with the setting asked counts as a violation; a counterexample is the case that replays it.
        """
        result = self.monotone
        found = result.counterexample if result else None
        if found is None and self.increase is not None:
            found = self.increase.case
        return {
            "verdict": self.verdict.value,
            "decreasing": self.decreasing,
            "energy": self.energy,
            "examples": result.examples if result else 0,
            "violations": (result.violations if result else 0) + (self.increase is not None),
            "margin": self.margin,
            "covered": result.covered if result else 0,
            "shortened": result.shortened if result else 0,
            "undecided": result.undecided if result else 0,
            "control": {"inside": self.control.inside, "outside": self.control.outside},
            "setting_admissible": self.setting_admissible,
            "counterexample": json.loads(found.to_json()) if found else None,
            "reason": self.reason,
            "remedy": self.remedy,
        }

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        counts = self.to_json()
        rows = [(f"steps that raised {self.decreasing}", f"{counts['violations']} of {counts['examples']}")]
        rows += [("undecided", str(counts["undecided"])), ("control", self.control.verdict.value)]
        rows += [(name, words) for name, words in (("why not", self.reason), ("remedy", self.remedy)) if words]
        return table(f"Does any step taken raise {self.decreasing}?", rows, self.verdict.value)


@certified_environment()
def run_suite(
    problem: Objective,
    setting: Setting | Optimizer | None = None,
    *,
    examples: int = 200,
    seed: int = 0,
    curvature: Curvature | None = None,
    announce: Callable[[str], None] = lambda message: None,
) -> SuiteReport:
    """Test monotone decrease in the region of a problem: of the error, or for mu of the energy V.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    setting : Setting or Optimizer, optional
        The setting asked: tested itself if it is admissible, else searched for an increase.
    examples, seed : int
        Of the property test.
    curvature : Curvature, optional
        What `examine_curvature` found for this problem; default: it is asked.
    announce : callable
        Called with a message per stage.

    Returns
    -------
    SuiteReport

    Raises
    ------
    InputError
        If the problem has no region, there is no example to take, or no theorem speaks of the optimizer's steps.
    """
    asked = setting_for(problem, setting)
    if isinstance(asked, Optimizer):
        asked = Setting.of(asked)
    return _run(problem, asked, examples, seed, curvature, announce)


def _run(
    problem: Objective,
    setting: Setting | None,
    examples: int,
    seed: int,
    curvature: Curvature | None,
    announce: Callable[[str], None],
) -> SuiteReport:
    if examples < 1:
        raise InputError("at least one example is needed", examples=examples, remedy="give 1 or more")
    announce = as_users_code(announce)
    announce("testing the test on a quadratic error")
    control = run_sharpness_control()
    if curvature is None:
        announce("bounding the Hessian")
        curvature = examine_curvature(problem, seed=seed)
    if curvature.value is None:
        return SuiteReport(None, control, reason=f"no bound L: {curvature.reason}", remedy=curvature.remedy)
    L = max(curvature.value, LEAST_CURVATURE)
    leading = np.ones(problem.size) if curvature.leading is None else curvature.leading
    admissible = None if setting is None else RANGES[setting.theorem].contains(L, setting.eta, setting.momentum)
    inside = None if admissible is None else admissible is Verdict.PROVED
    take, cases = _steps(L, setting, bool(inside))
    announce(f"taking {examples} steps inside the range")
    monotone = run_monotone_test(problem, L, leading, cases, examples=examples, seed=seed, take=take)
    increase = None
    if setting is not None and not inside:
        announce("looking for an increase with the setting asked")
        increase = find_counterexample(problem, setting, leading, seed=seed)
    announce("looking for the smallest increasing learning rate")
    margin = _margin(problem, L, leading, seed)
    explained = _explanation(monotone, increase, inside, curvature, setting)
    energy = None if setting is None or setting.mu is None else RANGES[setting.theorem].decreasing
    decreasing = "E" if energy is None else "V"
    return SuiteReport(monotone, control, margin, increase, inside, *explained, decreasing, energy)


def _steps(L: float, setting: Setting | None, inside: bool) -> tuple[Any, Any]:
    """Return how to take a step, and cases: of the setting where it is admissible, else of its theorem's range."""
    if setting is None:
        return take_step, step_cases(L)
    eta, size = (setting.eta, setting.momentum) if inside else RANGES[setting.theorem].recommended(L)
    match setting.theorem:
        case "heavy_ball":
            return take_heavy_ball_step, heavy_ball_cases(eta, size)
        case "nesterov":
            return take_nesterov_step, nesterov_cases(eta, size)
        case "from_rest":
            return take_step_from_rest, from_rest_cases(eta, size)
        case "sharp" if not inside:
            return take_step, step_cases(L, setting.norm)
    return take_step, fixed_cases(eta, size, setting.norm, setting.rule)


def _margin(problem: Objective, L: float, leading: np.ndarray, seed: int) -> float | None:
    """Smallest factor over three rays tau = ratio * eta; factor 1 is where each leaves the sharp range."""
    factors = []
    for ratio in _MOMENTUM_RATIOS:
        eta = RANGES["sharp"].eta_limit(L) / (1 + ratio)
        found = smallest_increasing_factor(problem, StepCase(0, 0.0, "none", eta, ratio * eta), leading, seed=seed)
        if found is not None:
            factors.append(found[0])
    return min(factors, default=None)


def _explanation(
    monotone: MonotoneResult,
    increase: Increase | None,
    inside: bool | None,
    curvature: Curvature,
    setting: Setting | None,
) -> tuple[str | None, str | None]:
    if increase is not None:
        return (
            "the setting asked increases the error in a step inside the region",
            f"use eta and momentum in the range of L={curvature.value!r}",
        )
    if monotone.verdict is Verdict.REFUTED:
        return (
            "a step inside the range increased what its theorem says decreases",
            "report this: the counterexample replays it",
        )
    if monotone.verdict is Verdict.UNDECIDED:
        open_steps = f"{monotone.undecided} steps stayed open, {monotone.covered} of {monotone.examples} are covered"
        return open_steps, "use a setting inside the range, or a larger region"
    if inside is False and setting is not None:
        return f"the setting asked is outside theorem {setting.theorem}", "use a setting inside the range"
    return None, None
