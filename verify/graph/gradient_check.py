"""A numerical gradient of a graph against all that rounding allows, and its enclosure against differences of the error.

What rounding allows is followed through the graph of the gradient (`Operation.programmed`): intervals that hold the
exact numbers and every number that a program of a given precision may compute by these formulas, with sums in any
order. An entry outside its interval is not the gradient, rounded; a program that uses other formulas, such as a
variance as a difference of moments or convolutions by a Fourier or Winograd transform, or products of fewer digits than
its arrays have, such as TF32, may round more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.arithmetic import arb
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.interval_joins import concatenate
from verify.arithmetic.intervals import Interval
from verify.arithmetic.lengths import length
from verify.arithmetic.precision import Precision, unknown
from verify.calculus.gradient_check import (
    AGREES,
    COARSE_REMEDY,
    COARSEST_RESOLUTION,
    DIFFERS,
    MISTAKE_REMEDY,
    OPEN,
    OVERFLOW_REMEDY,
    SINGLE_REMEDY,
    SINGLE_ROUNDOFF,
    check_gradient,
    points_near_start,
)
from verify.calculus.symbolic.comparison import called
from verify.graph.decision import LARGEST_EXACT, entries
from verify.graph.evaluation import ARB, Arithmetic, evaluate
from verify.graph.problem import GraphProblem
from verify.outcomes import Finding, Verdict

_BITS, _STEP = 400, 2.0**-100


@check_gradient.register
@certified_environment()
def check_graph_gradient(
    problem: GraphProblem,
    user_gradient: Callable[[np.ndarray], Any] | None = None,
    *,
    points: int | Sequence[np.ndarray] = 3,
    seed: int = 0,
) -> Finding:
    """Compare a gradient with an interval enclosure at random points: `verify.check_gradient` of these problems.

    The enclosure comes from the graph's own backpropagation; along a random direction it is compared with a difference
    quotient of E in 400-digit Arb arithmetic, which uses no derivative rule, where the graph is small enough.

    Parameters
    ----------
    problem : GraphProblem
    user_gradient : callable, optional
        From w (P,) to P numbers, weight decay included. Default: ``problem.gradient``.
    points : int or sequence of arrays (P,)
    seed : int

    Returns
    -------
    Finding
        As for the classical class. An entry is wrong if no program of the precision of the array given can compute it
        by the formulas of this graph, in any order of summation.

    Raises
    ------
    InputError
        If the gradient given returns the wrong shape or type.
    """
    rng = np.random.default_rng(seed)
    function = problem.gradient if user_gradient is None else user_gradient
    what = "problem.gradient" if user_gradient is None else "the gradient given"
    results = [_compared(problem, function, w, rng) for w in points_near_start(problem, points, rng)]
    return _finding(problem, results, what)


@dataclass(frozen=True)
class _Comparison:
    """A gradient, the enclosure of the exact one, and what programs of its precision may compute."""

    w: np.ndarray
    given: np.ndarray
    precision: Precision
    expected: Interval
    programs: Interval
    slope_agrees: bool | None

    @property
    def size(self) -> float:
        return length(self.expected.mid)

    @property
    def error(self) -> np.ndarray:
        return np.abs(self.given - self.expected.mid)

    @property
    def wrong(self) -> np.ndarray:
        """Where it is none of the numbers that rounding explains."""
        return (self.given < self.programs.lower) | (self.given > self.programs.upper)

    @property
    def looks_single(self) -> bool:
        """Whether an array of float64 is as close as one that was computed in single precision."""
        return bool(self.precision.roundoff < SINGLE_ROUNDOFF and self.relative_error < 16 * SINGLE_ROUNDOFF)

    @property
    def resolution(self) -> float:
        """What rounding may be, relative to the gradient's norm: smaller mistakes cannot be seen."""
        allowed = length(self.programs.rad)
        return allowed / self.size if self.size > 0 else (0.0 if not self.expected.max_abs().any() else math.inf)

    @property
    def relative_error(self) -> float:
        largest = float(np.max(self.error, initial=0.0))
        return largest / self.size if self.size > 0 else (0.0 if largest == 0 else math.inf)


def _compared(
    problem: GraphProblem, function: Callable[[np.ndarray], Any], w: np.ndarray, rng: np.random.Generator
) -> _Comparison:
    given, precision = called(function, w)
    expected = problem.gradient_enclosure(w)
    programs = computable_gradient(problem, w, precision)
    return _Comparison(w, given, precision, expected, programs, _slope_agrees(problem, w, expected, rng))


