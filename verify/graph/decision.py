"""Whether the error of a network of the vocabulary rises or falls between two stored weights."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from verify.activations.arb_numbers import rational_ball
from verify.arithmetic import arb
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import fraction
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rational import round_down, round_up
from verify.calculus.decide import MAXIMAL_PRECISION, Decision, decide_decrease
from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.graph.segment import change_along

DEGREE = 3
LARGEST_EXACT = 200_000
"""Entries of all nodes up to which Arb is asked: each is an object, some microseconds an operation."""


@decide_decrease.register
@certified_environment()
def decide_graph_decrease(
    problem: GraphProblem,
    w: Any,
    w_next: Any,
    *,
    maximal_precision: int = MAXIMAL_PRECISION,
    plus: Fraction = Fraction(0),
) -> Decision:
    """Decide the sign of E(w_next) - E(w) + plus for stored float64 weights: the form of `decide_decrease` for graphs.

    Three ways, each tried where the one before leaves the sign open: enclosures of both errors; a Taylor model along
    the segment between them, in which E(w) cancels; Arb with doubling precision, for graphs small enough.

    Parameters
    ----------
    problem : GraphProblem
    w, w_next : array, shape (P,)
    maximal_precision : int
        Bits at which to give up; 53 forbids Arb.
    plus : Fraction
        An exact number to add.

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
    plus = fraction(plus, "plus")
    if np.array_equal(weights, following):
        return Decision((plus > 0) - (plus < 0), round_down(plus), round_up(plus), 53)
    added = Interval.from_bounds(round_down(plus), round_up(plus))
    before, after = (Interval.from_bounds(*problem.error_enclosure(x)) for x in (weights, following))
    decision = _decided(_ends(after - before + added), 53)
    if decision.sign is None:
        decision = _sharpened(decision, _ends(_change(problem, weights, following) + added), 53)
    precision = 64
    while decision.sign is None and 2 * precision <= maximal_precision and entries(problem.graph) <= LARGEST_EXACT:
        precision *= 2
        with arb.precision(precision):
            exact = problem.error_in_arb(following) - problem.error_in_arb(weights) + rational_ball(plus)
            if not exact.is_nan():
                decision = _sharpened(decision, arb.bounds(exact), precision)
    return decision


def entries(graph: Graph) -> int:
    """Return the number of entries of all nodes."""
    return sum(math.prod(node.shape) for node in graph.nodes)


def _ends(change: Interval) -> tuple[float, float]:
    return float(change.lower), float(change.upper)


def _sharpened(decision: Decision, bounds: tuple[float, float], precision: int) -> Decision:
    return _decided((max(bounds[0], decision.lower), min(bounds[1], decision.upper)), precision)


def _change(problem: GraphProblem, w: np.ndarray, w_next: np.ndarray) -> Interval:
    """Enclose E(w_next) - E(w) by the sum of the coefficients of a Taylor model, its value at s = 1."""
    movement = Interval.point(w_next) - Interval.point(w)
    total = Interval.zeros(())
    for part in change_along(problem, w, movement, DEGREE):
        if part is not None:
            total = total + part
    return total


def _decided(bounds: tuple[float, float], precision: int) -> Decision:
    lower, upper = bounds
    sign = -1 if upper < 0 else 1 if lower > 0 else 0 if lower == upper == 0 else None
    return Decision(sign, lower, upper, precision)
