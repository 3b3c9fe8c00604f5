"""Propose by L-BFGS, prove by values: a step is the way that several proposals went, proved at once.

Nothing is assumed of the network but that its error can be enclosed: kinks, couplings and shared parameters are
welcome. A proposal is taken in float64 where it decreases the error enough and the slope has got flatter (Wolfe's
conditions); only the sum of a few of them is proved, so that the proof's cost is shared: the way goes on while it is
too short to show through the rounding of the error. If the sum cannot be proved, the way is cut back to its earlier
points.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np

from verify.arithmetic.lengths import length as euclidean
from verify.calculus.decide import MAXIMAL_PRECISION
from verify.graph.decision import entries
from verify.graph.problem import GraphProblem
from verify.outcomes import Verdict
from verify.training.evaluation import decide_by_errors, error_range
from verify.training.limited_memory import HISTORY, LimitedMemory
from verify.training.rules import KnownError, NoStepError, Rule, State, decided_record
from verify.training.state import SavedState
from verify.training.trajectory import StepRecord

if TYPE_CHECKING:
    from verify.bounds.start import StartPass
    from verify.calculus.objective import Objective

FLOAT_BITS = 53
MOST_PROPOSALS = 24
_FIRST_PROPOSALS = 6
_LONGEST_WAY = 2 * MOST_PROPOSALS
_CLEAR = 4.0
"""A way's decrease in float64, over the width of the error's range, from which ranges are expected to decide."""
_SMALL_ENOUGH_FOR_ARB = 5_000
"""Entries of all nodes: every one, and every product in it, is an object that costs about a microsecond."""
_TRIES = 20
_TRIES_FOR_SLOPE = 6
"""Tries after which a point with sufficient decrease will do, whatever its slope."""
_SUFFICIENT = 1e-4
"""Share of the decrease that the slope promises with which a proposal is content (Nocedal, Wright, Numerical
Optimization, 2006, section 3.1)."""
_FLATTER = 0.9
"""Share of the first slope that may be left: the pair of step and change of gradient then shows positive curvature."""
_FIRST_LENGTH = 0.02
"""Length of the very first proposal, as a share of the length of the weights."""


@dataclass
class Point:
    """Weights on the way, with the error and the gradient there in float64."""

    weights: np.ndarray
    error: float
    gradient: np.ndarray


@final
@dataclass
class QuasiNewtonRule(Rule):
    """See the module.

    Parameters
    ----------
    proposals : int
        How many are tried before the next proof; grows to `MOST_PROPOSALS` while proofs succeed.
    """

    name = "guarded"
    proposals: int = _FIRST_PROPOSALS
    length: float = 0.0
    memory: LimitedMemory = field(default_factory=LimitedMemory)
    known: KnownError = field(default_factory=KnownError)

    def step(
        self, problem: Objective, w: np.ndarray, gradient: np.ndarray, start: StartPass | None = None
    ) -> tuple[np.ndarray, StepRecord]:
        before = self.known.at(problem, w)
        error, _ = problem.error_and_gradient(w)
        way = self._way(problem, Point(w, error, gradient), before[1] - before[0])
        while len(way) > 1:
            end = way[-1].weights
            after = error_range(problem, end)
            decision, evidence = decide_by_errors(problem, w, end, before, after, _precision(problem))
            if decision.decreases is Verdict.PROVED:
                self.proposals = min(2 * self.proposals, MOST_PROPOSALS)
                self.known.keep(end, after)
                eta, tau = momentum_form(end - w, gradient)
                return end, decided_record(decision, evidence, eta, tau)
            self.proposals = 1
            way = way[: (len(way) + 1) // 2]
        raise NoStepError("no decrease can be proved any more")

    def _way(self, problem: Objective, start: Point, width: float) -> list[Point]:
        way = [start]
        while len(way) <= self.proposals or (
            len(way) <= _LONGEST_WAY and start.error - way[-1].error < _CLEAR * width < np.inf
        ):
            following = self._proposal(problem, way[-1])
            if following is None and self.memory:
                self.memory.clear()
                following = self._proposal(problem, way[-1])
            if following is None:
                break
            self.memory.add(following.weights - way[-1].weights, following.gradient - way[-1].gradient)
            way.append(following)
        return way

    def _proposal(self, problem: Objective, point: Point) -> Point | None:
        """Return a point along the quasi-Newton direction with sufficient decrease and a flatter slope, or None.

        Both are Wolfe's conditions; the length is bisected between one that is too short and one that is too long
        (Lewis, Overton, Math. Program. 141 (2013) 135-163, kinks welcome). Where the tries end before, the longest one
        with sufficient decrease counts.
        """
        direction = self.memory.direction(point.gradient)
        with np.errstate(all="ignore"):
            slope, size = float(direction @ point.gradient), euclidean(direction)
        if not (np.isfinite(size) and slope < 0):
            return None
        length = 1.0 if self.memory else self._first_length(point.weights, size)
        short, long = 0.0, np.inf
        found: Point | None = None
        for tries in range(_TRIES):
            weights = point.weights + length * direction
            if np.array_equal(weights, point.weights) or (found is not None and tries >= _TRIES_FOR_SLOPE):
                break
            error, gradient = problem.error_and_gradient(weights) if np.all(np.isfinite(weights)) else (np.inf, weights)
            if error <= point.error + _SUFFICIENT * length * slope and np.all(np.isfinite(gradient)):
                short, found, self.length = length, Point(weights, error, gradient), length * size
                if float(direction @ gradient) >= _FLATTER * slope:
                    break
            else:
                long = length
            length = 2.0 * short if not np.isfinite(long) else 0.5 * (short + long)
        return found

    def _first_length(self, weights: np.ndarray, size: float) -> float:
        wanted = self.length or _FIRST_LENGTH * euclidean(weights) or 1.0
        return wanted / size

    def state(self) -> State:
        return {"proposals": np.array(self.proposals), "length": np.array(self.length), **self.memory.state()}

    def restore(self, saved: SavedState) -> None:
        saved.expect(("proposals", "length"), HISTORY, always=False)
        self.proposals, self.length = min(max(1, saved.count("proposals")), MOST_PROPOSALS), saved.number("length")
        self.memory.restore(saved)


def _precision(problem: Objective) -> int:
    """Return the bits up to which a decrease is decided: float64's for networks that are slow in Arb."""
    if isinstance(problem, GraphProblem) and entries(problem.graph) > _SMALL_ENOUGH_FOR_ARB:
        return FLOAT_BITS
    return MAXIMAL_PRECISION


def momentum_form(step: np.ndarray, gradient: np.ndarray) -> tuple[float, float]:
    """Return (eta, tau) with ``step = -eta g + m``, ``|m| = tau |g|`` and m orthogonal to g, up to rounding.

    Examples
    --------
    >>> momentum_form(np.array([-1.0, 3.0]), np.array([2.0, 0.0]))
    (0.5, 1.5)
    """
    with np.errstate(all="ignore"):
        squared = float(gradient @ gradient)
        eta = -float(step @ gradient) / squared if squared > 0 else 0.0
        rest = float(np.linalg.norm(step + eta * gradient))
    return eta, rest / float(np.sqrt(squared)) if squared > 0 else 0.0
