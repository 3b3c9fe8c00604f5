"""Majorants along all straight paths from the centre, by proved steps, and what they say of the Hessian.

A path is w0 + t P, 0 <= t <= 1, with |P_b| <= block_b, and |P| <= length if that is given. The majorants y(t) satisfy
y' <= F(tight(y)) and y(t) <= absolute(t); F, nonnegative, `tight` and `absolute` (`caps`) are monotone. One step from
S at t = a to b = a + d:

    accept X if  min(S + d G, absolute(b)) <= X  with  G = F(tight(X));   then  y(a + s) <= S + s G  on the step.

Proof: min(S + s G, absolute(b)) <= X on the step, so S + s G is a supersolution of the monotone, Lipschitz equation
y' = F(tight(min(y, absolute(b)))). If no X is accepted, X = absolute(b) always is. Then F(S + s G) is convex in s,
being made of Euclidean norms of polynomials with nonnegative coefficients, so y(b) <= S + d/2 (F(S) + F(S + d G)) as
well. In the same way the norm of the third derivative at a + s is at most that of the tensor of block norms of S + s G,
convex in s, and its integral at most the trapezoid's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_alignment import Alignment, aligned_data
from verify.bounds.hessian_center import Center
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.majorant.caps import Caps
from verify.bounds.majorant.rates import growth
from verify.bounds.majorant.state import SMALLEST, MajorantState, advance, combine, minimum, not_above
from verify.bounds.majorant.structure import PathStructure
from verify.bounds.majorant.tensors import (
    second_derivative,
    second_derivative_by_residual,
    third_derivative,
    third_slices,
)
from verify.budget import check_time

_GUESSES = 4
_FIRST_STEP = 0.25
_LAST_STEP = 1.0 / 16.0
_ACCURATE = 1.25


@dataclass(frozen=True)
class Paths:
    """The straight paths from the centre into (a part of) a region.

    Parameters
    ----------
    block : array, shape (K,)
        Bounds of the displacements of the blocks.
    length : float or None
        Bound of the whole displacement.
    directions : array, shape (K, q)
        Direction matrix of `rates.growth`.
    """

    block: np.ndarray
    length: float | None
    directions: np.ndarray


@dataclass(frozen=True)
class Sums:
    """Block norms summed over samples.

    Parameters
    ----------
    knots : array, shape (steps + 1,)
        From 0 to 1.
    third : array, shape (steps, 2, K, K, K)
        Of the third derivative on every step: the bound is convex between the two ends.
    change : array, shape (steps, 2, K, K, K)
        The same for the third derivative minus its value at the centre.
    second : array, shape (K, K)
        Of the second derivative at the end.
    fixed, squares : array
        The same in parts, without the residuals and by the residuals: see `hessian_blocks`.
    """

    knots: np.ndarray
    third: np.ndarray
    change: np.ndarray
    second: np.ndarray
    fixed: np.ndarray
    squares: np.ndarray

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.knots,
            upward.add(self.third, other.third),
            upward.add(self.change, other.change),
            upward.add(self.second, other.second),
            upward.add(self.fixed, other.fixed),
            upward.add(self.squares, other.squares),
        )


def trace(
    center: Center, first: MajorantState, paths: Paths, graph: PathStructure, knots: np.ndarray | None = None
) -> Sums:
    """Follow one chunk of samples along the paths.

    Parameters
    ----------
    center : Center
    first : MajorantState
        Majorants at the centre.
    paths : Paths
    graph : PathStructure
    knots : array, optional
        The steps to take; without it they adapt to this chunk.

    Raises
    ------
    UndecidedHessianError
        If the majorants overflow.
    """
    state = first
    moved = np.zeros((graph.size,) * 3)
    reached, third, change = [0.0], [], []
    length = _FIRST_STEP
    fixed = Alignment(aligned_data(center, graph.names), first.injection)
    while reached[-1] < 1.0:
        check_time()
        start = reached[-1]
        stop = float(knots[len(reached)]) if knots is not None else min(1.0, start + length)
        step = float(np.nextafter(stop - start, np.inf))
        caps = Caps(center, upward.mul(paths.block, stop), graph)
        if not (caps.absolute.is_moderate() and caps.fourth.is_moderate()):
            raise UndecidedHessianError("the majorants overflow", remedy="use a smaller region", part=stop)
        line = step_line(caps.tighten(state), step, caps, paths.directions)
        if knots is None and not line.accurate and length > _LAST_STEP:
            length *= 0.5
            continue
        length = min(2.0 * length, _FIRST_STEP)
        here, there = _third(line.start, graph, fixed), _third(line.end, graph, fixed)
        third.append([here.total, there.total])
        change.append([moved, upward.add(moved, _difference(there, here, line, fixed))])
        if line.average is None:
            moved = change[-1][1]
        else:
            moved = upward.add(moved, _difference(_third(line.average, graph, fixed), here, line, fixed))
        state = line.after
        reached.append(stop)
    data = aligned_data(center, graph.names, caps.sweep.deviation)
    second, by_residual = second_derivative(state, graph, data), second_derivative_by_residual(state, graph)
    return Sums(np.array(reached), np.array(third), np.array(change), second, *by_residual)


@dataclass(frozen=True)
class _Third:
    """Norms of the third derivative: summed over the samples, and slices of every sample."""

    total: np.ndarray
    slices: dict[int, np.ndarray]


def _third(state: MajorantState, graph: PathStructure, fixed: Alignment) -> _Third:
    return _Third(third_derivative(state, graph), third_slices(state, graph, fixed.data))


def _difference(later: _Third, earlier: _Third, line: Line, fixed: Alignment) -> np.ndarray:
    """Bound the change of the third derivative on a step, given the norms of both ends of a line.

    On the step each factor of it changes by at most the growth of its majorant along the line, from a size of at most
    the majorant at the start, so a product of factors changes by at most the difference of the products. Inputs do
    not change, so that they multiply the change as they multiply the whole.
    """
    if line.is_flat:
        return np.full_like(later.total, np.inf)
    slices = {a: _growth(later.slices[a], earlier.slices[a]) for a in fixed.data}
    return fixed.tensor(_growth(later.total, earlier.total), slices)


def _growth(later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    return np.maximum(later - earlier * (1.0 - 2.0**-38), 0.0) * (1.0 + 2.0**-38)


@dataclass(frozen=True)
class Line:
    """One step: the majorants lie below the line from `start` to `end`, and at its end below `after` too.

    What they majorise changes at most by the growth along the line, over the whole step by that from `start` to
    `average`. If the line is flat, it is only a bound of the sizes.
    """

    start: MajorantState
    end: MajorantState
    after: MajorantState
    average: MajorantState | None
    accurate: bool
    is_flat: bool


def step_line(state: MajorantState, step: float, caps: Caps, directions: np.ndarray) -> Line:
    here = growth(state, caps.fourth, directions, caps.graph)
    rate = here
    for attempt in range(_GUESSES):
        guess = minimum(advance(state, step * (1.05 + 0.25 * attempt), rate), caps.absolute)
        rate = growth(caps.tighten(guess), caps.fourth, directions, caps.graph)
        end = advance(state, step, rate)
        if not_above(minimum(end, caps.absolute), guess):
            break
    else:
        rate = growth(caps.absolute, caps.fourth, directions, caps.graph)
        end = advance(state, step, rate)
    after = caps.tighten(minimum(end, caps.absolute))
    if not end.is_moderate():
        return Line(after, after, after, None, False, True)
    there = growth(end, caps.fourth, directions, caps.graph)
    mean = combine(lambda a, b, c: np.minimum(0.5 * (a + b) * (1 + 2.0**-50), c), here, there, rate)
    better = advance(state, step, mean)
    accurate = float(np.max(end.adjoint / np.maximum(better.adjoint, SMALLEST))) < _ACCURATE
    return Line(state, end, caps.tighten(minimum(after, better)), better, accurate, False)
