"""Search for a step that increases the error: a control of the property test, and the margin of the range.

An increase counts only if it is one of the algorithm's own step. Float64 may get the gradient wrong, even its sign; so
the step is enclosed in exact reals, from an enclosure of the gradient, and the increase is proved for all of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.calculus.decide import Decision
from verify.calculus.exact_step import exact_step
from verify.calculus.problem import vertex_blocks
from verify.properties.cases import PREVIOUS, StepCase, required_region

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.calculus.objective import Objective
    from verify.training.momentum import Norm

_DOUBLINGS = 24
_HALVINGS = 10
_VISIBLE = 1e-9


@dataclass(frozen=True)
class Increase:
    """A step of the algorithm that was proved to increase the error, in exact reals and as float64 stores it.

    Parameters
    ----------
    case : StepCase
        Replays the step.
    decision : Decision
        The proof: its sign is 1, its bounds hold for every point of a box around both ends of the step.
    """

    case: StepCase
    decision: Decision


@certified_environment()
def find_increase(
    problem: Objective, case: StepCase, leading: np.ndarray, *, starts: int = 8, seed: int = 0
) -> Increase | None:
    """Look for a step inside the region, from any point and after any step, that increases the error.

    The heavy ball starts from rest (D = 0): there an increase of E is one of V = E + mu/(2 eta) |D|^2 too, which is
    what its theorem speaks of.

    Parameters
    ----------
    problem : Problem or GraphProblem
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
            found = prove_increase(problem, candidate, leading)
            if found is not None:
                return found
    return None


@certified_environment()
def find_counterexample(problem: Objective, setting: Setting, leading: np.ndarray, *, seed: int = 0) -> Increase | None:
    """Look for a step with a setting that increases the error where the theorem asked says that it falls.

    For mu the step starts from rest, where an increase of E is one of V too. Theorem `from_rest` speaks of a training
    from the initial weights, whose first step is plain descent: no other step is looked at, as another training's
    would refute nothing.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    setting : Setting
    leading : array, shape (P,)
        An adversarial direction for previous steps.
    seed : int

    Returns
    -------
    Increase or None
        None if no increase was found, which proves nothing.
    """
    if setting.from_rest:
        case = StepCase(seed, 0.0, "none", setting.eta, 0.0)
        at_start = np.array_equal(case.start(problem), problem.initial_weights)
        return find_increase(problem, case, leading, starts=1, seed=seed) if at_start else None
    rule = setting.rule if setting.mu is None else "heavy_ball"
    case = StepCase(seed, 0.0, "none", setting.eta, setting.momentum, rule, setting.norm)
    return find_increase(problem, case, leading, seed=seed)


@certified_environment()
def prove_increase(problem: Objective, case: StepCase, leading: np.ndarray, *, inside: bool = True) -> Increase | None:
    """Prove that the step of a case increases the error.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    case : StepCase
    leading : array, shape (P,)
    inside : bool
        Whether the step must end in the region; it starts there, and a region is convex.

    Returns
    -------
    Increase or None
        None if it is not proved.
    """
    w = case.start(problem)
    gradient = problem.gradient(w)
    previous = Interval.point(case.previous_step(gradient, leading))
    stored = w + case.step(problem, gradient, leading)
    norm, restart = case.norm if case.is_adaptive else None, case.rule == "restart"
    decision = decide_increase(
        problem, w, previous, case.eta, case.momentum, norm, stored, inside=inside, restart=restart
    )
    return None if decision is None else Increase(case, decision)


@certified_environment()
def decide_increase(
    problem: Objective,
    w: np.ndarray,
    previous: Interval,
    eta: float,
    momentum: float,
    norm: Norm | None,
    stored: np.ndarray,
    *,
    inside: bool,
    restart: bool = False,
) -> Decision | None:
    """Prove that the algorithm's next step from w after the step `previous` increases the error.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w : array, shape (P,)
    previous, eta, momentum, norm, restart
        As in `exact_step`.
    stored : array, shape (P,)
        The weights that a program stores after the step: the increase holds for them too.
    inside : bool
        Whether both ends, in exact reals and as stored, must be in the problem's region.

    Returns
    -------
    Decision or None
        None if it is not proved.
    """
    try:
        gradient, blocks = problem.gradient_enclosure(w), vertex_blocks(problem, norm)
        step = exact_step(gradient, previous, eta, momentum, norm, blocks, restart)
        ends = Interval.point(w) + step
        ends = Interval.from_bounds(np.minimum(ends.lower, stored), np.maximum(ends.upper, stored))
    except (ArithmeticDomainError, ZeroDivisionError):
        return None
    if not (np.all(np.isfinite(ends.lower)) and np.all(np.isfinite(ends.upper))):
        return None
    if inside and not required_region(problem).contains_box(ends):
        return None
    (before, at_most), (at_least, after) = problem.error_enclosure(w), problem.error_over(ends)
    lower, upper = float(np.nextafter(at_least - at_most, -np.inf)), float(np.nextafter(after - before, np.inf))
    return Decision(1, lower, upper, 53) if at_least > at_most and lower > 0 else None


@certified_environment()
def smallest_increasing_factor(
    problem: Objective,
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
    problem : Problem or GraphProblem
    case : StepCase
        The certified pair, factor 1.
    leading : array, shape (P,)
    starts, seed : int
    progress : callable
        Called once per start and previous step.

    Returns
    -------
    (float, Increase) or None
        The factor is an upper bound of the true one, since each increase is proved; None if none was found. The step
        starts in the region but may end outside: a margin is about learning rates, not about the region.
    """
    best: tuple[float, Increase] | None = None
    for candidate in _candidates(case, starts, seed):
        progress()
        found = _first_increase(problem, candidate, leading, below=best[0] if best else np.inf)
        best = found or best
    return best


def _first_increase(
    problem: Objective, case: StepCase, leading: np.ndarray, below: float
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
    found = prove_increase(problem, scaled, leading, inside=False)
    return None if found is None else (high, found)


def _candidates(case: StepCase, starts: int, seed: int) -> Iterator[StepCase]:
    rng = np.random.default_rng(seed)
    for index in range(starts):
        distance = 0.0 if index == 0 else float(rng.uniform())
        for previous in PREVIOUS if case.momentum > 0 and case.is_adaptive else PREVIOUS[:1]:
            yield replace(case, seed=int(rng.integers(2**32)), distance=distance, previous=previous)


def _visibly_larger(problem: Objective, error: float, w_next: np.ndarray) -> bool:
    """Whether float64 shows an increase; it is only a filter, the decision is rigorous."""
    if not np.all(np.isfinite(w_next)):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        after = problem.error(w_next)
    return bool(np.isfinite(after) and after > error * (1 + _VISIBLE))
