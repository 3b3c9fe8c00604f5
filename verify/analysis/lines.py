"""Where on a line of weights the error is proved not to exceed E(w): segment bounds, piece by piece.

The line is x(t) = w + d + t v in exact reals. A piece starts at stored weights b near x(t0), its segment bound P holds
along a stored direction near v. If G bounds |grad E| on a ball around w that holds all points concerned,

    E(x(t0 + s)) - E(w) <= [E(b) - E(w)] + |b - x(t0)| G + P(s) + s |v - stored v| G,

a polynomial in s that is compared with 0 in exact arithmetic. G = |grad E(w)| + R sup |Hess E| on the ball of radius R.
What a program stores for x(t) is off by a few roundings of |w| + |d| + t |v|: G again says what that can do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rational import round_down, round_up
from verify.arithmetic.rounding import UNIT
from verify.bounds.hessian import hessian_bound
from verify.bounds.polynomials import never_positive, positive_roots, value
from verify.bounds.regions import Ball
from verify.bounds.segment import segment_bound
from verify.outcomes import InputError
from verify.training.evaluation import error_range

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_MOST_PIECES = 16
_MOST_BOUNDS = 24
_LEAST_GAIN = 2.0**-7
_STORING = 8 * UNIT
_TINY = 2.0**-1000
_LITTLE = 2.0**-14


@dataclass(frozen=True)
class Vector:
    """An exact vector, stored up to `error` in the Euclidean norm.

    Parameters
    ----------
    stored : array, shape (P,)
    error : float
    """

    stored: np.ndarray
    error: float = 0.0

    @classmethod
    def of(cls, exact: Interval, stored: np.ndarray) -> Vector:
        """Return the vector inside an enclosure with a stored approximation of it."""
        return cls(stored, float((exact - Interval.point(stored)).norm().upper))

    @property
    def length(self) -> float:
        """Upper bound of the Euclidean norm of the exact vector."""
        return float(upward.add(Interval.point(self.stored).norm().upper, self.error))


@dataclass
class Surroundings:
    """What is known of E around w: its range there, and bounds of |grad E| on balls.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w : array, shape (P,)

    Raises
    ------
    InputError
        If E(w) overflows.
    """

    problem: Objective
    w: np.ndarray
    _steepness: dict[float, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.error = error_range(self.problem, self.w)
        if not np.all(np.isfinite(self.error)):
            raise InputError("the error overflows at these weights", error=self.error[1], remedy="give smaller weights")
        self.size = float(Interval.point(self.w).norm().upper)
        self.gradient = self.problem.gradient_enclosure(self.w)
        self.slope = float(self.gradient.norm().upper)

    def steepness(self, radius: float) -> float:
        """Upper bound of |grad E| where |x - w| <= radius; inf where there is none."""
        if not np.isfinite(radius):
            return float("inf")
        radius = float(np.ldexp(1.0, int(np.frexp(max(radius, _TINY))[1])))
        if radius not in self._steepness:
            self._steepness[radius] = self._bound(self.w, self.slope, radius)
        return self._steepness[radius]

    def steepness_near(self, base: np.ndarray, radius: float) -> float:
        """Upper bound of |grad E| where |x - base| <= radius; dearer, and smaller far from w."""
        return self._bound(base, float(self.problem.gradient_enclosure(base).norm().upper), radius)

    def _bound(self, center: np.ndarray, slope: float, radius: float) -> float:
        try:
            curvature = hessian_bound(self.problem, Ball(center, radius), "norms", cells=1).value
        except InputError:
            return float("inf")
        bound = float(upward.add(slope, upward.mul(radius, curvature)))
        return bound if np.isfinite(bound) else float("inf")


@dataclass(frozen=True)
class LinePiece:
    """E(x(start + s)) - E(w) <= polynomial(s) <= 0 for s in [0, end], and <= -storing for s in [sure, end]."""

    start: float
    sure: float
    end: float
    polynomial: tuple[float, ...]


@dataclass(frozen=True)
class Reach:
    """What is proved along a line from t = 0.

    Parameters
    ----------
    until : float
        E(x(t)) <= E(w) for all real t in [0, until]; 0 if nothing is proved.
    best : float
        The t with the largest proved decrease.
    decrease : float
        That decrease, rounded down.
    stored : (float, float) or None
        E(x) <= E(w) for the float64 weights that a program stores for x(t), t in this interval.
    exact : bool
        Whether the line is the exact one; else it goes along the stored vectors, as no bound of the gradient is known.
    pieces : int
        Segment bounds that make up the proof.
    """

    until: float = 0.0
    best: float = 0.0
    decrease: float = 0.0
    stored: tuple[float, float] | None = None
    exact: bool = True
    pieces: int = 0


def reach(
    around: Surroundings,
    direction: Vector,
    length: float,
    fixed: Sequence[tuple[float, Vector]] = (),
    seconds: float = float("inf"),
) -> Reach:
    """Prove as far as possible along w + sum of the fixed multiples + t direction.

    Parameters
    ----------
    around : Surroundings
    direction : Vector
    length : float
        Of the first piece.
    fixed : sequence of (float, Vector)
        Exact multiples of vectors, added to w.
    seconds : float
        Of processor time, after which no more bounds are begun, but until one piece is proved.

    Returns
    -------
    Reach
    """
    pieces: list[LinePiece] = []
    exact, t, scale = True, 0.0, length
    failed_at, longest = 0.0, np.inf
    end = time.process_time() + seconds
    for _ in range(_MOST_BOUNDS):
        if pieces and time.process_time() >= end:
            break
        piece, is_exact = _piece(around, direction, t, scale, fixed)
        if piece is None:
            failed_at, longest = t, 0.5 * scale
            scale *= 0.25
            if scale < _LEAST_GAIN * max(t, _LEAST_GAIN * length):
                break
            continue
        exact = is_exact
        following = float(np.nextafter(t + piece.end, 0.0)) if pieces else piece.end
        if not following > t:
            break
        pieces.append(piece)
        gain, t = following - t, following
        if gain < _LEAST_GAIN * t or len(pieces) == _MOST_PIECES or not is_exact:
            break
        scale = 2.0 * scale if piece.end == scale else max(1.25 * piece.end, 0.25 * scale)
        if t < 2.0 * failed_at:  # what was too long here is not tried again before twice the distance
            scale = min(scale, longest)
    return _summary(pieces, t, exact)


def _piece(
    around: Surroundings, direction: Vector, t: float, scale: float, fixed: Sequence[tuple[float, Vector]]
) -> tuple[LinePiece | None, bool]:
    """Bound E along one piece; None if no part of it is proved to lie below E(w)."""
    origin = [*fixed, (t, direction)] if t > 0 else list(fixed)
    base, off = _stored_base(around.w, origin)
    far = sum((float(upward.mul(abs(a), v.length)) for a, v in origin), 0.0)
    span = float(upward.mul(scale, direction.length))
    reached = float(upward.add(far, span, off))
    moved = float(upward.add(upward.mul(_STORING, upward.add(around.size, reached)), _TINY))
    steepness = around.steepness(2.0 * (reached + moved))
    if not (np.isfinite(off) and np.isfinite(direction.error) and np.all(np.isfinite(base))):
        return None, False
    if not _LITTLE * around.error[1] >= (off + moved + scale * direction.error) * steepness:
        steepness = min(steepness, around.steepness_near(base, 2.0 * (span + off + moved)))
    exact = np.isfinite(steepness)
    if origin and not exact:
        return None, False
    bound = segment_bound(around.problem, base, direction.stored, scale)
    constant, tilt, storing = Fraction(0), Fraction(0), np.inf
    if origin:
        above = error_range(around.problem, base)[1]
        if not np.isfinite(above):
            return None, True
        constant = Fraction(above) - Fraction(around.error[0]) + Fraction(off) * Fraction(steepness)
    if exact:
        tilt = Fraction(direction.error) * Fraction(steepness)
        storing = float(upward.mul(moved, steepness))
    pieces = []
    for found in bound.polynomials:
        if np.all(np.isfinite(found)):
            polynomial = (round_up(constant), round_up(Fraction(found[0]) + tilt), *found[1:])
            sure, end = _below(polynomial, scale, storing)
            pieces.append(LinePiece(t, sure, end, polynomial))
    best = max(pieces, key=lambda piece: piece.end, default=None)
    return (best if best is not None and best.end > 0 else None), bool(exact)


def _stored_base(w: np.ndarray, origin: Sequence[tuple[float, Vector]]) -> tuple[np.ndarray, float]:
    """Return weights near the origin of a piece, and an upper bound of their distance from it."""
    base, exact, error = w.copy(), Interval.point(w), 0.0
    with np.errstate(all="ignore"):
        for factor, vector in origin:
            base = base + factor * vector.stored
            exact = exact + Interval.point(vector.stored) * factor
            error = float(upward.add(error, upward.mul(abs(factor), vector.error)))
    if not origin or not np.all(np.isfinite(base)):
        return base, 0.0
    return base, float(upward.add((Interval.point(base) - exact).norm().upper, error))


def _below(polynomial: tuple[float, ...], length: float, storing: float) -> tuple[float, float]:
    """Return (sure, end): polynomial <= 0 on [0, end] and <= -storing on [sure, end]; (inf, end) without the latter."""
    constant, slope = polynomial[:2]
    if constant > 0 or (constant == 0 and slope >= 0):
        return np.inf, 0.0
    coefficients = polynomial if constant < 0 else polynomial[1:]
    raised = [Fraction(constant) + Fraction(storing), *map(Fraction, polynomial[1:])] if np.isfinite(storing) else []
    sure = _first_below(raised, length) if raised else np.inf
    shifted = _moved(raised, Fraction(sure)) if np.isfinite(sure) else []
    s = min([length, *positive_roots(coefficients, length)])
    shrinkage = 2.0**-52
    while s > 0 and not (
        never_positive(coefficients, s)
        and (s <= sure or never_positive(shifted, float(np.nextafter(s - sure, np.inf))))
    ):
        s *= 1 - shrinkage
        shrinkage = min(16 * shrinkage, 0.5)
    return (sure if s > sure else np.inf), s


def _first_below(polynomial: Sequence[Fraction], length: float) -> float:
    """Smallest s found where a polynomial that falls at 0 is not positive; inf if there is none."""
    s = 2.0 * float(polynomial[0] / -polynomial[1]) if polynomial[0] > 0 > polynomial[1] else 0.0
    while polynomial[0] > 0 and s < length and value(polynomial, s) > 0:
        s = max(2.0 * s, length * 2.0**-60)
    return s if s < length else np.inf


def _summary(pieces: list[LinePiece], until: float, exact: bool) -> Reach:
    if not pieces:
        return Reach(exact=exact)
    best, least = 0.0, Fraction(0)
    for piece in pieces:
        slopes = [k * float(c) for k, c in enumerate(piece.polynomial) if k]
        inner = positive_roots(slopes, piece.end) if slopes[0] else []
        for s in (0.0, piece.end, *inner):
            t = min(piece.start + s, until)
            inside = Fraction(t) - Fraction(piece.start)
            if 0 <= inside <= Fraction(piece.end) and (change := value(piece.polynomial, inside)) < least:
                best, least = t, change
    return Reach(until, best, max(0.0, round_down(-least)), _stored_interval(pieces), exact, len(pieces))


def _stored_interval(pieces: list[LinePiece]) -> tuple[float, float] | None:
    """Return where the error of stored weights is proved not to exceed E(w)."""
    start, end = pieces[0].sure, pieces[0].end
    if not start < end:
        return None
    for piece in pieces[1:]:
        if piece.sure > 0:
            break
        end = piece.start + piece.end
    return start, float(np.nextafter(end, 0.0))


def _moved(polynomial: Sequence[Fraction], s: Fraction) -> list[Fraction]:
    """Coefficients of polynomial(s + r) in r."""
    result = list(polynomial)
    for i in range(len(result)):
        for k in range(len(result) - 2, i - 1, -1):
            result[k] += s * result[k + 1]
    return result