@certified_environment()
def computable_gradient(problem: GraphProblem, w: np.ndarray, precision: Precision) -> Interval:
    """Return intervals that hold the exact gradient and whatever programs of a precision compute for it, (P,).

    Parameters
    ----------
    problem : GraphProblem
    w : array, shape (P,)
    precision : Precision
    """
    arithmetic = Arithmetic(
        "what programs compute",
        precision.entered,
        unknown,
        lambda operation, arguments: operation.programmed(precision, *arguments),
    )
    try:
        parts = evaluate(problem.gradient_graph, problem.values(w), arithmetic)[1:]
    except ArithmeticError:
        return unknown((problem.size,))
    return concatenate([part.reshape(-1) for part in parts])


def _slope_agrees(problem: GraphProblem, w: np.ndarray, gradient: Interval, rng: np.random.Generator) -> bool | None:
    """Whether the slope along a random direction may be the difference quotient of E; None if it was not looked at."""
    if entries(problem.graph) > LARGEST_EXACT // 20 or not np.all(np.isfinite(gradient.rad)):
        return None
    direction = rng.standard_normal(w.size)
    slope = gradient.dot(Interval.point(direction))
    with arb.precision(_BITS):
        ahead, behind = (_error_at(problem, w, sign * _STEP, direction) for sign in (1, -1))
        quotient = (ahead - behind) / (2 * arb.Arb(_STEP))
        if quotient.is_nan():
            return None
        lower, upper = arb.bounds(quotient)
    room = float(slope.rad) + 2.0**-40 * (abs(float(slope.mid)) + float(np.linalg.norm(gradient.mid)))
    return bool(lower - room <= float(slope.mid) <= upper + room)


def _error_at(problem: GraphProblem, w: np.ndarray, step: float, direction: np.ndarray) -> Any:
    moved = np.asarray(arb.exact(w), dtype=object) + np.asarray(arb.exact(direction), dtype=object) * arb.Arb(step)
    return evaluate(problem.graph, problem.values(moved), ARB)[0].reshape(-1)[0]


def _finding(problem: GraphProblem, results: list[_Comparison], what: str) -> Finding:
    outcome, statement, example, remedy = _decided(problem, results, what)
    largest = max(result.relative_error for result in results)
    resolution = max(result.resolution for result in results)
    return Finding(
        id="gradient_check",
        verdict=Verdict.REFUTED if outcome == DIFFERS else Verdict.UNDECIDED,
        statement=statement,
        numbers={
            "checked": f"every one of {problem.size} entries at {len(results)} points: {what} with its enclosure",
            "max_relative_error": largest if math.isfinite(largest) else None,
            "resolution": resolution if math.isfinite(resolution) else None,
            "points": len(results),
            "slopes_compared": sum(result.slope_agrees is not None for result in results),
            "outcome": outcome,
        },
        arithmetic="float64 against intervals that hold all rounding, and these against differences in Arb at 400 bits",
        needed_for="that the code computes the gradient",
        counterexample=example,
        remedy=remedy,
    )


def _decided(
    problem: GraphProblem, results: list[_Comparison], what: str
) -> tuple[str, str, dict[str, Any] | None, str | None]:
    for result in results:
        if not np.all(np.isfinite(result.given)):
            return OPEN, f"{what} has no finite value", None, OVERFLOW_REMEDY
        if result.slope_agrees is False:
            return OPEN, "the enclosure disagrees with differences of the error", None, "report this network"
        if np.any(result.wrong):
            position = int(np.argmax(np.where(result.wrong, result.error, -1.0)))
            example = _example(problem, result, position)
            statement = (
                f"{what} is wrong at {example['weight']}: it gives {example['given']!r}, the network "
                f"{example['expected']!r}, rounding of its formulas explains {example['allowance']:.1e}"
            )
            return DIFFERS, statement, example, SINGLE_REMEDY if result.looks_single else MISTAKE_REMEDY
        if not np.all(np.isfinite(result.programs.rad)):
            statement = f"what rounding may do to {what} is not bounded: a kink is within reach, or it grows too large"
            return OPEN, statement, None, OVERFLOW_REMEDY
    coarsest = max(result.resolution for result in results)
    if not coarsest <= COARSEST_RESOLUTION:
        statement = f"rounding may be {coarsest:.1e} of the gradient's norm, so a wrong gradient could hide in it"
        return OPEN, statement, None, COARSE_REMEDY
    checked = f"every entry of {what} is one that rounding in any order explains"
    return AGREES, f"at {len(results)} points {checked}, no proof elsewhere", None, None


def _example(problem: GraphProblem, result: _Comparison, position: int) -> dict[str, Any]:
    block = next(b for b in problem.blocks if b.place.start <= position < b.place.stop)
    index = np.unravel_index(position - block.place.start, block.shape)
    return {
        "weight": f"{block.label}[{', '.join(str(int(i)) for i in index)}]",
        "position": position,
        "given": float(result.given[position]),
        "expected": float(result.expected.mid[position]),
        "allowance": float(result.programs.rad[position]),
        "w": result.w.tolist(),
    }
