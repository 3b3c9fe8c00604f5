"""An upper bound of the error along a step: E(w + t D) - E(w) <= c1 t + c2 t^2 + c3 t^3 on [0, T].

With residuals e(t) = e0 + y1 t + rho(t) t^2, rho in m +- r (`segment_model`), one sample's error changes by
``t e0.y1 + t^2 G(t)/2`` with

    G(t) = sum 2 e0 m + (y1 + t m)^2 + t^2 r^2 + 2 r |e0 + t (y1 + t m)|,

the larger of two convex quadratics in t entry by entry, hence convex: on [0, T] it lies below the chord through G(0)
and G(T), and the bound is cubic.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import UNIT, add_up
from verify.bounds.segment_loss import output_terms
from verify.bounds.segment_model import Models, Segment, taylor_models
from verify.bounds.segment_slopes import slope_terms
from verify.bounds.segment_storage import output_shifts
from verify.bounds.start import StartPass, has_taylor_models
from verify.bounds.taylor_rounding import enlarged
from verify.bounds.workspace import Workspace
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

Model = Literal["taylor", "slopes"]


@dataclass(frozen=True)
class SegmentBound:
    """Proved upper bound of the change of the error along a segment.

    Parameters
    ----------
    polynomial : (float, float, float)
        (c1, c2, c3): E(w + t D) - E(w) <= c1 t + c2 t^2 + c3 t^3 for all real t in [0, length].
    length : float
        T.
    model : {"taylor", "slopes"}
        How it was found: Taylor models of degree 2, or interval slopes where an activation is not smooth.
    storage : float
        Upper bound of |E(fl(w + t D)) - E(w + t D)| for t in [0, length]: what rounding the stored weights can do;
        inf where no such bound is known.
    """

    polynomial: tuple[float, float, float]
    length: float
    model: Model
    storage: float

    def stored_change(self, t: float) -> Fraction | None:
        """Return a proved upper bound of E(fl(w + t D)) - E(w), or None if there is none."""
        return self.at(t) + Fraction(self.storage) if np.isfinite(self.storage) else None

    def at(self, t: float) -> Fraction:
        """Return the exact value of the bound at t in [0, length].

        Raises
        ------
        InputError
            If t lies outside, where nothing is proved.
        """
        if not 0 <= t <= self.length:
            raise InputError("outside the segment", t=t, length=self.length)
        c1, c2, c3 = map(Fraction, self.polynomial)
        exact = Fraction(t)
        return exact * (c1 + exact * (c2 + exact * c3))

    @property
    def decrease_until(self) -> float:
        """Largest t found such that the error is proved not to rise on all of [0, t]; 0 if none."""
        c1, c2, c3 = self.polynomial
        if not (np.all(np.isfinite(self.polynomial)) and c1 < 0):
            return 0.0
        t = min([self.length, *_positive_roots(c3, c2, c1)])
        shrinkage = 2.0**-52
        while t > 0 and not self._falls_until(t):
            t *= 1 - shrinkage
            shrinkage = min(2 * shrinkage, 0.5)
        return t

    def _falls_until(self, t: float) -> bool:
        """Whether c1 + c2 s + c3 s^2 <= 0 for all s in [0, t]; c1 < 0."""
        c1, c2, c3 = map(Fraction, self.polynomial)
        end = Fraction(t)
        at_end = c1 + end * (c2 + end * c3)
        if at_end > 0:
            return False
        peak = -c2 / (2 * c3) if c3 < 0 else None
        return not (peak is not None and 0 < peak < end and c1 + peak * (c2 + peak * c3) > 0)

    @property
    def best_step(self) -> float:
        """Where in [0, decrease_until] the bound is least, up to rounding; 0 if no decrease is proved."""
        c1, c2, c3 = self.polynomial
        end = self.decrease_until
        inner = _positive_roots(3 * c3, 2 * c2, c1) if end > 0 else []
        return min([0.0, end, *(t for t in inner if t < end)], key=lambda t: t * (c1 + t * (c2 + t * c3)))

    @property
    def decrease(self) -> float:
        """Proved decrease E(w) - E(w + best_step D), rounded down."""
        if self.best_step == 0:
            return 0.0
        exact = -self.at(self.best_step)
        rounded = float(exact)
        return rounded if Fraction(rounded) <= exact else float(np.nextafter(rounded, -np.inf))


def _positive_roots(a: float, b: float, c: float) -> list[float]:
    """Approximate positive roots of a t^2 + b t + c; none where the coefficients overflow."""
    size = max(abs(a), abs(b), abs(c))
    if not (np.isfinite(size) and size > 0):
        return []
    a, b, c = a / size, b / size, c / size
    discriminant = b * b - 4 * a * c
    if discriminant < 0:
        return []
    q = -0.5 * (b + np.copysign(np.sqrt(discriminant), b))
    with np.errstate(all="ignore"):
        roots = [float(np.float64(q) / a), float(np.float64(c) / q)]
    return [root for root in roots if 0 < root < np.inf]


def segment_bound(problem: Problem, w: Any, D: Any, T: float, start: StartPass | None = None) -> SegmentBound:
    """Bound the error along w + t D, 0 <= t <= T, from above.

    Parameters
    ----------
    problem : Problem
    w, D : array, shape (P,)
        Start and direction, exact float64.
    T : float
        Length of the segment in units of D.
    start : StartPass, optional
        Spares the forward pass where it holds that of w.

    Returns
    -------
    SegmentBound
        Its coefficients are inf where float64 overflows.

    Raises
    ------
    InputError
        If T is not positive and finite, or w or D is not a finite (P,) array.

    Examples
    --------
    >>> import numpy as np, verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[0.0]])
    >>> bound = segment_bound(problem, np.array([1.0]), np.array([-1.0]), 2.0)
    >>> round(bound.best_step, 12), bound.decrease <= 0.5, round(bound.decrease, 12)
    (1.0, True, 0.5)
    """
    weights, direction = problem.check_weights(w), problem.check_weights(D)
    if not (np.isfinite(T) and T > 0):
        raise InputError("the length of a segment must be positive and finite", T=T)
    architecture = problem.architecture
    smooth = has_taylor_models(architecture)
    segment = Segment(architecture, architecture.unflatten(weights), architecture.unflatten(direction), float(T))
    known = None if start is None else start.at(problem, weights)
    total = np.zeros(4)
    workspace = Workspace() if start is None else start.workspace
    with np.errstate(all="ignore"):
        for index, chunk in enumerate(problem.chunks()):
            x, y = problem.rows(chunk)
            if smooth:
                models = taylor_models(segment, x, workspace, None if known is None else known[index])
                terms = _taylor_terms(models, segment, y)
            else:
                terms = np.append(slope_terms(segment, x, y), np.inf)
            total = (total + terms) + 4 * UNIT * (np.abs(total) + np.abs(terms))
    slope, at_zero, at_end, storage = (
        value + 4 * UNIT * abs(value) for value in (total / problem.sample_divisor).tolist()
    )
    cubic = (at_end - at_zero) / T
    cubic += 8 * UNIT * (abs(at_end) + abs(at_zero)) / T
    with np.errstate(all="ignore"):
        polynomial = _add_weight_decay(problem, weights, direction, (slope, at_zero, cubic))
        storage = enlarged(storage + _stored_weight_decay(problem, weights, direction, float(T)))
    return SegmentBound(polynomial, float(T), "taylor" if smooth else "slopes", storage)


def _taylor_terms(models: Models, segment: Segment, y: np.ndarray) -> np.ndarray:
    """Upper bounds of sum e0.y1, of sum G(0)/2, of sum G(T)/2 and of the effect of storing, over a chunk."""
    result = np.zeros(4)
    shifts = output_shifts(segment, models)
    column = 0
    for name in segment.architecture.outputs:
        width = segment.architecture.vertices[name].width
        result += output_terms(models, name, y[:, column : column + width], segment.length, shifts[name])
        column += width
    return result + 8 * UNIT * np.abs(result)


def _add_weight_decay(
    problem: Problem, w: np.ndarray, D: np.ndarray, polynomial: tuple[float, float, float]
) -> tuple[float, float, float]:
    c1, c2, c3 = (float(c) if np.isfinite(c) else np.inf for c in polynomial)
    if problem.weight_decay == 0.0:
        return c1, c2, c3
    along = Interval.point(w).dot(D) * problem.weight_decay
    squared = Interval.point(D).square().sum() * problem.weight_decay / 2.0
    first, second = add_up(np.array([c1, c2]), np.array([float(along.upper), float(squared.upper)])).tolist()
    return first, second, c3


def _stored_weight_decay(problem: Problem, w: np.ndarray, D: np.ndarray, length: float) -> float:
    """Upper bound of weight_decay/2 times the change of |w + t D|^2 when w + t D is stored."""
    if problem.weight_decay == 0.0:
        return 0.0
    largest = enlarged(float(np.linalg.norm(w)) * (1 + 2.0**-20) + length * float(np.linalg.norm(D)) * (1 + 2.0**-20))
    return enlarged(4 * UNIT * problem.weight_decay * largest * largest)
