"""The elementary functions against intervals whose ends are rounded correctly: the library crival, on CORE-MATH."""

from __future__ import annotations

import operator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from tests.samples import sampled
from verify.arithmetic import elementary
from verify.arithmetic.intervals import Interval

ival = pytest.importorskip("ival", reason="crival has no wheel for this platform")

PEERS = {"arctan": "atan"} | {name: name for name in ("exp", "expm1", "log", "log1p", "tanh", "erf", "sin", "cos")}
DOMAINS = {"log": (0.0, 1e300), "log1p": (-0.999, 1e300), "exp": (-800.0, 709.0), "expm1": (-800.0, 709.0)}
OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
WIDTHS = (0.0, 1e-300, 1e-12, 1e-3, 1.0, 40.0)


def drawn_intervals(name: str, rng: np.random.Generator, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return ends of intervals of all sizes inside the domain of a function."""
    low, high = DOMAINS.get(name, (-1e300, 1e300))
    sizes = np.exp(rng.uniform(-700.0, 30.0, count)) * rng.choice([-1.0, 1.0], count)
    starts = np.clip(np.concatenate([sizes, 3.0 * rng.standard_normal(count)]), low, high)
    widths = rng.choice(WIDTHS, starts.size)
    if name == "log":  # a midpoint and a radius hold no interval from next to zero to large numbers
        starts = np.maximum(np.abs(sizes), 1e-300).repeat(2)
        return starts, starts * (1.0 + np.minimum(widths, 0.5))
    return starts, np.clip(starts + widths, low, high)


def misses(mine: Interval, tight: Any) -> int:
    """Count the enclosures that do not reach as far as the exact range must, given the tightest ends that are numbers.

    The exact ends lie less than one step inside the tightest ones.
    """
    with np.errstate(over="ignore"):  # a step inward from infinity
        must_reach = np.nextafter(tight.inf, tight.sup), np.nextafter(tight.sup, tight.inf)
    missed = 0
    for mid, rad, low, high in zip(mine.mid, mine.rad, *must_reach, strict=True):
        if np.isfinite(rad):
            centre, radius = Fraction(float(mid)), Fraction(float(rad))
            missed += centre - radius > Fraction(float(low)) or centre + radius < Fraction(float(high))
    return missed


@pytest.mark.parametrize("name", sorted(PEERS))
@pytest.mark.parametrize("seed", sampled(10, 2))
def test_enclosures_reach_the_ends_of_the_tightest_ones(name, seed):
    starts, ends = drawn_intervals(name, np.random.default_rng(seed))
    tight = getattr(ival, PEERS[name])(ival.Interval(starts, ends))
    mine = getattr(elementary, name)(Interval.from_bounds(starts, ends))
    assert np.mean(np.isfinite(mine.rad)) > 0.9
    assert misses(mine, tight) == 0


@pytest.mark.parametrize("name", sorted(PEERS))
def test_an_enclosure_three_steps_away_is_found(name):
    x = np.random.default_rng(0).uniform(0.1, 3.0, 200)
    tight = getattr(ival, PEERS[name])(ival.Interval(x, x))
    moved = np.nextafter(np.nextafter(np.nextafter(tight.sup, np.inf), np.inf), np.inf)
    assert misses(Interval.point(moved), tight) == x.size


@pytest.mark.parametrize("operation", ["+", "-", "*", "/"])
@pytest.mark.parametrize("seed", sampled(10, 2))
def test_operations_reach_the_ends_of_the_tightest_ones(operation, seed):
    apply = OPERATIONS[operation]
    rng = np.random.default_rng(seed)
    (a, b), (c, d) = drawn_intervals("sin", rng), drawn_intervals("exp", rng)
    if operation == "/":
        c, d = np.abs(c), np.abs(c) + (d - c)
    with np.errstate(over="ignore"):
        tight = apply(ival.Interval(a, b), ival.Interval(c, d))
        mine = apply(Interval.from_bounds(a, b), Interval.from_bounds(c, d))
    assert misses(mine, tight) == 0
