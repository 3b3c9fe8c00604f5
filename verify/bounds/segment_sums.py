"""The terms of a segment bound, summed over samples: by Taylor models, or by interval slopes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import final

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import UNIT, add_up
from verify.bounds.segment_edges import Formats, Segment
from verify.bounds.segment_loss import TERMS, output_terms
from verify.bounds.segment_model import Models, start_values, taylor_models
from verify.bounds.segment_result import SegmentBound
from verify.bounds.segment_slopes import slope_terms
from verify.bounds.segment_storage import output_shifts
from verify.bounds.start import StartPass
from verify.bounds.taylor_rounding import enlarged, largest_entry
from verify.bounds.workspace import Workspace, borrowed_workspace
from verify.calculus.problem import Problem
from verify.calculus.sample_sum import ProblemSum

Terms = np.ndarray
"""Upper bounds, some entries of which become coefficients."""


@final
class SlopeSum(ProblemSum[Terms, SegmentBound]):
    """c1 t + c2 t^2 from interval slopes, for networks with activations that are not smooth.

    Parameters
    ----------
    problem : Problem
    w, D : array, shape (P,)
    T : float
    """

    def __init__(self, problem: Problem, w: np.ndarray, D: np.ndarray, T: float) -> None:
        super().__init__(problem)
        self._w, self._D, self._T = w, D, T
        scaled, length, self._exponent = _scaled(D, T)
        with np.errstate(all="ignore"):
            self._segment = _segment(problem, w, scaled, length, Formats.of("float64"))

    @certified_environment()
    @np.errstate(all="ignore")
    def part(self, chunks: Sequence[slice]) -> Terms:
        total = np.zeros(2)
        for chunk in chunks:
            total = _added(total, slope_terms(self._segment, *self.problem.rows(chunk)))
        return total

    @certified_environment()
    @np.errstate(all="ignore")
    def answer(self, parts: Iterable[Terms]) -> SegmentBound:
        total = _sum(parts, 2)
        polynomial = _finished(self.problem, self._w, self._D, _averaged(self.problem, total), self._exponent)
        return SegmentBound((polynomial,), self._T, "slopes", np.inf)


@final
class TaylorSum(ProblemSum[Terms, SegmentBound]):
    """One polynomial of degree 6 or two, from Taylor models of degree 3.

    Parameters
    ----------
    problem : Problem
    w, D : array, shape (P,)
    T : float
    formats : Formats
    start : StartPass, optional
        For a sum that this process computes.
    """

    def __init__(
        self,
        problem: Problem,
        w: np.ndarray,
        D: np.ndarray,
        T: float,
        formats: Formats,
        start: StartPass | None = None,
    ) -> None:
        super().__init__(problem)
        self._w, self._D, self._T = w, D, T
        scaled, self._length, self._exponent = _scaled(D, T)
        known = start.at(problem, w) if start is not None and start.formats == formats else None
        first, *_ = chunks = problem.chunks()
        self._known = {} if known is None else dict(zip((chunk.start for chunk in chunks), known, strict=True))
        with np.errstate(all="ignore"), borrowed_workspace() as workspace:
            self._segment = _segment(problem, w, scaled, self._length, formats)
            self._first = self._terms(first, workspace)
            if _is_long(self._first, self._length):
                self._segment = replace(self._segment, long=True)
                self._first = self._terms(first, workspace)

    @certified_environment()
    @np.errstate(all="ignore")
    def part(self, chunks: Sequence[slice]) -> Terms:
        total = np.zeros(TERMS)
        with borrowed_workspace() as workspace:
            for chunk in chunks:
                total = _added(total, self._first if chunk.start == 0 else self._terms(chunk, workspace))
        return total

    @certified_environment()
    @np.errstate(all="ignore")
    def answer(self, parts: Iterable[Terms]) -> SegmentBound:
        problem, w, D, T = self.problem, self._w, self._D, self._T
        *means, flat, end, storage = _averaged(problem, _sum(parts, TERMS))
        polynomials = [_finished(problem, w, D, _coefficients(means, self._length), self._exponent)]
        if self._segment.long:
            cubic = (end - flat) / self._length + enlarged(4 * UNIT * (abs(end) + abs(flat)) / self._length)
            polynomials.append(_finished(problem, w, D, [means[0], flat, cubic], self._exponent))
        storage = enlarged(storage + _stored_weight_decay(problem, w, D, T))
        return SegmentBound(tuple(polynomials), T, "taylor", np.inf if np.isnan(storage) else storage)

    def _terms(self, chunk: slice, workspace: Workspace) -> Terms:
        x, y = self.problem.rows(chunk)
        known = self._known.get(chunk.start)
        values = start_values(self._segment, x, workspace) if known is None else known
        return _taylor_terms(taylor_models(self._segment, values, workspace), self._segment, y, workspace)


def _sum(parts: Iterable[Terms], count: int) -> Terms:
    total = np.zeros(count)
    for part in parts:
        total = _added(total, part)
    return total


def _segment(problem: Problem, w: np.ndarray, D: np.ndarray, length: float, formats: Formats) -> Segment:
    parts, directions = (problem.architecture.unflatten(array) for array in (w, D))
    return Segment(problem.architecture, parts, directions, length, formats)


_SHARE = 1.0


def _is_long(terms: np.ndarray, length: float) -> bool:
    """Whether the radii of third order, over the length, exceed a share of the curvature.

    Where the slope is not finite, which both models share, neither says anything.
    """
    return bool(np.isfinite(terms[0])) and not length * np.max(terms[6:10]) <= _SHARE * abs(terms[1])


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
