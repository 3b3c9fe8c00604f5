"""The attack on a range of one step: the smallest step found along a line that raises the error, decided rigorously."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.calculus.decide import decide_decrease

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

_GROWTH = 1.25
_MOST_STEPS = 60
_BISECTIONS = 12
_DECISIONS = 8


@certified_environment()
def first_rise(
    problem: Problem, w: np.ndarray, origin: np.ndarray, direction: np.ndarray, start: float
) -> float | None:
    """Return a small t with E(fl(origin + t direction)) > E(w), proved for the stored weights; None if none was found.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)
    origin, direction : array, shape (P,)
    start : float
        Where to look first.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[1.0]], [[0.0]])
    >>> w = np.array([1.0])
    >>> round(first_rise(problem, w, w, -w, 1.0), 3)
    2.0
    """
    error = problem.error(w)
    low, high = 0.0, start
    with np.errstate(all="ignore"):
        for _ in range(_MOST_STEPS):
            after = (
                problem.error(origin + high * direction) if np.all(np.isfinite(origin + high * direction)) else np.inf
            )
            if not after <= error:
                break
            low, high = high, high * _GROWTH
        else:
            return None
        for _ in range(_BISECTIONS):
            middle = 0.5 * (low + high)
            if problem.error(origin + middle * direction) <= error:
                low = middle
            else:
                high = middle
    for _ in range(_DECISIONS):
        end = origin + high * direction
        if np.all(np.isfinite(end)) and decide_decrease(problem, w, end, maximal_precision=53).sign == 1:
            return high
        high *= 1.0 + 2.0**-10
    return None
