"""Property test of monotone error decrease: Hypothesis looks for a step inside the range that increases the error."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import hypothesis
import numpy as np
from hypothesis import strategies as st

from verify.arithmetic.environment import certified_environment
from verify.outcomes import Verdict
from verify.properties.cases import PREVIOUS, StepCase
from verify.properties.lyapunov import LyapunovOutcome
from verify.properties.step import StepOutcome, take_step
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_EDGE = 1 - 2.0**-30
_LONGEST_RUN = 24


@dataclass(frozen=True)
class MonotoneResult:
    """What a run of the property test saw.

    Parameters
    ----------
    examples : int
        Steps taken.
    covered : int
        Steps for which the theorem was proved to apply to the stored weights.
    shortened : int
        Steps scaled by t < 1 because they would have left the region.
    violations : int
        Covered steps after which the error was larger.
    undecided : int
        Steps whose sign stayed open at the highest precision.
    counterexample : StepCase or None
        The simplest violating case that Hypothesis found.
    """

    examples: int
    covered: int
    shortened: int
    violations: int
    undecided: int
    counterexample: StepCase | None

    @property
    def verdict(self) -> Verdict:
        """REFUTED by a violation; UNDECIDED if a step stayed open or the theorem spoke of none; else PROVED."""
        if self.violations:
            return Verdict.REFUTED
        return Verdict.UNDECIDED if self.undecided or not self.covered else Verdict.PROVED


class _MonotoneViolationError(AssertionError):
    """E(w_next) > E(w), or V for the heavy ball, inside the range."""


def step_cases(lipschitz: float, norm: Any = "global") -> st.SearchStrategy[StepCase]:
    """Hypothesis strategy of cases in the sharp range for L, its edge included.

    Parameters
    ----------
    lipschitz : float
        L.
    norm : {"global", "vertex"}
    """
    largest_eta = RANGES["sharp"].eta_limit(lipschitz)
    part = st.one_of(st.sampled_from([_EDGE, 0.5, 0.75]), st.floats(2.0**-20, _EDGE))

    def build(seed: int, distance: float, previous: Any, eta_part: float, tau_part: float) -> StepCase:
        eta = largest_eta * eta_part
        return StepCase(
            seed, distance, previous, eta, RANGES["sharp"].momentum_limit(lipschitz, eta) * tau_part, norm=norm
        )

    return st.builds(
        build,
        seed=st.integers(0, 2**32 - 1),
        distance=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
        previous=st.sampled_from(PREVIOUS),
        eta_part=part,
        tau_part=st.one_of(st.just(0.0), part),
    )


def fixed_cases(eta: float, tau: float, norm: Any = "global", rule: Any = "adaptive") -> st.SearchStrategy[StepCase]:
    """Hypothesis strategy of cases with one given (eta, tau), for the rules adaptive and restart."""
    return st.builds(
        StepCase,
        seed=st.integers(0, 2**32 - 1),
        distance=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
        previous=st.sampled_from(PREVIOUS),
        eta=st.just(eta),
        momentum=st.just(tau),
        norm=st.just(norm),
        rule=st.just(rule),
    )


def heavy_ball_cases(eta: float, mu: float) -> st.SearchStrategy[StepCase]:
    """Hypothesis strategy of heavy ball steps with one given (eta, mu), after previous steps of many lengths."""
    return st.builds(
        StepCase,
        seed=st.integers(0, 2**32 - 1),
        distance=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
        previous=st.sampled_from(PREVIOUS),
        eta=st.just(eta),
        momentum=st.just(mu),
        rule=st.just("heavy_ball"),
        length=st.one_of(st.sampled_from([0.5, 1.0]), st.floats(0, 2)),
    )


def nesterov_cases(eta: float, mu: float) -> st.SearchStrategy[StepCase]:
    """Hypothesis strategy of steps of Nesterov's variant with one given (eta, mu), as `heavy_ball_cases`."""
    return heavy_ball_cases(eta, mu).map(lambda case: replace(case, rule="nesterov"))


def from_rest_cases(eta: float, tau: float) -> st.SearchStrategy[StepCase]:
    """Hypothesis strategy of steps of runs that start at rest, with one given (eta, tau)."""
    return st.builds(
        StepCase,
        seed=st.integers(0, 2**32 - 1),
        distance=st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0, 1)),
        previous=st.just("none"),
        eta=st.just(eta),
        momentum=st.just(tau),
        rule=st.just("from_rest"),
        steps=st.integers(0, _LONGEST_RUN),
    )


@certified_environment()
def run_monotone_test(
    problem: Objective,
    lipschitz: float,
    leading: np.ndarray,
    cases: st.SearchStrategy[StepCase],
    *,
    examples: int = 200,
    seed: int = 0,
    take: Callable[..., StepOutcome | LyapunovOutcome] = take_step,
    progress: Callable[[StepOutcome | LyapunovOutcome], None] = lambda outcome: None,
) -> MonotoneResult:
    """Let Hypothesis search for a covered step that increases the error, or V; the comparison has no slack.

    Parameters
    ----------
    problem : Problem or GraphProblem
    lipschitz : float
        L of the range.
    leading : array, shape (P,)
        An adversarial direction for previous steps.
    cases : SearchStrategy
        Of `step_cases`, `fixed_cases`, `from_rest_cases`, `heavy_ball_cases` or `nesterov_cases`.
    examples, seed : int
    take : callable
        Takes one step: `take_step`, `take_step_from_rest`, or `take_heavy_ball_step` and `take_nesterov_step`, which
        decide V instead of E.
    progress : callable
        Called after every step.

    Returns
    -------
    MonotoneResult
    """
    counts = dict.fromkeys(("examples", "covered", "shortened", "violations", "undecided"), 0)
    violating: list[StepCase] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink],
        print_blob=False,
        report_multiple_bugs=False,
    )
    @hypothesis.given(case=cases)
    def error_does_not_increase(case: StepCase) -> None:
        outcome = take(problem, case, lipschitz, leading)
        counts["examples"] += 1
        counts["covered"] += outcome.covered
        counts["shortened"] += outcome.scale < 1
        counts["violations"] += outcome.violates
        counts["undecided"] += outcome.decision.decreases is Verdict.UNDECIDED
        progress(outcome)
        if outcome.violates:
            violating.append(case)
            raise _MonotoneViolationError(case.to_json())

    with contextlib.suppress(_MonotoneViolationError):
        error_does_not_increase()
    return MonotoneResult(**counts, counterexample=violating[-1] if violating else None)
