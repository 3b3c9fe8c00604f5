"""An imported problem is not trusted: its numbers are compared with those that the model's own library computes."""

from __future__ import annotations

import numpy as np

from verify.arithmetic.intervals import Interval
from verify.outcomes import InputError

SHARE = 64.0
"""How many radii of our enclosure the library's result may be off. A radius bounds what one evaluation with correctly
rounded sums and products does; other orders of summation and other elementary functions stay within a few of it."""
UNPROVED = 1e-6
"""How much two plain float64 results may differ, relatively, where the enclosure is infinite."""


def allowed_difference(ours: Interval, plain: np.ndarray) -> np.ndarray:
    """Return by how much a result may be off: some radii; a share of our plain result where nothing is proved."""
    size = np.abs(np.where(np.isfinite(ours.rad), ours.mid, plain))
    largest = float(np.max(size, initial=0.0))
    return np.where(np.isfinite(ours.rad), SHARE * (ours.rad + 2.0**-52 * largest), UNPROVED * (1.0 + largest))


def require_agreement(
    theirs: np.ndarray, ours: Interval, plain: np.ndarray, what: str, remedy: str, point: int, more: float = 0.0
) -> None:
    """Refuse a result that rounding does not explain.

    Parameters
    ----------
    theirs : array
        The library's.
    ours : Interval
        Contains the exact one of the problem.
    plain : array
        The problem's in float64.
    what, remedy : str
        Of the error.
    point : int
        Where they were evaluated.
    more : float
        How far the library's own formula may be off besides.

    Raises
    ------
    InputError
        If they differ by more.
    """
    allowed = allowed_difference(ours, plain) + more
    off = np.abs(theirs - np.where(np.isfinite(ours.rad), ours.mid, plain))
    if not np.all(off <= allowed):
        worst = int(np.argmax(np.where(np.isnan(off), np.inf, off - allowed)))
        graph, model = float(ours.mid[worst]), float(theirs[worst])
        raise InputError(what, point=point, entry=worst, graph=graph, model=model, remedy=remedy)
