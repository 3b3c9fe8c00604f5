"""The error with a proved bound of all rounding, for little more than one forward pass.

Every vertex carries one bound of its outputs' errors in the maximum norm (`verify.bounds.taylor_rounding`). It is wider
than `Problem.error_enclosure` and several times cheaper: enough to prove every decrease that is not tiny.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from math import isfinite
from typing import final

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.bounds.error_ranges import range_of, squared_residuals
from verify.bounds.forward_errors import all_weights, propagate
from verify.bounds.workspace import borrowed_workspace
from verify.calculus.decide import MAXIMAL_PRECISION, Decision, decide_decrease
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.calculus.sample_sum import ProblemSum
from verify.graph.problem import GraphProblem

Squares = list[tuple[float, float]]


@certified_environment()
@singledispatch
def error_range(problem: Objective, w: np.ndarray) -> tuple[float, float]:
    """Return float64 numbers lo <= E(w) <= hi, for the exact real E of these weights and data.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)

    Returns
    -------
    (float, float)
        ``(0, inf)`` where float64 overflows.
    """
    raise NotImplementedError(f"no range of the error for {type(problem).__name__}")


@error_range.register
def _of_classical(problem: Problem, w: np.ndarray) -> tuple[float, float]:
    return ErrorSum(problem, w).alone()


@final
class ErrorSum(ProblemSum[Squares | None, tuple[float, float]]):
    """The range of E at w; a part is each chunk's sum of squares with a bound of its error, None where it overflows.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)
    """

    def __init__(self, problem: Problem, w: np.ndarray) -> None:
        super().__init__(problem)
        self._w = problem.check_weights(w)

    @certified_environment()
    def part(self, chunks: Sequence[slice]) -> Squares | None:
        architecture = self.problem.architecture
        squares = []
        with np.errstate(over="ignore", invalid="ignore"), borrowed_workspace() as workspace:
            vertex_weights = all_weights(architecture, architecture.unflatten(self._w))
            for chunk in chunks:
                x, y = self.problem.rows(chunk)
                values = propagate(architecture, vertex_weights, x, 0, workspace)
                squares.append(squared_residuals(architecture, values, y))
                if not all(map(isfinite, squares[-1])):
                    return None
        return squares

    @certified_environment()
    def answer(self, parts: Iterable[Squares | None]) -> tuple[float, float]:
        squares: Squares = []
        for part in parts:
            if part is None:
                return 0.0, np.inf
            squares += part
        return range_of(self.problem, self._w, squares)


@error_range.register
def _of_graph(problem: GraphProblem, w: np.ndarray) -> tuple[float, float]:
    lower, upper = problem.error_enclosure(w)
    return (lower, upper) if isfinite(lower) and isfinite(upper) else (-np.inf, np.inf)


@certified_environment(products=False)
def decide_by_ranges(before: tuple[float, float], after: tuple[float, float]) -> Decision | None:
    """Decide the sign of E(w_next) - E(w) from ranges of both; None where they overlap.

    Examples
    --------
    >>> decide_by_ranges((1.0, 1.5), (0.25, 0.5)).sign, decide_by_ranges((1.0, 1.5), (0.25, 1.0))
    (-1, None)
    """
    lower = float(np.nextafter(after[0] - before[1], -np.inf))
    upper = float(np.nextafter(after[1] - before[0], np.inf))
    return Decision(1 if lower > 0 else -1, lower, upper, 53) if lower > 0 or upper < 0 else None


@certified_environment()
def decide_by_errors(
    problem: Objective,
    w: np.ndarray,
    w_next: np.ndarray,
    before: tuple[float, float],
    after: tuple[float, float],
    maximal_precision: int = MAXIMAL_PRECISION,
) -> tuple[Decision, str]:
    """Decide the sign of E(w_next) - E(w) from ranges of both, else by `decide_decrease`; say which decided.

    Parameters
    ----------
    problem : Problem
    w, w_next : array, shape (P,)
    before, after : (float, float)
        What `error_range` returned at w and at w_next.
    maximal_precision : int
        For `decide_decrease`.
    """
    if (decision := decide_by_ranges(before, after)) is not None:
        return decision, "error enclosures"
    try:
        decision = decide_decrease(problem, w, w_next, maximal_precision=maximal_precision)
    except ArithmeticDomainError:
        return Decision(None, -np.inf, np.inf, maximal_precision), "overflow"
    decided = "difference enclosure" if decision.precision == 53 else f"Arb at {decision.precision} bits"
    return decision, decided
