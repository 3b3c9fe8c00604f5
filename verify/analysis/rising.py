"""The attack on a range of one step: the smallest step found along a line that raises the error, decided rigorously."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from verify.analysis.lines import Vector
from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_GROWTH = 1.25
_MOST_STEPS = 60
_BISECTIONS = 12
_DECISIONS = 8


@certified_environment()
def first_rise(
    problem: Objective, w: np.ndarray, direction: Vector, start: float, fixed: Sequence[tuple[float, Vector]] = ()
) -> float | None:
    """Return a small t for which E at w + sum of the fixed multiples + t direction is proved to exceed E(w).

    Parameters
    ----------
    problem : Problem or GraphProblem
    w : array, shape (P,)
    direction : Vector
        Known up to its error: the rise is proved for every vector that this allows, the exact one among them.
    start : float
        Where to look first.
    fixed : sequence of (float, Vector)
        As in `lines.reach`.

    Returns
    -------
    float or None
        None if none was found, which proves nothing.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[1.0]], [[0.0]])
    >>> w = np.array([1.0])
    >>> round(first_rise(problem, w, Vector(-w), 1.0), 3)
    2.0
    """
    error = problem.error(w)
    low, high = 0.0, start

    def stored(t: float) -> np.ndarray:
        end = w + t * direction.stored
        for factor, vector in fixed:
            end = end + factor * vector.stored
        return end

    def rises(t: float) -> bool:
        end = stored(t)
        return not (np.all(np.isfinite(end)) and problem.error(end) <= error)

    with np.errstate(all="ignore"):
        for _ in range(_MOST_STEPS):
            if rises(high):
                break
            low, high = high, high * _GROWTH
        else:
            return None
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if rises(middle) else (middle, high)
        highest = problem.error_enclosure(w)[1]
        for _ in range(_DECISIONS):
            ends = _ends(w, [*fixed, (high, direction)])
            if ends is not None and problem.error_over(ends)[0] > highest:
                return high
            high *= 1.0 + 2.0**-10
    return None


def _ends(w: np.ndarray, parts: Sequence[tuple[float, Vector]]) -> Interval | None:
    """Return a box that holds w + sum of the multiples of the exact vectors; None if it is not finite."""
    total, off = Interval.point(w), 0.0
    for factor, vector in parts:
        if not (np.isfinite(factor) and np.all(np.isfinite(vector.stored)) and np.isfinite(vector.error)):
            return None
        total = total + Interval.point(vector.stored) * factor
        off = float(upward.add(off, upward.mul(abs(factor), vector.error)))
    box = total + Interval.from_midrad(np.zeros(w.shape), np.full(w.shape, off))
    return box if np.all(np.isfinite(box.lower)) and np.all(np.isfinite(box.upper)) else None
