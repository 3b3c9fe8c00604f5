"""A numerical gradient of a graph against its enclosure, and the enclosure against differences of the error."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.arithmetic import arb
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.arithmetic.floats import float64_array
from verify.arithmetic.intervals import Interval
from verify.calculus.gradient_check import (
    AGREES,
    COARSE_REMEDY,
    COARSEST_RESOLUTION,
    DIFFERS,
    MISTAKE_REMEDY,
    OPEN,
    OVERFLOW_REMEDY,
    check_gradient,
    points_near_start,
)
from verify.graph.decision import LARGEST_EXACT, entries
from verify.graph.evaluation import ARB, evaluate
from verify.graph.problem import GraphProblem
from verify.outcomes import Finding, InputError, Verdict

OTHER_FORMULA = 1024.0
"""How many times the rounding of this evaluation another formula's may be before its gradient counts as wrong."""
_BITS, _STEP = 400, 2.0**-100
_SINGLE = 2.0**29


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
        As for the classical class. An entry is wrong if it is farther from the enclosure than 1024 times the rounding
        that the enclosure allows for; between once and that the answer is ``"OPEN"``.

    Raises
    ------
    InputError
        If the gradient given returns the wrong shape or type.
    """
    rng = np.random.default_rng(seed)
    function = problem.gradient if user_gradient is None else as_users_code(user_gradient)
    what = "problem.gradient" if user_gradient is None else "the gradient given"
    results = [_compared(problem, function, w, rng) for w in points_near_start(problem, points, rng)]
    return _finding(problem, results, what)


@dataclass(frozen=True)
class _Comparison:
    w: np.ndarray
    given: np.ndarray
    expected: Interval
    roundoffs: float
    slope_agrees: bool | None

    @property
    def size(self) -> float:
        return float(np.linalg.norm(self.expected.mid))

    @property
    def error(self) -> np.ndarray:
        return np.abs(self.given - self.expected.mid)

    @property
    def allowance(self) -> np.ndarray:
        """What the rounding of the enclosure's evaluation is, in the precision of the gradient given."""
        return self.expected.rad * self.roundoffs + np.abs(self.expected.mid) * 2.0**-52 * self.roundoffs

    @property
    def relative_error(self) -> float:
        return float(np.max(self.error, initial=0.0)) / self.size if self.size > 0 else float(np.max(self.error))


def _compared(
    problem: GraphProblem, function: Callable[[np.ndarray], Any], w: np.ndarray, rng: np.random.Generator
) -> _Comparison:
    given = np.asarray(function(w.copy()))
    roundoffs = _SINGLE if given.dtype == np.float32 else 1.0
    numbers = float64_array(given, "the gradient given")
    if numbers.shape != (problem.size,):
        raise InputError(
            "the gradient has the wrong shape",
            shape=numbers.shape,
            expected=(problem.size,),
            remedy=f"return one vector of {problem.size} numbers",
        )
    expected = problem.gradient_enclosure(w)
    return _Comparison(w, numbers, expected, roundoffs, _slope_agrees(problem, w, expected, rng))


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
    return Finding(
        id="gradient_check",
        verdict=Verdict.REFUTED if outcome == DIFFERS else Verdict.UNDECIDED,
        statement=statement,
        numbers={
            "checked": f"every one of {problem.size} entries at {len(results)} points: {what} with its enclosure",
            "max_relative_error": largest if math.isfinite(largest) else None,
            "points": len(results),
            "slopes_compared": sum(result.slope_agrees is not None for result in results),
            "outcome": outcome,
        },
        arithmetic="float64 against intervals, and these against differences in Arb at 400 bits",
        needed_for="that the code computes the gradient",
        counterexample=example,
        remedy=remedy,
    )


def _decided(
    problem: GraphProblem, results: list[_Comparison], what: str
) -> tuple[str, str, dict[str, Any] | None, str | None]:
    for result in results:
        if not (np.all(np.isfinite(result.given)) and np.all(np.isfinite(result.expected.rad))):
            return OPEN, f"{what} or its enclosure has no finite value", None, OVERFLOW_REMEDY
        if result.slope_agrees is False:
            return OPEN, "the enclosure disagrees with differences of the error", None, "report this network"
        wrong = result.error > OTHER_FORMULA * result.allowance
        if np.any(wrong):
            position = int(np.argmax(np.where(wrong, result.error, -1.0)))
            example = _example(problem, result, position)
            statement = (
                f"{what} is wrong at {example['weight']}: it gives {example['given']!r}, expected "
                f"{example['expected']!r} up to rounding of {example['allowance']:.1e}"
            )
            return DIFFERS, statement, example, MISTAKE_REMEDY
    coarsest = max(float(np.max(result.allowance, initial=0.0)) / max(result.size, 1e-300) for result in results)
    if not coarsest <= COARSEST_RESOLUTION:
        statement = f"rounding may be {coarsest:.1e} of the gradient's norm, so a wrong gradient could hide in it"
        return OPEN, statement, None, COARSE_REMEDY
    if any(np.any(result.error > 2 * result.allowance) for result in results):
        statement = f"{what} differs by more than the rounding of one formula, less than by a mistake"
        return OPEN, statement, None, MISTAKE_REMEDY
    checked = f"every entry of {what} agrees with its enclosure up to rounding"
    return AGREES, f"at {len(results)} points {checked}, no proof elsewhere", None, None


def _example(problem: GraphProblem, result: _Comparison, position: int) -> dict[str, Any]:
    block = next(b for b in problem.blocks if b.place.start <= position < b.place.stop)
    index = np.unravel_index(position - block.place.start, block.shape)
    return {
        "weight": f"{block.label}[{', '.join(str(int(i)) for i in index)}]",
        "position": position,
        "given": float(result.given[position]),
        "expected": float(result.expected.mid[position]),
        "allowance": float(OTHER_FORMULA * result.allowance[position]),
        "w": result.w.tolist(),
    }
