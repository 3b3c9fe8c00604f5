"""Everything that ``dagverify test`` does: the property test, its controls, the search for increases."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.outcomes import InputError, Verdict
from verify.properties.cases import StepCase, required_region
from verify.properties.control import SharpnessControl, run_sharpness_control
from verify.properties.increase import Increase, find_increase, smallest_increasing_factor
from verify.properties.monotone import MonotoneResult, fixed_cases, run_monotone_test, step_cases
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.calculus.problem import Problem
    from verify.training.momentum import Norm

_MOMENTUM_RATIOS = (0.0, 0.5, 1.0)


@dataclass(frozen=True)
class Setting:
    """A setting of the optimiser that the user asks about: (eta, tau), or (eta, mu) of the heavy ball."""

    eta: float
    momentum: float
    heavy_ball: bool = False
    norm: Norm = "global"


@dataclass(frozen=True)
class SuiteReport:
    """Result of `run_suite`.

    Parameters
    ----------
    monotone : MonotoneResult
        Of steps inside the sharp range.
    control : SharpnessControl
    margin : float or None
        Smallest eta at which an increase was found over the largest certified one with the same tau/eta; None if no
        increase was found.
    increase : Increase or None
        A proved increase with the user's own setting.
    setting_admissible : bool or None
        Whether the user's setting lies in its theorem's range; None without a setting.
    """

    monotone: MonotoneResult
    control: SharpnessControl
    margin: float | None
    increase: Increase | None
    setting_admissible: bool | None

    @property
    def verdict(self) -> Verdict:
        """REFUTED by a violation, a failed control or an increase with the user's setting."""
        if self.increase is not None or self.control.verdict is Verdict.REFUTED:
            return Verdict.REFUTED
        if self.setting_admissible is False and self.monotone.verdict is Verdict.PROVED:
            return Verdict.UNDECIDED
        return self.monotone.verdict

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data; a counterexample is the case that replays it."""
        found = self.monotone.counterexample or (self.increase.case if self.increase else None)
        return {
            "verdict": self.verdict.value,
            "examples": self.monotone.examples,
            "violations": self.monotone.violations,
            "margin": self.margin,
            "covered": self.monotone.covered,
            "shortened": self.monotone.shortened,
            "undecided": self.monotone.undecided,
            "control": {"inside": self.control.inside, "outside": self.control.outside},
            "setting_admissible": self.setting_admissible,
            "counterexample": json.loads(found.to_json()) if found else None,
        }


def run_suite(
    problem: Problem,
    setting: Setting | None = None,
    *,
    examples: int = 200,
    seed: int = 0,
    lipschitz: float | None = None,
    leading: np.ndarray | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> SuiteReport:
    """Test monotone error decrease in the region of a problem.

    Parameters
    ----------
    problem : Problem
        With a region.
    setting : Setting, optional
        The user's own setting: tested itself if it is admissible, else searched for an increase.
    examples, seed : int
        Of the property test.
    lipschitz : float, optional
        L over the region; computed if absent.
    leading : array, shape (P,), optional
        An adversarial direction; the Hessian attack's if absent.
    progress : callable
        Called with a message per stage.

    Returns
    -------
    SuiteReport

    Raises
    ------
    InputError
        If the problem has no region, or L cannot be bounded.
    """
    region = required_region(problem)
    if examples < 1:
        raise InputError("at least one example is needed", examples=examples)
    if lipschitz is None:
        progress("bounding the Hessian")
        lipschitz = hessian_bound(problem, region).value
    if leading is None:
        progress("looking for the leading curvature")
        leading = attack_hessian(problem, region, points=1, ascents=1, seed=seed).direction
    admissible = _admissible(lipschitz, setting)
    if setting is not None and admissible and not setting.heavy_ball:
        cases = fixed_cases(setting.eta, setting.momentum, setting.norm)
    else:
        cases = step_cases(lipschitz, setting.norm if setting else "global")
    progress("testing steps inside the range")
    monotone = run_monotone_test(problem, lipschitz, leading, cases, examples=examples, seed=seed)
    progress("testing the test")
    control = run_sharpness_control()
    increase = None
    if setting is not None and not admissible:
        progress("looking for an increase with the setting given")
        increase = find_increase(problem, _case(setting), leading, seed=seed)
    progress("looking for the smallest increasing learning rate")
    return SuiteReport(monotone, control, _margin(problem, lipschitz, leading, seed), increase, admissible)


def _admissible(lipschitz: float, setting: Setting | None) -> bool | None:
    if setting is None:
        return None
    admissible = RANGES["heavy_ball" if setting.heavy_ball else "sharp"]
    return admissible.contains(lipschitz, setting.eta, setting.momentum) is Verdict.PROVED


def _case(setting: Setting) -> StepCase:
    rule = "heavy_ball" if setting.heavy_ball else "adaptive"
    return StepCase(0, 0.0, "none", setting.eta, setting.momentum, rule, setting.norm)  # type: ignore[arg-type]


def _margin(problem: Problem, lipschitz: float, leading: np.ndarray, seed: int) -> float | None:
    """Smallest factor over three rays tau = ratio * eta; factor 1 is where each leaves the sharp range."""
    factors = []
    for ratio in _MOMENTUM_RATIOS:
        eta = RANGES["sharp"].eta_limit(lipschitz) / (1 + ratio)
        found = smallest_increasing_factor(problem, StepCase(0, 0.0, "none", eta, ratio * eta), leading, seed=seed)
        if found is not None:
            factors.append(found[0])
    return min(factors, default=None)
