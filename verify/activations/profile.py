"""Where a derivative of an activation can have extrema, and between which values it stays: proved in Arb.

The line is cut into two ends and a middle. In the middle, branch and bound leaves *cells*, small intervals outside of
which the derivative of the function has no zero; beyond, the function is monotone or bounded (see `ends`). Over an
interval the function therefore lies between its values at the interval's ends and the values on the cells that the
interval meets. Where a cell could not be made small it is wide: the bounds are then wide, too, and still hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy
from numpy.typing import NDArray

from verify.activations.arb_numbers import ARB, rational_ball
from verify.activations.branch_and_bound import zero_boxes
from verify.activations.ends import UNKNOWN, End, Ends, ends_of, find_end, hull
from verify.activations.graph import ExpressionGraph
from verify.activations.lowering import differentiate, expression_of, lower
from verify.activations.pieces import Pieces
from verify.activations.polishing import polished
from verify.activations.program import Program
from verify.arithmetic import arb
from verify.arithmetic.arb import Arb

BITS = 256
_FLAT = Arb(2) ** -75

Cell = tuple[Any, Any, Any, Any]
"""Both ends of an interval and bounds of the values on it."""


@dataclass(frozen=True)
class Profile:
    """The extrema of one function.

    Parameters
    ----------
    cells : ndarray, shape (m, 2)
        Increasing intervals, outside of which the function is monotone between neighbours; may have infinite ends.
    values : ndarray, shape (m, 2)
        Lower and upper bounds of the function on each cell.
    low, high : float
        Bounds on the whole line, infinite if none was proved.
    limits : ndarray, shape (2, 2)
        Bounds of the limits at minus and plus infinity; ``(inf, -inf)`` where a cell reaches there.
    unbounded : bool
        Whether it is proved that the absolute value tends to infinity.
    """

    cells: NDArray[np.float64]
    values: NDArray[np.float64]
    low: float
    high: float
    limits: NDArray[np.float64]
    unbounded: bool


class FormulaPiece:
    """One formula with the programs of its derivatives."""

    def __init__(self, formula: sympy.Expr) -> None:
        self.graph = ExpressionGraph()
        self._orders = [lower(self.graph, formula)]
        self._programs: dict[tuple[int, ...], Program] = {}
        self._with_slope: tuple[Program, Program] | tuple[()] = ()

    def node(self, order: int) -> int:
        """Return the node of a derivative."""
        while len(self._orders) <= order:
            self._orders.append(polished(self.graph, differentiate(self.graph, self._orders[-1])))
        return self._orders[order]

    def program(self, *orders: int) -> Program:
        """Return the program of some derivatives."""
        if orders not in self._programs:
            self._programs[orders] = Program(self.graph, [self.node(order) for order in orders])
        return self._programs[orders]

    def programs_with_slope(self) -> tuple[Program, Program]:
        """Return programs of the function and its derivative: by the chain rule alone, and as they are run."""
        if not self._with_slope:
            formula = self._orders[0]
            self._with_slope = (Program(self.graph, [formula, differentiate(self.graph, formula)]), self.program(0, 1))
        return self._with_slope

    def expression(self, order: int) -> sympy.Expr:
        """Return a derivative as a sympy expression."""
        return expression_of(self.graph, self.node(order))

    def ends_at(self, order: int, at: Any) -> Ends:
        """Return bounds of a derivative over a ball."""
        return ends_of(self.program(order).run(ARB, at)[0])


def profile(pieces: Pieces, smooth: tuple[FormulaPiece, ...], order: int) -> Profile:
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
        left, right = (
            find_end(piece.program(order), piece.program(order + 1), side, beyond)
            for piece, side in ((smooth[0], -1), (smooth[-1], 1))
        )
        borders = [-left.start, *map(rational_ball, pieces.breaks), right.start]
        cells = [
            cell
            for i, piece in enumerate(smooth)
            for cell in _cells(piece, order, borders[i].lower(), borders[i + 1].upper())
        ]
        cells += _break_cells(pieces, smooth, order)
        extremes = [
            smooth[0].ends_at(order, -left.start),
            smooth[-1].ends_at(order, right.start),
            left.bounds,
            right.bounds,
        ]
        low, high = hull([*extremes, *((low, high) for _, _, low, high in cells)])
        cells += _end_cells(left, -1) + _end_cells(right, 1)
        rows = [_outward(start, stop) + _outward(least, most) for start, stop, least, most in cells]
        bounds = _outward(low, high)
        limits = np.array([_outward(*end.limit) for end in (left, right)])
    table = np.array(sorted(rows), dtype=np.float64).reshape(-1, 4)
    return Profile(table[:, :2], table[:, 2:], *bounds, limits, left.grows or right.grows)


def _outward(low: Any, high: Any) -> tuple[float, float]:
    """Float64 bounds; exact infinities, also reversed ones, stay."""
    below = np.inf if low == Arb.pos_inf() else arb.lower_float(low) + 0.0
    return below, -np.inf if high == Arb.neg_inf() else arb.upper_float(high) + 0.0


def _break_cells(pieces: Pieces, smooth: tuple[FormulaPiece, ...], order: int) -> list[Cell]:
    cells = []
    for index, (point, jump) in enumerate(zip(pieces.breaks, pieces.jumps, strict=True)):
        at = rational_ball(point)
        sides = [smooth[index].ends_at(order, at), smooth[index + 1].ends_at(order, at)]
        cells.append((at.lower(), at.upper(), *hull([*sides, UNKNOWN] if order > jump else sides)))
    return cells


def _end_cells(end: End, side: int) -> list[Cell]:
    cells = []
    for index, (start, low, high) in enumerate(end.steps):
        stop = end.steps[index + 1][0] if index + 1 < len(end.steps) else Arb.pos_inf()
        cells.append((start, stop, low, high) if side > 0 else (-stop, -start, low, high))
    return cells


def _cells(piece: FormulaPiece, order: int, start: Any, stop: Any) -> list[Cell]:
    """Return the intervals that hold all zeros of the next derivative in [start, stop]; those that touch are united."""
    if piece.graph.is_zero(piece.node(order + 1)):
        return []
    cells: list[Cell] = []
    program, largest = piece.program(order), Arb(0)

    def flat(box: Any) -> bool:
        nonlocal largest
        here = program.run(ARB, box)[0]
        largest = largest.max(program.run(ARB, box.mid())[0].abs_lower())
        return bool(here.is_finite() and here.rad() <= _FLAT * largest)

    for box in zero_boxes(piece.program(order + 1, order + 2), start, stop, flat):
        low, high = piece.ends_at(order, box)
        if cells and box.lower() <= cells[-1][1]:
            first, last, below, above = cells.pop()
            cells.append((first, last.max(box.upper()).upper(), *hull([(below, above), (low, high)])))
        else:
            cells.append((box.lower(), box.upper(), low, high))
    return cells
