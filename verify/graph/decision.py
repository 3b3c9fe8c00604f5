"""Does the error of a network of the vocabulary rise or fall between two stored weights: decided, or said to be
undecided.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.calculus.decide import Decision
from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.graph.segment import change_along

DEGREE = 3
MAXIMAL_PRECISION = 1024
LARGEST_EXACT = 200_000
"""Entries of all nodes up to which Arb is asked: each is an object, some microseconds an operation."""


def decide_graph_decrease(
    problem: GraphProblem, w: Any, w_next: Any, *, maximal_precision: int = MAXIMAL_PRECISION
) -> Decision:
    """Decide the sign of E(w_next) - E(w) for stored float64 weights.

    Three ways, each tried where the one before leaves the sign open: enclosures of both errors; a Taylor model along
    the segment between them, in which E(w) cancels; Arb with doubling precision, for graphs small enough.

    Parameters
    ----------
    problem : GraphProblem
    w, w_next : array, shape (P,)
    maximal_precision : int
        Bits at which to give up; 53 forbids Arb.

    Returns
    -------
    Decision

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> graph = builder.build(builder.parameter("w", (1,)).square().sum())
    >>> problem = GraphProblem(graph, {}, [1.0])
    >>> decide_graph_decrease(problem, [1.0], [1.0 - 2.0**-53]).sign
    -1
    """
    weights, following = problem.check_weights(w), problem.check_weights(w_next)
    if np.array_equal(weights, following):
        return Decision(0, 0.0, 0.0, 53)
    decision = _decided(_difference(problem.error_enclosure(weights), problem.error_enclosure(following)), 53)
    if decision.sign is None:
        change = _change(problem, weights, following)
        lower, upper = max(decision.lower, change[0]), min(decision.upper, change[1])
        decision = _decided((lower, upper), 53)
    precision = 64
    while decision.sign is None and 2 * precision <= maximal_precision and entries(problem.graph) <= LARGEST_EXACT:
        precision *= 2
        with arb.precision(precision):
            exact = problem.error_in_arb(following) - problem.error_in_arb(weights)
            if not exact.is_nan():
                lower, upper = arb.bounds(exact)
                decision = _decided((max(lower, decision.lower), min(upper, decision.upper)), precision)
    return decision


def entries(graph: Graph) -> int:
    """Return the number of entries of all nodes."""
    return sum(math.prod(node.shape) for node in graph.nodes)


def _difference(before: tuple[float, float], after: tuple[float, float]) -> tuple[float, float]:
    change = Interval.from_bounds(*after) - Interval.from_bounds(*before)
    return float(change.lower), float(change.upper)


def _change(problem: GraphProblem, w: np.ndarray, w_next: np.ndarray) -> tuple[float, float]:
    """Enclose E(w_next) - E(w) by the sum of the coefficients of a Taylor model, its value at s = 1."""
    movement = Interval.point(w_next) - Interval.point(w)
    total = Interval.zeros(())
    for part in change_along(problem, w, movement, DEGREE):
        if part is not None:
            total = total + part
    return float(total.lower), float(total.upper)


def _decided(bounds: tuple[float, float], precision: int) -> Decision:
    lower, upper = bounds
    sign = -1 if upper < 0 else 1 if lower > 0 else 0 if lower == upper == 0 else None
    return Decision(sign, lower, upper, precision)
