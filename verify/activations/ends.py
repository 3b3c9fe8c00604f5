"""The two ends of the line: from where on a function is monotone, or between which values it stays."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verify.activations.arb_numbers import ARB, rational_ball
from verify.activations.program import Program
from verify.activations.tail_numbers import TailArithmetic
from verify.activations.tails import Tail, TailUnknownError
from verify.arithmetic.arb import Arb
from verify.budget import check_time

UNKNOWN = (Arb.neg_inf(), Arb.pos_inf())
_EXPONENTS = (4, 5, 6, 8, 10, 13, 16, 20, 25, 30)
_TINY = Arb(2) ** -75
_NEGLIGIBLE = Arb(2) ** -150
_EARLIEST = Arb(2) ** -12
_SAMPLES = 64

Ends = tuple[Any, Any]


@dataclass(frozen=True)
class End:
    """The function on ``side * x >= start``.

    Parameters
    ----------
    start : flint.arb
        Exact.
    bounds : tuple of flint.arb
        Exact ends of an interval that holds all values, infinite if none is known.
    steps : tuple of (flint.arb, flint.arb, flint.arb)
        Empty if the function is monotone there. Else ``(y, low, high)`` with increasing ``y``: where ``side * x >= y``
        the values lie between ``low`` and ``high``.
    limit : tuple of flint.arb
        If the function is monotone there, bounds of its limit; else reversed infinities.
    grows : bool
        Whether it is proved that the absolute value tends to infinity.
    """

    start: Any
    bounds: Ends
    steps: tuple[tuple[Any, Any, Any], ...]
    limit: Ends = (Arb.pos_inf(), Arb.neg_inf())
    grows: bool = False

    @property
    def negligible(self) -> bool:
        """Whether the values hardly differ: the tail may begin much earlier."""
        return bool(self.bounds[1] - self.bounds[0] <= _NEGLIGIBLE)


def ends_of(ball: Any) -> Ends:
    """Return the exact ends of a ball, infinite if it is not finite."""
    return (ball.lower(), ball.upper()) if ball.is_finite() else UNKNOWN


def hull(ends: Iterable[Ends]) -> Ends:
    """Return the hull of intervals given by exact ends (a ball would round its radius to 30 bits)."""
    low, high = zip(*ends, strict=True)
    return functools.reduce(lambda a, b: a.min(b), low).lower(), functools.reduce(lambda a, b: a.max(b), high).upper()


def find_end(function: Program, slope: Program, side: int, beyond: Fraction) -> End:
    """Choose where the tail begins.

    Preferred is a start from which the function is monotone, or so small that nothing is lost. Next comes one with
    bounds that the function is seen to need anyway; the later starts are kept as steps, which follow a slow decrease.

    Parameters
    ----------
    function, slope : Program
        The function and its derivative.
    side : {1, -1}
    beyond : Fraction
        The tail must begin after twice this number, at least.
    """
    exponents = [e for e in _EXPONENTS if Fraction(2) ** e > 2 * beyond] or [math.ceil(2 * beyond).bit_length()]
    candidates = [Arb(2) ** exponent for exponent in exponents]
    wide: list[tuple[Any, Tail | None]] = []
    for start in candidates:
        check_time()
        end, tail = _end(function, slope, side, start)
        if end is not None:
            while end.negligible and end.start > _EARLIEST and end.start / 4 > 2 * rational_ball(beyond):
                nearer, _ = _end(function, slope, side, end.start / 4)
                if nearer is None:
                    break
                end = nearer
            return end
        wide.append((start, tail))
    return _stepped(wide, _seen(function, side, candidates[0]))


def _end(function: Program, slope: Program, side: int, start: Any) -> tuple[End | None, Tail | None]:
    """Return the end if the function is monotone or tiny there, else None; and its tail."""
    arithmetic = TailArithmetic(start)
    tail = _run(function, arithmetic, side)
    derivative = _run(slope, arithmetic, side)
    if derivative is not None and derivative.sign():
        here = ends_of(function.run(ARB, side * start)[0])
        limit = _limit(tail)
        known = tail is not None and (tail.grows() or _fades(tail))
        return End(start, hull([here, limit]) if known else limit, (), limit, tail is not None and tail.grows()), tail
    bounds = _bounds(tail)
    if tail is not None and bounds[1] - bounds[0] <= _TINY and (tail.rate > 0 or tail.span.is_zero):
        return End(start, bounds, ((start, *bounds),)), tail
    return None, tail


def _stepped(wide: list[tuple[Any, Tail | None]], seen: Ends) -> End:
    """Return the first end whose bounds are needed anyway, else the first bounded one, else an unknown one."""
    bounded = [(start, tail, _bounds(tail)) for start, tail in wide]
    bounded = [(start, tail, ends) for start, tail, ends in bounded if ends[0].is_finite() and ends[1].is_finite()]
    if not bounded:
        return End(wide[0][0], UNKNOWN, ((wide[0][0], *UNKNOWN),))
    last = bounded[-1][1]
    if last is not None and _fades(last):
        seen = hull([seen, ends_of(last.limit)])
    enough = [i for i, (_, _, ends) in enumerate(bounded) if ends[0] >= seen[0] and ends[1] <= seen[1]]
    kept = bounded[enough[0] if enough else 0 :]
    return End(kept[0][0], kept[0][2], tuple((start, *ends) for start, _, ends in kept))


def _run(program: Program, arithmetic: TailArithmetic, side: int) -> Tail | None:
    try:
        result = program.run(arithmetic, arithmetic.variable(side))[0]
        return result if isinstance(result, Tail) else None
    except TailUnknownError:
        return None


def _fades(tail: Tail) -> bool:
    """Whether the tail tends to its constant."""
    weight_fades = tail.span.is_zero or tail.rate > 0 or (tail.rate == 0 and tail.degree < 0)
    return bool(len(tail.head) <= 1 and weight_fades)


def _bounds(tail: Tail | None) -> Ends:
    if tail is None:
        return UNKNOWN
    try:
        return tail.bounds()
    except TailUnknownError:
        return UNKNOWN


def _limit(tail: Tail | None) -> Ends:
    """Bounds of the limit of a monotone function."""
    if tail is not None and tail.grows():
        return (Arb.pos_inf(), Arb.pos_inf()) if tail.sign() > 0 else (Arb.neg_inf(), Arb.neg_inf())
    if tail is not None and _fades(tail):
        return ends_of(tail.limit)
    return _bounds(tail)


def _seen(function: Program, side: int, start: Any) -> Ends:
    """Values that the function takes near the tail's beginning, by sampling."""
    values = [function.run(ARB, side * start * i / _SAMPLES)[0] for i in range(_SAMPLES + 1)]
    finite = [value.mid() for value in values if value.is_finite()]
    return hull([ends_of(value) for value in finite]) if finite else (Arb(0), Arb(0))
