"""Attacks on bounds of the error along segments: E(w + t D) - E(w) <= p(t) on [0, T].

An attack starts at a random t and climbs: t moves to where E(w + t D) - E(w) - p(t), in float64, is larger, by steps
that halve. The best t of each bound is decided in interval or Arb arithmetic. w, D and t are whole multiples of powers
of two such that w + t D is a float64 array: nothing is rounded on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.bounds.segment import segment_bound
from verify.calculus.decide import decide_decrease
from verify.graph.problem import GraphProblem

if TYPE_CHECKING:
    from verify.bounds.segment_result import SegmentBound
    from verify.calculus.objective import Objective

CLIMBS_A_BOUND = 10
PARTS = 1024
"""Of a segment: t is T j / PARTS."""
_FIRST_STEP = PARTS // 4
LENGTHS = (1.0, 2.0, 4.0)
DEGREES = (2, 3, 4, 6)
"""Of bounds of graphs."""
_BITS = 51
"""w is a multiple of u = s / 2^51, D of PARTS u, where s, a power of 2, is above every |w| and |T D|; so t D is a
multiple of u, T being a whole number, and |w + t D| is at most about 2 s = 2^52 u."""


@dataclass(frozen=True)
class Segments:
    """What was seen of bounds along segments.

    Parameters
    ----------
    bounds : int
    finite : int
        Of these, that said anything.
    attacks : int
        Climbs, on finite bounds.
    successes : int
        Bounds below a proved change of the error.
    """

    bounds: int = 0
    finite: int = 0
    attacks: int = 0
    successes: int = 0


@certified_environment()
def attack_segments(problem: Objective, count: int, seed: int, leading: np.ndarray) -> Segments:
    """Attack bounds along random segments from points of the region.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    count : int
        Climbs, `CLIMBS_A_BOUND` for each bound.
    seed : int
    leading : array, shape (P,)
        Leading eigenvector of a Hessian in the region, one of the directions.
    """
    bounds = finite = attacks = successes = 0
    while attacks < count and bounds < 2 * -(-count // CLIMBS_A_BOUND):
        rng = np.random.default_rng([seed, 6, bounds])
        bounds += 1
        w, direction, length = _segment(problem, rng, leading)
        options: dict[str, Any] = {"degree": int(rng.choice(DEGREES))} if isinstance(problem, GraphProblem) else {}
        bound = segment_bound(problem, w, direction, length, **options)
        if not bound.is_finite:
            continue
        finite += 1
        climbs = min(CLIMBS_A_BOUND, count - attacks)
        attacks += climbs
        successes += _is_broken(problem, w, direction, bound, rng, climbs)
    return Segments(bounds, finite, attacks, successes)


def _segment(problem: Objective, rng: np.random.Generator, leading: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return w, D and T on the grid."""
    region: Any = problem.region
    w = region.sample(rng, leading.size)
    length = float(rng.choice(LENGTHS))
    gradient = problem.gradient(w)
    random = rng.standard_normal(w.size)
    direction = (-gradient, gradient, leading, random, -gradient + rng.uniform(0, 2) * np.abs(gradient) * random)[
        int(rng.integers(5))
    ]
    largest = float(np.max(np.abs(direction)))
    if not (np.isfinite(largest) and largest > 0):
        direction, largest = random, float(np.max(np.abs(random)))
    scale = float(2.0 ** np.frexp(max(np.max(np.abs(w)), 2.0**-60))[1])
    reach = scale * float(10.0 ** rng.uniform(-6, 0)) / length
    unit = scale * 2.0**-_BITS
    steps = np.round(direction * (reach / largest) / (unit * PARTS)) * (unit * PARTS)
    return np.round(w / unit) * unit, steps, length


def _is_broken(
    problem: Objective, w: np.ndarray, direction: np.ndarray, bound: SegmentBound, rng: np.random.Generator, climbs: int
) -> bool:
    """Whether the error is proved to rise above the bound at the t that the best of the climbs reached."""
    start = problem.error(w)
    known: dict[int, float] = {}

    def excess(part: int) -> float:
        if part not in known:
            t = bound.length * part / PARTS
            with np.errstate(all="ignore"):
                above = problem.error(w + t * direction) - start - float(bound.at(t))
            known[part] = above if np.isfinite(above) else -np.inf
        return known[part]

    for _ in range(climbs):
        part, step = int(rng.integers(1, PARTS + 1)), _FIRST_STEP
        while step:
            best = max((part, part - step, part + step), key=lambda k: excess(k) if 0 < k <= PARTS else -np.inf)
            part, step = (part, step // 2) if best == part else (best, step)
    t = bound.length * max(known, key=excess) / PARTS
    decision = decide_decrease(problem, w, w + t * direction, plus=-Fraction(bound.at(t)))
    return decision.sign == 1
