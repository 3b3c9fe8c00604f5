"""An upper bound of the error along a step: E(w + t D) - E(w) <= c1 t + c2 t^2 + ... + c6 t^6 on [0, T].

Taylor models of degree 3 (`segment_model`) give it (`segment_loss`); c1 and c2 are the slope and half the curvature at
the start, exact but for rounding. Where the first samples show that the remainders of third order are large, those of
second order are carried too (`segment_bent`) and give a second polynomial, of degree 3. Networks with activations that
are not smooth get c1 t + c2 t^2 from interval slopes.

The computation runs with 2^k D and T/2^k, k such that the largest entry of 2^k D lies in [1/2, 1): then float32 neither
overflows nor underflows where the network's numbers do not.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch
from typing import Any

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import UNIT, add_up
from verify.bounds.segment_edges import Formats, Precision, Segment
from verify.bounds.segment_loss import TERMS, output_terms
from verify.bounds.segment_model import Models, start_values, taylor_models
from verify.bounds.segment_result import SegmentBound
from verify.bounds.segment_slopes import slope_terms
from verify.bounds.segment_storage import output_shifts
from verify.bounds.start import StartPass, has_taylor_models
from verify.bounds.taylor_rounding import enlarged, largest_entry
from verify.bounds.workspace import Workspace, borrowed_workspace
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.outcomes import InputError


@certified_environment()
@singledispatch
def segment_bound(problem: Objective, w: Any, D: Any, T: float, start: Any = None, **options: Any) -> SegmentBound:
    """Bound the error along w + t D, 0 <= t <= T, from above.

    Parameters
    ----------
    problem : Problem
    w, D : array, shape (P,)
        Start and direction, exact float64.
    T : float
        Length of the segment in units of D.
    start : StartPass, optional
        Classical problems: spares the forward pass where it holds that of w.
    precision : {"mixed", "float64", "float32"}
        Classical problems: arithmetic of the Taylor models, its rounding bounded. "mixed": the error and its slope in
        float64, the rest in float32, nearly as tight as "float64" and cheaper; where float32 overflows, all in float64.
        "float32" is the cheapest, and loose where the slope of the error is small. Interval slopes are always in
        float64.
    degree : int
        Graphs: order of the remainder, 3 by default.

    Returns
    -------
    SegmentBound
        Its coefficients are inf where the arithmetic overflows.

    Raises
    ------
    InputError
        If T is not positive and finite, w or D is not a finite (P,) array, or there is no such precision.

    Examples
    --------
    >>> import numpy as np, verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[0.0]])
    >>> bound = segment_bound(problem, np.array([1.0]), np.array([-1.0]), 2.0)
    >>> round(bound.best_step, 12), bound.decrease <= 0.5, round(bound.decrease, 12)
    (1.0, True, 0.5)
    """
    raise NotImplementedError(f"no segment bound for {type(problem).__name__}")


@segment_bound.register
def _classical_segment_bound(
    problem: Problem, w: Any, D: Any, T: float, start: StartPass | None = None, *, precision: Precision = "mixed"
) -> SegmentBound:
    weights, direction = problem.check_weights(w), problem.check_weights(D)
    T = exact_float(T, "T")
    if not (np.isfinite(T) and T > 0):
        raise InputError("the length of a segment must be positive and finite", T=T, remedy="give a finite T > 0")
    formats = Formats.of(precision)
    with np.errstate(all="ignore"), borrowed_workspace() as workspace:
        if not has_taylor_models(problem.architecture):
            return _slopes_bound(problem, weights, direction, T)
        bound = _taylor_bound(problem, weights, direction, T, formats, workspace, start)
        if precision == "mixed" and not bound.is_finite:
            return _taylor_bound(problem, weights, direction, T, Formats.of("float64"), workspace)
    return bound


def _slopes_bound(problem: Problem, w: np.ndarray, D: np.ndarray, T: float) -> SegmentBound:
    scaled, length, exponent = _scaled(D, T)
    segment = _segment(problem, w, scaled, length, Formats.of("float64"))
    total = np.zeros(2)
    for chunk in problem.chunks():
        total = _added(total, slope_terms(segment, *problem.rows(chunk)))
    polynomial = _finished(problem, w, D, _averaged(problem, total), exponent)
    return SegmentBound((polynomial,), T, "slopes", np.inf)


def _taylor_bound(
    problem: Problem,
    w: np.ndarray,
    D: np.ndarray,
    T: float,
    formats: Formats,
    workspace: Workspace,
    start: StartPass | None = None,
) -> SegmentBound:
    scaled, length, exponent = _scaled(D, T)
    segment = _segment(problem, w, scaled, length, formats)
    known = start.at(problem, w) if start is not None and start.formats == formats else None
    total = np.zeros(TERMS)
    for index, chunk in enumerate(problem.chunks()):
        x, y = problem.rows(chunk)
        values = start_values(segment, x, workspace) if known is None else known[index]
        terms = _taylor_terms(taylor_models(segment, values, workspace), segment, y, workspace)
        if index == 0 and _is_long(terms, length):
            segment = replace(segment, long=True)
            terms = _taylor_terms(taylor_models(segment, values, workspace), segment, y, workspace)
        total = _added(total, terms)
    *means, flat, end, storage = _averaged(problem, total)
    polynomials = [_finished(problem, w, D, _coefficients(means, length), exponent)]
    if segment.long:
        cubic = (end - flat) / length + enlarged(4 * UNIT * (abs(end) + abs(flat)) / length)
        polynomials.append(_finished(problem, w, D, [means[0], flat, cubic], exponent))
    storage = enlarged(storage + _stored_weight_decay(problem, w, D, T))
    return SegmentBound(tuple(polynomials), T, "taylor", np.inf if np.isnan(storage) else storage)


def _segment(problem: Problem, w: np.ndarray, D: np.ndarray, length: float, formats: Formats) -> Segment:
    parts, directions = (problem.architecture.unflatten(array) for array in (w, D))
    return Segment(problem.architecture, parts, directions, length, formats)


_SHARE = 1.0


def _is_long(terms: np.ndarray, length: float) -> bool:
    """Whether the radii of third order, over the length, exceed a share of the curvature."""
    return not length * np.max(terms[6:10]) <= _SHARE * abs(terms[1])


def _added(total: np.ndarray, terms: np.ndarray) -> np.ndarray:
    """Sum of upper bounds, rounded up."""
    return (total + terms) + 4 * UNIT * (np.abs(total) + np.abs(terms))


def _averaged(problem: Problem, total: np.ndarray) -> list[float]:
    """Upper bounds divided by the sample divisor, rounded up."""
    return [value + 4 * UNIT * abs(value) for value in (total / problem.sample_divisor).tolist()]


def _finished(
    problem: Problem, w: np.ndarray, D: np.ndarray, coefficients: list[float], exponent: int
) -> tuple[float, ...]:
    """Return the polynomial in t, not t/2^exponent, with the weight decay."""
    polynomial = [_unscaled(c, -k * exponent) for k, c in enumerate(coefficients, 1)]
    return tuple(_with_weight_decay(problem, w, D, polynomial))


def _scaled(D: np.ndarray, T: float) -> tuple[np.ndarray, float, int]:
    """Return 2^k D, T/2^k and k, exactly; k is 0 where a number would leave the normal range."""
    exponent = -int(np.frexp(largest_entry(D))[1])
    scaled, length = np.ldexp(D, exponent), float(np.ldexp(T, -exponent))
    exact = np.array_equal(np.ldexp(scaled, -exponent), D) and float(np.ldexp(length, exponent)) == T
    return (scaled, length, exponent) if exact else (D, T, 0)


def _unscaled(coefficient: float, exponent: int) -> float:
    """Return coefficient 2^exponent, rounded up; inf for what is not a number."""
    if not np.isfinite(coefficient):
        return np.inf
    result = float(np.ldexp(coefficient, exponent))
    return result if np.ldexp(result, -exponent) == coefficient else float(np.nextafter(result, np.inf))


def _coefficients(terms: list[float], length: float) -> list[float]:
    """Return c1, c2, ... from what `output_terms` sums up."""
    c1, c2, *lower, r0, r1, r2, r3 = terms
    chord = (r0, 3 * (r1 - r0), 3 * (r0 - 2 * r1 + r2), r3 - r0 + 3 * (r1 - r2))
    lost = 128 * UNIT * (abs(r0) + abs(r1) + abs(r2) + abs(r3))
    powers = np.float64(length) ** np.arange(4)
    higher = [
        k + c / power + enlarged(8 * UNIT * abs(k) + lost / power)
        for k, c, power in zip(lower, chord, powers, strict=True)
    ]
    return [c1, c2, *higher]


def _taylor_terms(models: Models, segment: Segment, y: np.ndarray, workspace: Workspace) -> np.ndarray:
    """Sum of the `output_terms` of all outputs over a chunk."""
    result = np.zeros(TERMS)
    shifts = output_shifts(segment, models)
    column = 0
    for name in segment.architecture.outputs:
        width = segment.architecture.vertices[name].width
        result += output_terms(models, name, y[:, column : column + width], segment.length, shifts[name], workspace)
        column += width
    return result + 8 * UNIT * np.abs(result)


def _with_weight_decay(problem: Problem, w: np.ndarray, D: np.ndarray, polynomial: list[float]) -> list[float]:
    if problem.weight_decay == 0.0:
        return polynomial
    along = Interval.point(w).dot(D) * problem.weight_decay
    squared = Interval.point(D).square().sum() * problem.weight_decay / 2.0
    first = add_up(np.array(polynomial[:2]), np.array([float(along.upper), float(squared.upper)]))
    return [*first.tolist(), *polynomial[2:]]


def _stored_weight_decay(problem: Problem, w: np.ndarray, D: np.ndarray, length: float) -> float:
    """Upper bound of weight_decay/2 times the change of |w + t D|^2 when w + t D is stored."""
    if problem.weight_decay == 0.0:
        return 0.0
    largest = float(upward.add(upward.norm(np.abs(w)), upward.mul(length, upward.norm(np.abs(D)))))
    return enlarged(4 * UNIT * problem.weight_decay * largest * largest)
