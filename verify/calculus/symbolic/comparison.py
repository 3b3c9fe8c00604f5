"""One gradient beside its reference at one point: the errors, and what rounding explains of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np

from verify.arithmetic.arb import precision as bits
from verify.arithmetic.environment import users_code
from verify.arithmetic.lengths import length
from verify.arithmetic.precision import Precision
from verify.calculus.problem import Problem
from verify.calculus.symbolic.evaluation import BITS, reference_gradient
from verify.calculus.symbolic.rounding import rounding_allowance
from verify.outcomes import InputError

Gradient = Callable[[np.ndarray], Any]

WIDEST_REFERENCE = 2.0**-80
"""Relative radius beyond which a reference decides nothing: at a kink it holds the slopes of both sides."""


@dataclass(frozen=True)
class GradientComparison:
    """A gradient beside the reference: what is allowed is the rounding of both, entry by entry.

    `error` is the distance of what is given from what is expected, `radius` how far that may be from the exact number.
    """

    what: str
    w: np.ndarray
    given: np.ndarray
    expected: np.ndarray
    error: np.ndarray
    radius: np.ndarray
    allowance: np.ndarray
    roundoff: float
    rows: np.ndarray | None

    @property
    def norm(self) -> float:
        return length(self.expected)

    @property
    def relative_error(self) -> float:
        """Largest error of an entry relative to the gradient's norm."""
        largest = float(np.max(self.error, initial=0.0))
        return largest / self.norm if self.norm > 0 else (0.0 if largest == 0 else np.inf)

    @property
    def resolution(self) -> float:
        """The allowance relative to the gradient's norm: smaller mistakes cannot be seen."""
        allowed = length(self.allowance)
        return allowed / self.norm if self.norm > 0 else (0.0 if not self.expected.any() else np.inf)

    def measured(self, parts: Iterable[slice]) -> float:
        """Return the largest distance of a part from the exact gradient, relative to that part's norm."""
        off = self.error + self.radius
        sizes = np.array([[length(off[part]), length(self.expected[part])] for part in parts]).reshape(-1, 2)
        with np.errstate(all="ignore"):
            return float(np.max(np.where(sizes[:, 0] == 0, 0.0, sizes[:, 0] / sizes[:, 1]), initial=0.0))

    @property
    def worst(self) -> int | None:
        """Position of the entry that exceeds its allowance by the largest factor, None if none does."""
        excess = self.error > self.allowance
        if not excess.any():
            return None
        return int(np.argmax(np.where(excess, self.error / self.allowance, 0.0)))

    @property
    def is_finite(self) -> bool:
        """Whether the reference is sharp and all numbers are finite."""
        return bool(np.all(np.isfinite(self.given)) and np.all(np.isfinite(self.allowance + self.error)))


def called(gradient: Gradient, w: np.ndarray) -> tuple[np.ndarray, Precision]:
    """Return the gradient given, in float64, and the precision it came in.

    Raises
    ------
    InputError
        If it cannot be called with w, or returns the wrong shape or type.
    """
    try:
        with users_code():
            array = np.asarray(gradient(w.copy()))
    except Exception as error:
        raise InputError(
            "the gradient given cannot be evaluated",
            where="user_gradient",
            error=f"{type(error).__name__}: {error}",
            remedy="it takes w, (P,) float64, and returns P numbers; detach tensors and move them to the CPU",
        ) from error
    if array.shape != w.shape or array.dtype.kind not in "fiu":
        raise InputError(
            "the gradient given must be a flat array of real numbers, one a weight",
            where="user_gradient",
            shape=array.shape,
            dtype=str(array.dtype),
            expected=w.shape,
            remedy="return one float64 vector",
        )
    return array.astype(np.float64), Precision.of(array.dtype)


def against_reference(problem: Problem, w: np.ndarray, user_gradient: Gradient | None = None) -> GradientComparison:
    """Compare a gradient over all samples of a problem, by default the problem's own, with the reference."""
    return _beside(problem, w, user_gradient, reference_gradient(problem, w), None)


def through_the_enclosure(
    problem: Problem, w: np.ndarray, user_gradient: Gradient | None, rows: np.ndarray
) -> list[GradientComparison]:
    """Compare the gradient over some samples with the reference, and over all samples with the rigorous enclosure.

    The link is the enclosure over those samples, which must contain the reference.
    """
    part = Problem(
        problem.architecture,
        np.asarray(problem.inputs[rows]),
        np.asarray(problem.targets[rows]),
        loss=problem.loss,
        reduction=problem.reduction,
        weight_decay=problem.weight_decay,
    )
    reference = reference_gradient(part, w)
    return [
        _beside(part, w, None, reference, rows),
        _contained(part, w, reference, rows),
        against_enclosure(problem, w, user_gradient),
    ]


def against_enclosure(problem: Problem, w: np.ndarray, user_gradient: Gradient | None = None) -> GradientComparison:
    """Compare a gradient over all samples with the rigorous enclosure."""
    given, precision = called(user_gradient or problem.gradient, w)
    enclosed = problem.gradient_enclosure(w)
    allowance = rounding_allowance(problem, w, precision.roundoff) + enclosed.rad
    error = np.abs(given - enclosed.mid)
    what, roundoff = _name(user_gradient), precision.roundoff
    return GradientComparison(what, w, given, enclosed.mid, error, enclosed.rad, allowance, roundoff, None)


def _beside(
    problem: Problem, w: np.ndarray, user_gradient: Gradient | None, reference: np.ndarray, rows: np.ndarray | None
) -> GradientComparison:
    given, precision = called(user_gradient or problem.gradient, w)
    roundoff = precision.roundoff
    expected = np.array([float(ball.mid()) for ball in reference])
    radius = np.array([float(ball.rad()) for ball in reference])
    sharp = radius <= WIDEST_REFERENCE * np.max(np.abs(expected), initial=0.0)
    allowance = np.where(sharp, rounding_allowance(problem, w, roundoff) + radius, np.inf)
    error = _distance(given, reference)
    return GradientComparison(_name(user_gradient), w, given, expected, error, radius, allowance, roundoff, rows)


def _contained(problem: Problem, w: np.ndarray, reference: np.ndarray, rows: np.ndarray) -> GradientComparison:
    enclosed = problem.gradient_enclosure(w)
    ends = zip(enclosed.lower, reference, enclosed.upper, strict=True)
    inside = np.array([bool(flint.arb(float(low)) <= ball <= flint.arb(float(up))) for low, ball, up in ends])
    distance = np.maximum(_distance(enclosed.mid, reference), np.nextafter(enclosed.rad, np.inf))
    expected = np.array([float(ball.mid()) for ball in reference])
    error = np.where(inside, 0.0, distance)
    what, radius = "problem.gradient_enclosure", enclosed.rad
    return GradientComparison(what, w, enclosed.mid, expected, error, radius, radius, 2.0**-53, rows)


def _distance(given: np.ndarray, reference: np.ndarray) -> np.ndarray:
    with bits(BITS):
        return np.array(
            [
                abs(float((ball - float(value)).mid())) if np.isfinite(value) else np.inf
                for ball, value in zip(reference, given, strict=True)
            ]
        )


def _name(user_gradient: Gradient | None) -> str:
    return "problem.gradient" if user_gradient is None else "the gradient given"
