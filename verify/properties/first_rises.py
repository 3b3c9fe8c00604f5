"""Runs from rest, and the first of their steps that is proved to raise the error, or the energy of the heavy ball.

An increase counts where it is proved of the algorithm's own step in exact reals from the stored weights before it, and
of the step as stored: `verify.properties.increase`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.budget import check_time
from verify.training.momentum import heavy_ball_step

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_VISIBLE = 1e-9
_MOST_ATTEMPTS = 20
"""Proofs of one run: where the error wavers within rounding, no further one is likely to succeed."""


@dataclass(frozen=True)
class Algorithm:
    """Gradient descent with momentum, from rest.

    Parameters
    ----------
    eta : float
        Learning rate.
    momentum : float
        The coefficient of the previous step, mu.
    tau : float or None
        Where the momentum term is cut to tau |grad E|; None for the classical heavy ball.
    """

    eta: float
    momentum: float = 0.0
    tau: float | None = None

    def __post_init__(self) -> None:
        for name in ("eta", "momentum", "tau"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, exact_float(getattr(self, name), name))

    def step(self, gradient: np.ndarray, previous: np.ndarray) -> np.ndarray:
        """Return the next step in float64."""
        return heavy_ball_step(gradient, previous, self.eta, self._coefficient(gradient, previous))

    def _coefficient(self, gradient: np.ndarray, previous: np.ndarray) -> float:
        length = float(np.linalg.norm(previous))
        if self.tau is None or length == 0.0:
            return self.momentum
        return min(self.momentum, self.tau * float(np.linalg.norm(gradient)) / length)

    def exact_step(self, gradient: Interval, previous: Interval) -> Interval:
        """Enclose the next step in exact reals; `previous` is not 0 everywhere, or the momentum is."""
        step = -gradient * self.eta
        if self.momentum == 0.0 or not ((previous.lower != 0) | (previous.upper != 0)).any():
            return step
        if self.tau is None:
            return step + previous * self.momentum
        ratio = gradient.norm() * self.tau / previous.norm()
        lower, upper = min(self.momentum, float(ratio.lower)), min(self.momentum, float(ratio.upper))
        return step + previous * Interval.from_bounds(lower, upper)


@dataclass(frozen=True)
class FirstRises:
    """What a run showed.

    Parameters
    ----------
    steps : int
        How many were taken.
    error, energy : int or None
        The first step that is proved to raise E, and V = E + mu/(2 eta) |D|^2 of the classical heavy ball; the first
        step is 1. None if none was found, which proves nothing.
    """

    steps: int
    error: int | None = None
    energy: int | None = None


@certified_environment()
def first_rises(problem: Objective, algorithm: Algorithm, steps: int) -> FirstRises:
    """Run an algorithm from the initial weights at rest and find its first proved increases.

    Parameters
    ----------
    problem : Problem or GraphProblem
    algorithm : Algorithm
    steps : int
        How many to take at most; the run ends where its weights overflow, do not change, or both increases are found.

    Examples
    --------
    The error w^2/2 from w = 1: with lr = 3 the first step leads to -2; the ball with momentum 0.9 rolls up at step 6.

    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> architecture = verify.Architecture.from_data(nodes, "y")
    >>> problem = verify.Problem(architecture, [[1.0]], [[0.0]], initial_weights=[1.0])
    >>> first_rises(problem, Algorithm(3.0), 10)
    FirstRises(steps=1, error=1, energy=1)
    >>> first_rises(problem, Algorithm(0.1, 0.9), 10)
    FirstRises(steps=10, error=6, energy=None)
    """
    w = before = problem.initial_weights
    rises: dict[str, int | None] = {"error": None, "energy": None}
    attempts, number = 0, 0
    weight = 0.0 if algorithm.tau is not None else algorithm.momentum / (2 * algorithm.eta)
    error, gradient = problem.error_and_gradient(w)
    for number in range(1, steps + 1):
        check_time()
        with np.errstate(all="ignore"):
            following = w + algorithm.step(gradient, w - before)
            kinetic = weight * (np.sum((following - w) ** 2) - np.sum((w - before) ** 2))
        if not np.all(np.isfinite(following)) or np.array_equal(following, w):
            break
        with np.errstate(all="ignore"):
            after, gradient = problem.error_and_gradient(following)
        change = after - error
        if not np.isfinite(change):
            break
        shown = {"error": change, "energy": change + kinetic}
        asked = [name for name, value in shown.items() if rises[name] is None and value > _VISIBLE * abs(error)]
        if asked and attempts < _MOST_ATTEMPTS:
            attempts += 1
            proved = _proved_rises(problem, algorithm, before, w, following)
            rises |= {name: number for name in asked if proved[name]}
        if None not in rises.values():
            break
        before, w, error = w, following, after
    return FirstRises(number, rises["error"], rises["energy"])


def _proved_rises(
    problem: Objective, algorithm: Algorithm, before: np.ndarray, w: np.ndarray, stored: np.ndarray
) -> dict[str, bool]:
    """Whether the exact step from w after the step before -> w, and the stored one, raise E and V."""
    previous = Interval.point(w) - Interval.point(before)
    try:
        step = algorithm.exact_step(problem.gradient_enclosure(w), previous)
        ends = Interval.point(w) + step
        ends = Interval.from_bounds(np.minimum(ends.lower, stored), np.maximum(ends.upper, stored))
        if not (np.all(np.isfinite(ends.lower)) and np.all(np.isfinite(ends.upper))):
            return {"error": False, "energy": False}
        (_, at_most), (at_least, _) = problem.error_enclosure(w), problem.error_over(ends)
        taken = ends - Interval.point(w)
        squares = float(taken.square().sum().lower), float(previous.square().sum().upper)
    except (ArithmeticDomainError, ZeroDivisionError):
        return {"error": False, "energy": False}
    if not np.all(np.isfinite([at_most, at_least, *squares])):
        return {"error": False, "energy": False}
    rise = Fraction(at_least) - Fraction(at_most)
    mu = Fraction(0) if algorithm.tau is not None else Fraction(algorithm.momentum)
    kinetic = mu / (2 * Fraction(algorithm.eta)) * (Fraction(squares[0]) - Fraction(squares[1]))
    return {"error": rise > 0, "energy": rise + kinetic > 0}
