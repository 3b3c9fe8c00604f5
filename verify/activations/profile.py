"""Where a derivative of an activation can have extrema, and between which values it stays: proved in Arb.

The line is cut into two tails and a middle. In the middle, branch and bound leaves *cells*, small intervals outside of which the derivative
of the function has no zero; beyond, the tails are enclosed (see `tails`). Over an interval the function therefore lies between its values at
the two ends and the values on the cells and tails that the interval meets. Where a cell could not be made small it is wide: the bounds are
then wide, too, and still hold.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from numpy.typing import NDArray

from verify.activations.arb_numbers import ARB
from verify.activations.graph import Graph
from verify.activations.lowering import differentiate, lower
from verify.activations.pieces import Pieces
from verify.activations.program import Program
from verify.activations.tail_numbers import TailArithmetic
from verify.activations.tails import Tail, TailUnknownError
from verify.arithmetic import arb
from verify.arithmetic.arb import Arb

BITS = 256
_NARROW = Arb(2) ** -70
_SMALL = Arb(2) ** -75
_STARTS = range(4, 31)
_WORK = 400_000


@dataclass(frozen=True)
class Profile:
    """The extrema of one function.

    Parameters
    ----------
    cells : ndarray, shape (m, 2)
        Increasing intervals outside of which the function is monotone between neighbours; may hold infinite ends.
    values : ndarray, shape (m, 2)
        Lower and upper bounds of the function on each cell.
    low, high : float
        Bounds on the whole line, infinite if none was proved.
    unbounded : bool
        Whether it is proved that the absolute value tends to infinity.
    """

    cells: NDArray[np.float64]
    values: NDArray[np.float64]
    low: float
    high: float
    unbounded: bool


class Piece:
    """One smooth formula with the programs of its derivatives."""

    def __init__(self, formula: Any) -> None:
        self.graph = Graph()
        self.nodes = [lower(self.graph, formula)]

    def node(self, order: int) -> int:
        """Return the node of a derivative."""
        while len(self.nodes) <= order:
            self.nodes.append(differentiate(self.graph, self.nodes[-1]))
        return self.nodes[order]

    def program(self, *orders: int) -> Program:
        """Return the program of some derivatives."""
        return Program(self.graph, [self.node(order) for order in orders])


@dataclass(frozen=True)
class _End:
    """A tail as seen by a profile: from where it counts, its bounds, and whether the function is monotone on it."""

    start: Any
    low: Any
    high: Any
    monotone: bool
    grows: bool


def exact(point: Fraction) -> Any:
    """Return a rational number as a ball."""
    return Arb(flint.fmpq(point.numerator, point.denominator))


def profile(pieces: Pieces, smooth: tuple[Piece, ...], order: int) -> Profile:
    """Return the profile of the derivative of the given order.

    Parameters
    ----------
    pieces : Pieces
    smooth : tuple of Piece
        The formulas of the pieces.
    order : int
    """
    with arb.precision(BITS):
        beyond = max([abs(point) for point in pieces.breaks], default=Fraction(0))
        left = _end(smooth[0], order, -1, beyond)
        right = _end(smooth[-1], order, 1, beyond)
        borders = [-left.start, *map(exact, pieces.breaks), right.start]
        cells: list[tuple[Any, Any, Any, Any]] = []
        for index, piece in enumerate(smooth):
            cells += _cells(piece, order, borders[index], borders[index + 1])
        for index, (point, jump) in enumerate(zip(pieces.breaks, pieces.jumps, strict=True)):
            sides = [_ends(smooth[i].program(order).run(ARB, exact(point), BITS)[0]) for i in (index, index + 1)]
            if order > jump:
                sides.append(_UNKNOWN)
            cells.append((exact(point), exact(point), *_hull(sides)))
        edges = [(smooth[0], -left.start), (smooth[-1], right.start)]
        extremes = [_ends(piece.program(order).run(ARB, at, BITS)[0]) for piece, at in edges]
        extremes += [(low, high) for _, _, low, high in cells]
        rows = sorted(_floats(cells))
        for end, outer in ((left, (-np.inf, -float(left.start))), (right, (float(right.start), np.inf))):
            extremes.append((end.low, end.high))
            if not end.monotone:
                rows.append((*outer, arb.lower_float(end.low), arb.upper_float(end.high)))
        rows.sort()
        table = np.array(rows, dtype=np.float64).reshape(-1, 4)
        low = min(arb.lower_float(low) for low, _ in extremes)
        high = max(arb.upper_float(high) for _, high in extremes)
    return Profile(table[:, :2], table[:, 2:], low, high, left.grows or right.grows)


_UNKNOWN = (Arb.neg_inf(), Arb.pos_inf())


def _ends(ball: Any) -> tuple[Any, Any]:
    return (ball.lower(), ball.upper()) if ball.is_finite() else _UNKNOWN


def _hull(ends: Iterable[tuple[Any, Any]]) -> tuple[Any, Any]:
    """Hull of intervals given by exact ends (a ball would round its radius to 30 bits)."""
    low, high = zip(*ends, strict=True)
    return functools.reduce(lambda a, b: a.min(b), low).lower(), functools.reduce(lambda a, b: a.max(b), high).upper()


def _floats(cells: Iterable[tuple[Any, Any, Any, Any]]) -> Iterator[tuple[float, float, float, float]]:
    for lower_end, upper_end, low, high in cells:
        yield arb.lower_float(lower_end), arb.upper_float(upper_end), arb.lower_float(low), arb.upper_float(high)


def _end(piece: Piece, order: int, side: int, beyond: Fraction) -> _End:
    """Find a tail on which the function is monotone or small; else the first bounded one; else an unknown one."""
    first_bounded = None
    function, slope = piece.program(order), piece.program(order + 1)
    for exponent in _STARTS:
        start = Arb(2**exponent)
        if 2**exponent <= 2 * beyond:
            continue
        tails = TailArithmetic(start)
        try:
            tail = function.run(tails, tails.variable(side), BITS)[0]
        except TailUnknownError:
            tail = None
        try:
            sign = slope.run(tails, tails.variable(side), BITS)[0].sign()
        except TailUnknownError:
            sign = 0
        here = function.run(ARB, side * start, BITS)[0]
        found = _described(tail, start, here, sign != 0)
        if found.monotone or abs(found.high - found.low) <= _SMALL:
            return found
        if first_bounded is None and found.high.is_finite() and found.low.is_finite():
            first_bounded = found
    start = Arb(2 ** max(_STARTS[0], int(2 * beyond).bit_length() + 1))
    return first_bounded or _End(start, *_UNKNOWN, False, False)


def _described(tail: Tail | None, start: Any, here: Any, monotone: bool) -> _End:
    low, high = _UNKNOWN
    if tail is None:
        return _End(start, low, high, monotone, False)
    grows = tail.grows()
    if grows:
        edge = _ends(here) if monotone else (Arb(0), Arb(0))
        low, high = (edge[0], high) if tail.sign() > 0 else (low, edge[1])
    else:
        try:
            low, high = tail.bounds()
            fades = tail.span.is_zero or tail.rate > 0 or tail.degree < 0
            if monotone and fades and here.is_finite():
                low, high = _hull([_ends(here), _ends(tail.limit)])
        except TailUnknownError:
            low, high = _UNKNOWN
    return _End(start, low, high, monotone, grows)


def _cells(piece: Piece, order: int, start: Any, stop: Any) -> list[tuple[Any, Any, Any, Any]]:
    """Return intervals that hold all zeros of the next derivative in [start, stop], each with bounds of the values on it."""
    if piece.graph.is_zero(piece.node(order + 1)):
        return []
    program = piece.program(order + 1, order + 2)
    value = piece.program(order)
    boxes = max(_WORK // len(program), 200)
    waiting, found = [(start, stop)], []
    while waiting:
        low, high = waiting.pop()
        box = low.union(high)
        slope, bend = program.run(ARB, box, BITS)
        middle = box.mid()
        boxes -= 1
        if not slope.is_finite() or slope.contains(0):
            if bend.is_finite():
                slope = _meet(slope, program.run(ARB, middle, BITS)[0] + bend * (box - middle))
            if not slope.is_finite() or slope.contains(0):
                if bend.is_finite() and not bend.contains(0):
                    box = _single_zero(program, box, bend)
                elif boxes > 0 and not high - low <= _NARROW * (1 + abs(middle)):
                    waiting += [(middle, high), (low, middle)]
                    continue
                if box is not None:
                    ends = _ends(value.run(ARB, box, BITS)[0])
                    found.append((box.lower(), box.upper(), *ends))
    return _joined(found)


def _meet(a: Any, b: Any) -> Any:
    if not a.is_finite():
        return b
    return a.intersection(b)


def _single_zero(program: Program, box: Any, bend: Any) -> Any:
    """Shrink a box on which the function has at most one zero, by Newton's method; None if there is no zero."""
    for _ in range(60):
        middle = box.mid()
        at_middle = program.run(ARB, middle, BITS)[0]
        newton = middle - at_middle / bend
        if not newton.is_finite():
            return box
        if not newton.overlaps(box):
            return None
        smaller = newton.intersection(box)
        if not smaller.rad() < box.rad() * 0.9 or smaller.rad() <= _NARROW * (1 + abs(smaller)):
            return smaller
        box = smaller
        bend = program.run(ARB, box, BITS)[1]
    return box


def _joined(cells: list[tuple[Any, Any, Any, Any]]) -> list[tuple[Any, Any, Any, Any]]:
    """Unite cells that touch: they are unresolved ones."""
    result: list[tuple[Any, Any, Any, Any]] = []
    for cell in cells:
        if result and cell[0] <= result[-1][1]:
            last = result[-1]
            result[-1] = (
                last[0],
                last[1].max(cell[1]).upper(),
                last[2].min(cell[2]).lower(),
                last[3].max(cell[3]).upper(),
            )
        else:
            result.append(cell)
    return result
