"""Attacks on one Hessian bound L.

An attack is one random start: a point of the region, another for each attack, and a direction. The direction is turned
towards the largest |curvature| there by products with the Hessian (power iteration), then the point is moved to the
boundary, up the gradient of the curvature along that direction. The larger of the two curvatures, in float64, is
compared with L. Whatever exceeds L in float64 is evaluated rigorously, and so is the largest of all: L is broken only
by a proved lower bound of the curvature at a point proved to be inside.

Two climbs by Lanczos and repeated ascent (`verify.bounds.attack`) come first; their direction starts half of the
attacks, and they count as attacks too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.bounds.attack import attack_hessian, curvature_lower
from verify.outcomes import Verdict

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

CLIMBS = 2
POWERS = 3
_DIFFERENCE = 2.0**-13

Pair = tuple[float, np.ndarray, np.ndarray]
"""|curvature| in float64, point, unit direction."""


@dataclass(frozen=True)
class Attacks:
    """What the attacks on one bound gave.

    Parameters
    ----------
    count : int
        Attacks whose curvature was finite and was compared with the bound.
    strongest : float
        The largest curvature that was proved.
    point, direction : array, shape (P,)
        Where.
    successes : int
        Attacks that proved a curvature above the bound.
    """

    count: int
    strongest: float
    point: np.ndarray
    direction: np.ndarray
    successes: int


@certified_environment()
def attack_bound(problem: Objective, lipschitz: float, count: int, seed: int) -> Attacks:
    """Attack the bound of the problem's own region.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    lipschitz : float
        The bound L.
    count : int
        Attacks, the climbs included.
    seed : int
    """
    climbed = attack_hessian(problem, points=CLIMBS, seed=seed, ascents=3)
    strongest, point, direction = climbed.value, climbed.point, climbed.direction
    successes, compared = int(climbed.value > lipschitz), CLIMBS
    best: Pair | None = None
    for index in range(count - CLIMBS):
        pair = _attack(problem, np.random.default_rng([seed, 1, index]), climbed.direction)
        if pair is None:
            continue
        compared += 1
        if pair[0] > lipschitz:
            successes += _proved(problem, pair) > lipschitz
        if best is None or pair[0] > best[0]:
            best = pair
    if best is not None and (proved := _proved(problem, best)) > strongest:
        strongest, point, direction = proved, best[1], best[2]
    return Attacks(compared, strongest, point, direction, successes)


def _attack(problem: Objective, rng: np.random.Generator, leading: np.ndarray) -> Pair | None:
    region: Any = problem.region
    point = region.sample(rng, leading.size)
    with np.errstate(over="ignore", invalid="ignore"):
        start = leading if rng.random() < 0.5 and np.any(leading) else rng.standard_normal(leading.size)
        found = _turned(problem, point, start)
        if found is None:
            return None
        towards = _ascent(problem, point, found[2])
        if towards is None:
            return found
        moved = region.point(towards, 1.0)
        there = float(abs(found[2] @ problem.hessian_vector(moved, found[2])))
    return (there, moved, found[2]) if there > found[0] else found


def _turned(problem: Objective, point: np.ndarray, direction: np.ndarray) -> Pair | None:
    """Return the point with the best of the directions that power iteration passes through."""
    best: Pair | None = None
    for _ in range(POWERS):
        unit = _unit(direction)
        direction = problem.hessian_vector(point, unit)
        curvature = float(abs(unit @ direction))
        if not (np.isfinite(curvature) and np.all(np.isfinite(direction))):
            break
        if best is None or curvature > best[0]:
            best = (curvature, point, unit)
        if not np.any(direction):
            break
    return best


def _unit(direction: np.ndarray) -> np.ndarray:
    """Return the unit vector along a direction, not zero; scaled first by a power of 2, lest its square underflow."""
    scaled = np.ldexp(direction, -int(np.frexp(np.max(np.abs(direction)))[1]))
    return scaled / np.linalg.norm(scaled)


def _ascent(problem: Objective, point: np.ndarray, unit: np.ndarray) -> np.ndarray | None:
    """Return the gradient over the weights of the |curvature| along a direction; None where it vanishes."""
    ahead, behind = (problem.hessian_vector(point + step * unit, unit) for step in (_DIFFERENCE, -_DIFFERENCE))
    gradient = np.sign(unit @ (ahead + behind)) * (ahead - behind)
    return gradient if np.all(np.isfinite(gradient)) and np.any(gradient) else None


def _proved(problem: Objective, pair: Pair) -> float:
    _, point, direction = pair
    region: Any = problem.region
    return curvature_lower(problem, point, direction) if region.contains(point) is Verdict.PROVED else 0.0
