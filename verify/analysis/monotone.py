"""Property tests of monotone decrease for a problem, and how far its certified setting is from failing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from verify.analysis.curvature import Curvature, examine_curvature
from verify.calculus.problem import Problem
from verify.outcomes import Verdict
from verify.properties.cases import StepCase
from verify.properties.increase import Increase, find_increase, smallest_increasing_factor
from verify.properties.monotone import MonotoneResult, fixed_cases, run_monotone_test, step_cases
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting


@dataclass(frozen=True)
class MonotoneAnswer:
    """What the tests saw.

    Parameters
    ----------
    verdict : Verdict
        REFUTED by a violation or by an increase with the setting asked; UNDECIDED where there is no bound L, a step
        stayed open or the theorem spoke of none; else PROVED: no step of these increased the error.
    result : MonotoneResult or None
        The property test; None without a bound L.
    margin : float or None
        Smallest learning rate at which an increase was found, over the certified one (momentum in proportion); None
        if none was found.
    certified : (float, float) or None
        The certified pair (eta, tau).
    increase : Increase or None
        An increase with the setting asked, else the one that the margin is about.
    reason, remedy : str or None
        Why it is undecided, and what to change.
    """

    verdict: Verdict
    result: MonotoneResult | None
    margin: float | None
    certified: tuple[float, float] | None
    increase: Increase | None
    reason: str | None = None
    remedy: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        result = self.result
        counted = {} if result is None else {k: v for k, v in asdict(result).items() if k != "counterexample"}
        refuted = self.verdict is Verdict.REFUTED
        case = None if result is None else result.counterexample
        if case is None and refuted and self.increase is not None:
            case = self.increase.case
        found_by_search = int(refuted and result is not None and result.violations == 0)
        return {
            "examples": 0,
            **counted,
            "violations": counted.get("violations", 0) + found_by_search,
            "verdict": self.verdict.value,
            "margin": self.margin,
            "certified": None if self.certified is None else dict(zip(("eta", "tau"), self.certified, strict=True)),
            "increase": None if self.increase is None else asdict(self.increase.case),
            "counterexample": None if case is None else asdict(case),
            "reason": self.reason,
            "remedy": self.remedy,
        }


def examine_decrease(
    problem: Problem,
    setting: Setting | None = None,
    *,
    examples: int = 200,
    seed: int = 0,
    announce: Callable[[str], None] = lambda message: None,
) -> MonotoneAnswer:
    """Let Hypothesis look for a step inside the admissible range that increases the error, then leave the range.

    Parameters
    ----------
    problem : Problem
        With a region.
    setting : Setting, optional
        The setting asked; its tau is tested if it has one, else settings of the whole range are.
    examples, seed : int
    announce : callable
        Called with what is being done.

    Returns
    -------
    MonotoneAnswer
    """
    announce("bounding the Hessian")
    curvature = examine_curvature(problem, seed=seed)
    if curvature.value is None or curvature.leading is None:
        return MonotoneAnswer(
            Verdict.UNDECIDED, None, None, None, None, f"no bound L: {curvature.reason}", curvature.remedy
        )
    L = max(curvature.value, LEAST_CURVATURE)
    norm = "global" if setting is None else setting.norm
    asked = None if setting is None or setting.tau is None else (setting.eta, setting.tau)
    cases = step_cases(L, norm) if asked is None else fixed_cases(*asked, norm)
    announce(f"taking {examples} steps")
    result = run_monotone_test(problem, L, curvature.leading, cases, examples=examples, seed=seed)
    increase = None
    if asked is not None:
        announce("looking for an increase with the setting asked")
        increase = find_increase(problem, StepCase(seed, 0.0, "none", *asked, norm=norm), curvature.leading, seed=seed)
    announce("measuring the margin")
    certified = RANGES["sharp"].recommended(L)
    if asked is not None and RANGES["sharp"].contains(L, *asked) is Verdict.PROVED:
        certified = asked
    case = StepCase(seed, 0.0, "none", *certified, norm=norm)
    first = smallest_increasing_factor(problem, case, curvature.leading, seed=seed)
    verdict = result.verdict if increase is None else Verdict.REFUTED
    return MonotoneAnswer(
        verdict,
        result,
        None if first is None else first[0],
        certified,
        increase or (None if first is None else first[1]),
        *_explanation(verdict, result, increase, curvature),
    )


def _explanation(
    verdict: Verdict, result: MonotoneResult, increase: Increase | None, curvature: Curvature
) -> tuple[str | None, str | None]:
    if increase is not None:
        return "the setting asked increases the error", f"use eta and tau in the range of L={curvature.value!r}"
    if verdict is Verdict.REFUTED:
        return "a step inside the range increases the error", "report this: the counterexample replays it"
    if verdict is Verdict.UNDECIDED:
        return (
            f"{result.undecided} steps stayed open, the theorem covers {result.covered} of {result.examples}",
            "use a setting inside the range, or a larger region",
        )
    return None, None
