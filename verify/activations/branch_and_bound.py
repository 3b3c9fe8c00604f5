"""Small intervals that hold every zero of a function, by branch and bound in Arb."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from verify.activations.arb_numbers import ARB
from verify.activations.program import Program
from verify.arithmetic.arb import Arb
from verify.budget import check_time

_NARROW = Arb(2) ** -70
_WORK = 300_000
_FEWEST_BOXES = 200
_NEWTON_STEPS = 60


def zero_boxes(program: Program, start: Any, stop: Any, enough: Callable[[Any], bool] = lambda box: False) -> list[Any]:
    """Return balls that hold all zeros of a function in ``[start, stop]``, from left to right.

    Parameters
    ----------
    program : Program
        Computes the function and its derivative, both continuous on the interval.
    start, stop : flint.arb
        Exact.
    enough : callable, optional
        Says of a box that it may be returned as it is.

    Notes
    -----
    A box is dropped if the function has no zero there: by its image over the box or by the mean value form. If the
    derivative has none, there is at most one zero and Newton's method encloses it. Otherwise the box is halved until it
    is narrow or the work is used up, the widest first; what is left is returned as it is.
    """
    budget = max(_WORK // len(program), _FEWEST_BOXES)
    waiting, found = deque([(start, stop)]), []
    while waiting:
        check_time()
        low, high = waiting.popleft()
        budget -= 1
        box = low.union(high)
        value, slope = program.run(ARB, box)
        middle = box.mid()
        if not _may_vanish(value):
            continue
        if slope.is_finite() and not _may_vanish(program.run(ARB, middle)[0] + slope * (box - middle)):
            continue
        if slope.is_finite() and not slope.contains(0):
            zero = _single_zero(program, box, slope)
            if zero is not None:
                found.append(zero)
        elif budget > 0 and not high - low <= _NARROW * (1 + abs(middle)) and not enough(box):
            waiting += [(low, middle), (middle, high)]
        else:
            found.append(box)
    return sorted(found, key=lambda box: float(box.mid()))


def _may_vanish(ball: Any) -> bool:
    return not ball.is_finite() or bool(ball.contains(0))


def _single_zero(program: Program, box: Any, slope: Any) -> Any | None:
    """Shrink a box on which the derivative has no zero, by Newton's method; None if the function has none."""
    for _ in range(_NEWTON_STEPS):
        middle = box.mid()
        newton = middle - program.run(ARB, middle)[0] / slope
        if not newton.is_finite():
            return box
        if not newton.overlaps(box):
            return None
        smaller = newton.intersection(box)
        if not smaller.rad() < box.rad() * 0.9 or smaller.rad() <= _NARROW * (1 + abs(smaller)):
            return smaller
        box = smaller
        slope = program.run(ARB, box)[1]
    return box
