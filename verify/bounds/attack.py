"""Search for large curvature in a region: a proved lower bound, against which Hessian bounds are tested."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import decompositions
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.intervals import Interval
from verify.arithmetic.lengths import length
from verify.budget import OverBudgetError, check_time, remaining, time_limit
from verify.outcomes import InputError, Verdict
from verify.sharing import shared

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.objective import Objective

_INSIDE = 1.0 - 2.0**-40
_DIFFERENCE = 2.0**-13
_FRACTIONS = (1.0, 0.5, 0.2, 0.07, 0.02)
_CORRECTIONS, _OVERSHOOT = 4, 1.1
_BASIS, _RESIDUAL = 12, 2.0**-7
"""Vectors that Lanczos keeps, half of them from a good guess, and the relative residual at which it ends: the curvature
is then off by about its square.
"""


@dataclass(frozen=True)
class HessianAttack:
    """A point of the region and a direction of large curvature there.

    Parameters
    ----------
    value : float
        Proved: ``|u' Hess E(point) u| / |u|^2 >= value`` in exact reals for the stored point and direction u.
    point : array, shape (P,)
    direction : array, shape (P,)
    products : int
        Hessian-vector products spent.
    """

    value: float
    point: np.ndarray
    direction: np.ndarray
    products: int


@certified_environment()
def attack_hessian(
    problem: Objective,
    region: Region | None = None,
    points: int = 3,
    seed: int = 0,
    ascents: int = 25,
    level: float | None = None,
    seconds: float | None = None,
) -> HessianAttack:
    """Search a region for the largest |curvature| of E: Lanczos at a point, then ascent of that curvature.

    Parameters
    ----------
    problem : Problem or GraphProblem
    region : Region, optional
        Default: the problem's own region.
    points : int
        Starting points: the centre, then random points of the region.
    seed : int
        Of the random points and directions.
    ascents : int
        Moves of the point from each start at most.
    level : float, optional
        Search only where E(w) <= level, weight decay included; starts outside are pulled towards the centre.
    seconds : float, optional
        Of processor time for the search: the best that was found by then counts.

    Returns
    -------
    HessianAttack
        The best found. Its value is proved by an enclosure of the product of the Hessian and the direction, so it
        is at most the true supremum over the region: a bound below it is wrong. With a level, E at the point is proved
        to be at most the level, by an enclosure; the value is 0 if no such point was found.

    Raises
    ------
    InputError
        If there is no region or `points` is not positive.

    Examples
    --------
    The error 1/2 (2 w - 1)^2 has the second derivative 4 everywhere.

    >>> import numpy as np, verify
    >>> architecture = verify.Architecture.from_data(
    ...     {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}},
    ...     output="y",
    ... )
    >>> problem = verify.Problem(architecture, np.array([[2.0]]), np.array([[1.0]]))
    >>> 4.0 - 1e-9 < attack_hessian(problem, verify.Ball([0.0], 1.0)).value <= 4.0
    True
    """
    where = region if region is not None else problem.region
    if where is None:
        raise InputError("no region to attack", remedy="give a Ball or BoundedWeights", region=None)
    level = None if level is None else exact_float(level, "level")
    if points < 1:
        raise InputError("an attack needs a starting point", points=points, remedy="use points >= 1")
    rng = np.random.default_rng(seed)
    search = _Search(problem, where, rng, np.inf if level is None else level)
    first = search.start()
    search.best = (-1.0, first, rng.standard_normal(problem.size))
    with suppress(OverBudgetError), time_limit(_least(seconds, 0.75 * remaining()), "the attack"):
        for start in range(points):
            search.climb(first if start == 0 else search.pulled(where.sample(rng, problem.size), first), ascents)
    _, point, direction = search.best
    proved = where.contains(point) is Verdict.PROVED and search.is_low(point)
    return HessianAttack(
        curvature_lower(problem, point, direction) if proved else 0.0, point, direction, search.products
    )


def _least(seconds: float | None, left: float) -> float:
    return left if seconds is None else min(seconds, left)


@certified_environment()
def curvature_lower(problem: Objective, w: np.ndarray, direction: np.ndarray) -> float:
    """Proved lower bound of |u' Hess E(w) u| / |u|^2 for the direction u, in exact reals; 0 if nothing is proved."""
    along = Interval.point(direction)
    product = along.dot(problem.hessian_vector_enclosure(w, direction))
    curvature = abs(product / along.square().sum())
    lower = float(curvature.lower)
    return lower if np.isfinite(lower) else 0.0


