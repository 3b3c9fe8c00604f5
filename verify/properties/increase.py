"""Search for a step that increases the error: the control of the property test, and how far the range is from failing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from verify.calculus.decide import Decision, decide_decrease
from verify.properties.cases import PREVIOUS, StepCase

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

_DOUBLINGS = 40
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


def find_increase(
    problem: Problem, case: StepCase, leading: np.ndarray, *, starts: int = 8, seed: int = 0
) -> Increase | None:
    """Look for a point and a previous step from which (eta, momentum) of `case` increases the error.

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
        w, w_next = _endpoints(problem, candidate, leading)
        if _visibly_larger(problem, w, w_next):
            decision = decide_decrease(problem, w, w_next)
            if decision.sign == 1:
                return Increase(candidate, decision)
    return None


def smallest_increasing_factor(
    problem: Problem,
    case: StepCase,
    leading: np.ndarray,
    *,
    starts: int = 4,
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
    def increases(factor: float) -> bool:
        return _visibly_larger(problem, *_endpoints(problem, _scaled(case, factor), leading))

    high = next((2.0**k for k in range(_DOUBLINGS) if 2.0 ** (k - 1) < below and increases(2.0**k)), None)
    if high is None:
        return None
    low = high / 2
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if increases(middle) else (middle, high)
    if high >= below:
        return None
    scaled = _scaled(case, high)
    decision = decide_decrease(problem, *_endpoints(problem, scaled, leading))
    return (high, Increase(scaled, decision)) if decision.sign == 1 else None


def _candidates(case: StepCase, starts: int, seed: int) -> Iterator[StepCase]:
    rng = np.random.default_rng(seed)
    for index in range(starts):
        distance = 0.0 if index == 0 else float(rng.uniform())
        for previous in PREVIOUS:
            yield replace(case, seed=int(rng.integers(2**32)), distance=distance, previous=previous)


def _scaled(case: StepCase, factor: float) -> StepCase:
    return replace(case, eta=case.eta * factor, momentum=case.momentum * factor)


def _endpoints(problem: Problem, case: StepCase, leading: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    w = case.start(problem)
    return w, w + case.step(problem, problem.gradient(w), leading)


def _visibly_larger(problem: Problem, w: np.ndarray, w_next: np.ndarray) -> bool:
    """Whether float64 shows an increase; it is only a filter, the decision is rigorous."""
    if not np.all(np.isfinite(w_next)):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        before, after = problem.error(w), problem.error(w_next)
    return bool(np.isfinite(after) and after > before * (1 + _VISIBLE))
