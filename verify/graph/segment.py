"""Proved bounds of the change of the error along a step, for every network of the vocabulary, by Taylor models."""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.intervals import Interval
from verify.arithmetic.taylor_model import TaylorModel
from verify.bounds.segment import segment_bound
from verify.bounds.segment_result import SegmentBound
from verify.bounds.start import StartPass
from verify.graph.evaluation import Values, evaluate, taylor_models
from verify.graph.graph import Graph
from verify.graph.places import HOST, Place
from verify.graph.problem import GraphProblem
from verify.operations.leaves import Leaf, Parameter
from verify.outcomes import InputError


@segment_bound.register
@certified_environment()
def graph_segment_bound(
    problem: GraphProblem, w: Any, D: Any, T: float, start: StartPass | None = None, *, degree: int = 3
) -> SegmentBound:
    """Bound ``E(w + t D) - E(w)`` for all t in [0, T] by a polynomial: `verify.segment_bound` of these problems.

    With s = t/T the error along the segment is ``c_0 + c_1 s + ... + r(s) s^d``; c_0 is E(w) itself and cancels, so its
    rounding has no part in the bound. The coefficients of t are rounded up.

    Parameters
    ----------
    problem : GraphProblem
    w, D : array, shape (P,)
    T : float
        Length of the segment, positive.
    start : StartPass, optional
        Not used.
    degree : int
        Order d of the remainder, at least 2.

    Returns
    -------
    SegmentBound
        With one polynomial of degree d; not finite where nothing can be proved.

    Raises
    ------
    InputError
        If a shape is wrong, a number is not finite, or the length or the degree is out of range.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> graph = builder.build(builder.parameter("w", (1,)).square().sum())
    >>> bound = graph_segment_bound(GraphProblem(graph, {}, [1.0]), [1.0], [-1.0], 1.0)
    >>> [round(c, 9) for c in bound.polynomial], round(bound.best_step, 9)
    ([-2.0, 1.0, 0.0], 1.0)
    """
    weights, movement, length = checked_segment(problem, w, D, T, degree)
    return bound_from(change_along(problem, weights, movement, degree), length)


def checked_segment(problem: GraphProblem, w: Any, D: Any, T: float, degree: int) -> tuple[np.ndarray, Interval, float]:
    """Return the start, the whole movement T D and T; see `graph_segment_bound` for what is refused."""
    weights, direction = problem.check_weights(w), problem.check_weights(D)
    length = exact_float(T, "T")
    if not (np.isfinite(length) and length > 0):
        raise InputError("length must be positive and finite", T=T, remedy="give a finite T > 0")
    if not (isinstance(degree, int) and degree >= 2):
        raise InputError("degree must be a whole number of at least 2", degree=degree, remedy="give 2 or more")
    return weights, Interval.point(direction) * length, length


def bound_from(parts: list[Interval | None], length: float) -> SegmentBound:
    """Return the bound in t = T s that the coefficients of s make."""
    bounds = tuple(_in_t(part, length, k) for k, part in enumerate(parts, 1))
    return SegmentBound((bounds,), length, "taylor", np.inf)


def change_along(
    problem: GraphProblem, w: np.ndarray, movement: Interval, degree: int, place: Place = HOST
) -> list[Interval | None]:
    """Return C_1, ..., C_d with ``E(w + s v) - E(w) = C_1 s + ... + C_d s^d`` for every s in [0, 1].

    Parameters
    ----------
    problem : GraphProblem
    w : array, shape (P,)
    movement : Interval, shape (P,)
        Holds v.
    degree : int
    place : Place
        Where it is computed.

    Returns
    -------
    list of Interval or None
        C_1 to C_(d-1) are numbers that do not depend on s, C_d may; None is zero.
    """
    return change_of(problem.graph, problem.values(w) | moving(problem, w, movement, degree, place), degree, place)


def moving(
    problem: GraphProblem, w: np.ndarray, movement: Interval, degree: int, place: Place = HOST
) -> dict[Leaf, TaylorModel]:
    """Return the parameters w + s v as Taylor models of a degree, in a place."""
    leaves: dict[Leaf, TaylorModel] = {}
    for block in problem.blocks:
        start = Interval.point(w[block.place].reshape(block.shape))
        speed = movement[block.place].reshape(block.shape)
        model = TaylorModel([start, speed, *(None,) * (degree - 2)])
        leaves[Parameter(block.label, block.shape)] = place.moved(model)
    return leaves


def change_of(graph: Graph, values: Values, degree: int, place: Place = HOST) -> list[Interval | None]:
    """Return C_1, ..., C_d of a graph's scalar output, from the Taylor models of its parameters."""
    model = evaluate(graph, values, taylor_models(degree, place))[0]
    return [*model.coefficients[1:], model.remainder]


def _in_t(coefficient: Interval | None, T: float, power: int) -> float:
    """Return an upper bound of the coefficient of t^power from that of s^power."""
    if coefficient is None:
        return 0.0
    for _ in range(power):
        coefficient = coefficient / T
    return float(coefficient.upper)
