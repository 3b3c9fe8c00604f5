"""Branch and bound over how a displacement of bounded length is shared among the blocks of weights.

A displacement of length at most r has block norms at most ``r sqrt(s_b)`` for some shares s >= 0 with sum 1. The shares
are covered by boxes; in a box every block moves by at most ``r sqrt(upper_b)``, so the largest bound over the boxes
bounds the whole ball. The box with the largest bound is split until the budget is spent.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from verify.arithmetic import upward
from verify.budget import remaining

_CLOSE = 1.02


@dataclass(frozen=True, order=True)
class Cell:
    """Shares between `lower` and `upper`, with the bounds found there; ordered by decreasing `value`."""

    priority: float
    tie: int
    value: float = field(compare=False)
    within: float = field(compare=False)
    matrix: np.ndarray = field(compare=False, repr=False)
    lower: np.ndarray = field(compare=False, repr=False)
    upper: np.ndarray = field(compare=False, repr=False)


def refine(
    evaluate: Callable[[np.ndarray], tuple[float, float, np.ndarray]], blocks: int, length: float, budget: int
) -> tuple[Cell, float]:
    """Return the box with the largest bound, which bounds the whole ball, and the largest `within` of all boxes.

    Parameters
    ----------
    evaluate : callable
        From radii of the blocks, (K,), to two bounds that hold where no block moves farther, the second on a sublevel
        set, and the matrix that the first rests on.
    blocks : int
        Number K of blocks.
    length : float
        The radius r of the ball.
    budget : int
        Most evaluations; under a time limit they end when half of what was left is spent.
    """
    spent = 0

    def cell(lower: np.ndarray, upper: np.ndarray) -> Cell:
        nonlocal spent
        spent += 1
        value, within, matrix = evaluate(upward.mul(length, upward.sqrt(upper)))
        return Cell(-value, spent, value, within, matrix, lower, upper)

    heap = [cell(np.zeros(blocks), np.ones(blocks))]
    kept = remaining() / 2
    while spent + 2 <= budget and remaining() >= kept:
        worst = heap[0]
        if worst.upper.sum() <= _CLOSE:
            break
        heapq.heappop(heap)
        axis = int(np.argmax(worst.upper - worst.lower))
        middle = 0.5 * (worst.lower[axis] + worst.upper[axis])
        for low, high in ((worst.lower[axis], middle), (middle, worst.upper[axis])):
            lower, upper = worst.lower.copy(), worst.upper.copy()
            lower[axis], upper[axis] = low, high
            if _cut(lower, upper):
                heapq.heappush(heap, cell(lower, upper))
    return heap[0], max(each.within for each in heap)


def _cut(lower: np.ndarray, upper: np.ndarray) -> bool:
    """Remove in place what has no shares of sum 1; return whether anything is left.

    The sums are rounded outwards by far more than their rounding errors.
    """
    slack = len(lower) * 2.0**-50
    if lower.sum() > 1.0 + slack or upper.sum() < 1.0 - slack:
        return False
    np.minimum(upper, 1.0 - (lower.sum() - lower) + slack, out=upper)
    np.maximum(lower, 1.0 - (upper.sum() - upper) - slack, out=lower)
    return bool(np.all(lower <= upper))
