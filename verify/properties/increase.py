"""Search for a step that increases the error: a control of the property test, and the margin of the range."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.calculus.decide import Decision, decide_decrease
from verify.properties.cases import PREVIOUS, StepCase

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

_DOUBLINGS = 24
_HALVINGS = 10
_VISIBLE = 1e-9


@dataclass(frozen=True)
class Increase:
    """A step that was proved to increase the error.

    Parameters
    ----------
    case : StepCase
        Replays the step.
    decision : Decision
        The proof: its sign is 1.
    """

    case: StepCase
    decision: Decision


@certified_environment()
def find_increase(
    problem: Problem, case: StepCase, leading: np.ndarray, *, starts: int = 8, seed: int = 0
) -> Increase | None:
    """Look for a point and a previous step from which (eta, momentum) of `case` increases the error.

    The heavy ball starts from rest (D = 0): there an increase of E is one of V = E + mu/(2 eta) |D|^2 too, which is
    what its theorem speaks of.

    Parameters
    ----------
    problem : Problem
        With a region.
    case : StepCase
        Its eta, momentum, rule and norm are kept; where it starts and what came before is searched.
    leading : array, shape (P,)
        An adversarial direction for previous steps.
    starts : int
        Points of the region to start from; the centre is one of them.
    seed : int

    Returns
    -------
    Increase or None
        None if no increase was found, which proves nothing.
    """
    for candidate in _candidates(case, starts, seed):
        w = candidate.start(problem)
        w_next = w + candidate.step(problem, problem.gradient(w), leading)
        if _visibly_larger(problem, problem.error(w), w_next):
            decision = decide_decrease(problem, w, w_next)
            if decision.sign == 1:
                return Increase(candidate, decision)
    return None


@certified_environment()
def smallest_increasing_factor(
    problem: Problem,
    case: StepCase,
    leading: np.ndarray,
    *,
    starts: int = 3,
    seed: int = 0,
    progress: Callable[[], None] = lambda: None,
) -> tuple[float, Increase] | None:
    """Scale eta and momentum of `case` together until the error rises; return the smallest factor found.

    Parameters
    ----------
    problem : Problem
    case : StepCase
        The certified pair, factor 1.
    leading : array, shape (P,)
    starts, seed : int
    progress : callable
        Called once per start and previous step.

    Returns
    -------
    (float, Increase) or None
        The factor is an upper bound of the true one, since each increase is proved; None if none was found.
    """
    best: tuple[float, Increase] | None = None
    for candidate in _candidates(case, starts, seed):
        progress()
        found = _first_increase(problem, candidate, leading, below=best[0] if best else np.inf)
        best = found or best
    return best


def _first_increase(
    problem: Problem, case: StepCase, leading: np.ndarray, below: float
) -> tuple[float, Increase] | None:
    w = case.start(problem)
    step = case.step(problem, problem.gradient(w), leading)
    error = problem.error(w)

    def increases(factor: float) -> bool:
        return _visibly_larger(problem, error, w + factor * step)

    high = next((2.0**k for k in range(_DOUBLINGS) if 2.0 ** (k - 1) < below and increases(2.0**k)), None)
    if high is None:
        return None
    low = high / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if increases(middle) else (middle, high)
    if high >= below:
        return None
    scaled = replace(case, eta=case.eta * high, momentum=case.momentum * high)
    decision = decide_decrease(problem, w, w + scaled.step(problem, problem.gradient(w), leading))
    return (high, Increase(scaled, decision)) if decision.sign == 1 else None


def _candidates(case: StepCase, starts: int, seed: int) -> Iterator[StepCase]:
    rng = np.random.default_rng(seed)
    for index in range(starts):
        distance = 0.0 if index == 0 else float(rng.uniform())
        for previous in PREVIOUS if case.momentum > 0 and case.rule == "adaptive" else PREVIOUS[:1]:
            yield replace(case, seed=int(rng.integers(2**32)), distance=distance, previous=previous)


def _visibly_larger(problem: Problem, error: float, w_next: np.ndarray) -> bool:
    """Whether float64 shows an increase; it is only a filter, the decision is rigorous."""
    if not np.all(np.isfinite(w_next)):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        after = problem.error(w_next)
    return bool(np.isfinite(after) and after > error * (1 + _VISIBLE))
