"""Questions about one Euclidean ball, answered exactly on float64 numbers: membership, boundary, inner points."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import rational
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import gamma

Weights = NDArray[np.float64]
_SMALL, _LARGE = 2.0**-900, 2.0**900
MOST_EXACT = 2**16
"""Weights up to which a point is moved to the last bit inside; exact arithmetic takes a microsecond for each."""

_FAR_ENOUGH = 2.0**-20


def within(w: Weights, center: Weights, radius: float) -> bool:
    """Decide |w - center| <= radius: in float64, by an enclosure of the norm, at last in exact arithmetic."""
    evident = _evidently_within(w, center, radius)
    if evident is not None:
        return evident
    distance = (Interval.point(w) - Interval.point(center)).norm()
    if float(distance.upper) <= radius:
        return True
    if float(distance.lower) > radius:
        return False
    return squared_distance(w, center) <= Fraction(radius) ** 2


def _evidently_within(w: Weights, center: Weights, radius: float) -> bool | None:
    """Decide |w - center| <= radius where the rounding of a few float64 operations leaves no doubt.

    Differences, squares and their sum lose at most gamma(n + 2) of the square, ``radius * radius`` at most one unit; in
    the given range underflow loses less than what is left of `doubt`.
    """
    with np.errstate(over="ignore"):
        displacement = w - center
        square, limit = float(np.dot(displacement, displacement)), radius * radius
    if not (_SMALL < square < _LARGE and _SMALL < limit < _LARGE):
        return None
    doubt = 1.0 + 2.0 * float(gamma(w.size + 8))
    if square * doubt < limit:
        return True
    return False if square > limit * doubt else None


def squared_distance(w: Weights, center: Weights) -> Fraction:
    """Return |w - center|^2 exactly; entries that are equal cost nothing."""
    moved = w != center
    w, center = w[moved], center[moved]
    return rational.dot(w, w) - 2 * rational.dot(w, center) + rational.dot(center, center)


def scale_within(w: Weights, step: Weights, center: Weights, radius: float) -> Fraction:
    """Return a t in [0, 1] with w + t step in the ball, the largest up to a relative 2^-150; w is in the ball.

    |w + t step - center|^2 = a t^2 + 2 b t + |w - center|^2 exactly, so with the slack s = radius^2 - |w - center|^2
    the largest t solves a t^2 + 2 b t = s: t = (-b + sqrt(b^2 + a s))/a, or s/(b + sqrt(b^2 + a s)) where b > 0.
    """
    a = rational.dot(step, step)
    b = rational.dot(w, step) - rational.dot(center, step)
    slack = Fraction(radius) ** 2 - squared_distance(w, center)
    if a + 2 * b <= slack:
        return Fraction(1)
    discriminant = b * b + a * slack
    if b > 0:
        return slack / (b + rational.sqrt_up(discriminant))
    return max(Fraction(0), rational.sqrt_down(discriminant) - b) / a


def point_within(center: Weights, radius: float, direction: Weights, distance: float) -> Weights:
    """Return a float64 point of the ball near center + distance radius direction/|direction|."""
    largest = float(np.max(np.abs(direction), initial=0.0))
    if largest == 0.0 or radius == 0.0:
        return center.copy()
    scaled = direction / largest
    displacement = scaled * (distance * radius / float(np.linalg.norm(scaled)))
    shrink = 0.0 if center.size <= MOST_EXACT else 4.0 * float(gamma(center.size + 8))
    point = center + displacement * (1.0 - shrink)
    while not _inside(point, center, radius, exact=center.size <= MOST_EXACT or shrink > _FAR_ENOUGH):
        shrink = 2.0**-52 if shrink == 0.0 else 2.0 * shrink
        point = center + displacement * max(0.0, 1.0 - shrink)
    return point


def _inside(point: Weights, center: Weights, radius: float, exact: bool) -> bool:
    """Whether a point is in the ball; if not `exact`, whether a few float64 operations leave no doubt of it."""
    return within(point, center, radius) if exact else _evidently_within(point, center, radius) is True