class _Search:
    """State of one search."""

    def __init__(self, problem: Objective, region: Region, rng: np.random.Generator, level: float) -> None:
        self.problem = problem
        self.region = region
        self.level = level
        self.center = _center(problem, region)
        self.rng = rng
        self.products = 0
        self.best: tuple[float, np.ndarray, np.ndarray] = (-1.0, self.center, self.center)

    def product(self, w: np.ndarray, direction: np.ndarray) -> np.ndarray:
        check_time()
        self.products += 1
        if not (np.all(np.isfinite(w)) and np.all(np.isfinite(direction))):
            return np.full(w.shape, np.nan)
        return self.problem.hessian_vector(w, direction)

    def between(self, start: np.ndarray, end: np.ndarray, fraction: float) -> np.ndarray:
        """Return a point of the segment, pulled to the centre by a hair so that rounding keeps it inside."""
        return self.center + _INSIDE * (start + fraction * (end - start) - self.center)

    def is_low(self, w: np.ndarray) -> bool:
        """Whether E(w) is proved to be at most the level."""
        if self.level == np.inf:
            return True
        return bool(self.problem.error(w) <= self.level) and self.problem.error_enclosure(w)[1] <= self.level

    def start(self) -> np.ndarray:
        """Return the centre, or if its error is above the level the initial weights, if they fit."""
        initial = self.problem.initial_weights
        if self.is_low(self.center) or self.region.contains(initial) is not Verdict.PROVED:
            return self.center
        return initial if self.is_low(initial) else self.center

    def pulled(self, w: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Return w if it is low, else the first low one of some points between it and the start, else the start."""
        if self.is_low(w):
            return w
        nearer = (self.between(start, w, fraction) for fraction in _FRACTIONS)
        return next((point for point in nearer if self.is_low(point)), start)

    def lowered(self, w: np.ndarray) -> np.ndarray | None:
        """Return w if it is low, else a low point of the region found by steps down the gradient, or None."""
        if self.is_low(w):
            return w
        for _ in range(_CORRECTIONS):
            error, gradient = self.problem.error_and_gradient(w)
            square = float(gradient @ gradient)
            if not (0 < square < np.inf and np.isfinite(error)):
                return None
            w = w - _OVERSHOOT * (error - self.level) / square * gradient
            if self.region.contains(w) is not Verdict.PROVED:
                return None
            if self.is_low(w):
                return w
        return None

    def steepest(self, w: np.ndarray, guess: np.ndarray | None) -> tuple[float, np.ndarray]:
        """Return (|curvature|, unit direction) of the largest |eigenvalue| at w, by Lanczos; NaN where it overflows."""
        size = len(w)
        start = self.rng.standard_normal(size) if guess is None else guess
        if size <= 2:
            matrix = np.stack([self.product(w, row) for row in np.eye(size)])
            try:
                values, vectors = decompositions.eigh(0.5 * (matrix + matrix.T))
            except np.linalg.LinAlgError:
                return np.nan, _unit(start)
            index = int(np.argmax(np.abs(values)))
            return float(abs(values[index])), vectors[:, index]
        basis = _BASIS if guess is None else _BASIS // 2
        found = decompositions.dominant_vector(
            lambda u: self.product(w, u), start, basis=min(size, basis), rounds=20, tolerance=_RESIDUAL
        )
        direction = _unit(start if found is None else found)
        return float(abs(direction @ self.product(w, direction))), direction

    def curvature_gradient(self, w: np.ndarray, direction: np.ndarray) -> np.ndarray:
        """Gradient over w of the |curvature| along a fixed direction, by central differences."""
        step = _DIFFERENCE * direction
        ahead, behind = self.product(w + step, direction), self.product(w - step, direction)
        sign = np.sign(direction @ (ahead + behind))
        return (1.0 if sign == 0 else sign) * (ahead - behind) / (2 * _DIFFERENCE)

    def keep(self, value: float, w: np.ndarray, direction: np.ndarray) -> None:
        """Remember the best."""
        if value > self.best[0]:
            self.best = (value, w, direction)

    def climb(self, w: np.ndarray, ascents: int) -> None:
        """Alternate: best direction at the point, then the best point for that direction on a segment."""
        value, direction = shared(self.problem, ("steepest", w.tobytes()), lambda: self.steepest(w, None))
        self.keep(value, w, direction)
        for _ in range(ascents):
            uphill = self.curvature_gradient(w, direction)
            if not np.all(np.isfinite(uphill)):
                break
            target = self.region.point(uphill, 1.0)
            improved = False
            for fraction in _FRACTIONS:
                trial = self.between(w, target, fraction)
                if (lowered := self.lowered(trial)) is None:
                    continue
                trial = lowered
                along = float(abs(direction @ self.product(trial, direction)))
                if np.isfinite(along) and along > value * (1 + 1e-9):
                    improved = True
                    break
            if not improved:
                break
            previous = value
            w = trial
            value, direction = self.steepest(w, direction)
            self.keep(value, w, direction)
            if value <= previous * (1 + 1e-4):
                break


def _center(problem: Objective, region: Region) -> np.ndarray:
    center = np.empty(problem.size)
    for block, at, _ in region.balls(problem.size):
        center[block] = at
    return problem.check_weights(center)


def _unit(vector: np.ndarray) -> np.ndarray:
    size = length(vector)
    return vector / size if size > 0 else np.zeros_like(vector)
