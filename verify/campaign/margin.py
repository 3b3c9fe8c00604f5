"""How far the certified learning rate is from one that fails."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.calculus.decide import decide_decrease

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_GROWTH = 2.0**0.5
_MOST_GROWTH = 2.0**24
_BISECTIONS = 8
_VISIBLE = 1e-9


@certified_environment()
def smallest_failing_eta(problem: Objective, eta: float, starts: Iterable[np.ndarray]) -> float | None:
    """Return the smallest learning rate found, from `eta` upwards, at which plain descent increases the error.

    Parameters
    ----------
    problem : Problem or GraphProblem
    eta : float
        The certified one.
    starts : iterable of array, shape (P,)
        Points to descend from.

    Returns
    -------
    float or None
        The increase is proved; None if none was found.
    """
    best: float | None = None
    for w in starts:
        found = _failing(problem, w, eta, best or np.inf)
        best = found or best
    return best


def _failing(problem: Objective, w: np.ndarray, eta: float, below: float) -> float | None:
    gradient, error = problem.gradient(w), problem.error(w)

    def increases(rate: float) -> bool:
        following = w - rate * gradient
        if not np.all(np.isfinite(following)):
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(problem.error(following) > error + _VISIBLE * abs(error))

    low, high = eta, eta
    while high < min(below, eta * _MOST_GROWTH) and not increases(high):
        low, high = high, high * _GROWTH
    if high >= min(below, eta * _MOST_GROWTH):
        return None
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if increases(middle) else (middle, high)
    return high if decide_decrease(problem, w, w - high * gradient).sign == 1 else None
