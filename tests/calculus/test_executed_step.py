"""Which stored steps theorem heavy_ball is proved to speak of: all within the residual that it admits, none beyond."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verify.arithmetic import rational
from verify.arithmetic.intervals import Interval
from verify.calculus.executed_step import heavy_ball_within

ETA, MU, CURVATURE = Fraction(1, 4), Fraction(1, 2), Fraction(3)


def step_with_residual(rng: np.random.Generator, share: float, scale: float) -> tuple[np.ndarray, ...]:
    """Return w_previous, w, w_next and g whose residual is about `share` of what the theorem admits."""
    w_previous, w, w_next = (np.round(rng.standard_normal(3), 3) for _ in range(3))
    step, moved = w_next - w, w - w_previous
    gain = 1 / scale - float(MU) - float(ETA * CURVATURE) / 2
    direction = rng.choice([step, rng.standard_normal(3)])
    residual = share * gain * np.linalg.norm(step) * direction / np.linalg.norm(direction)
    return w_previous, w, w_next, (residual - step / scale + float(MU) * moved) / float(ETA)


def change_of_energy(w_previous: np.ndarray, w: np.ndarray, w_next: np.ndarray, g: np.ndarray) -> Fraction:
    """Return V' - V exactly, for an error of curvature L in every direction."""
    step, moved = (
        [Fraction(a) - Fraction(b) for a, b in zip(*pair, strict=True)] for pair in ((w_next, w), (w, w_previous))
    )
    slope = sum(Fraction(a) * b for a, b in zip(g, step, strict=True))
    new, old = sum(a * a for a in step), sum(a * a for a in moved)
    return slope + CURVATURE / 2 * new + MU / (2 * ETA) * (new - old)


@pytest.mark.parametrize("scale", [1.0, 0.625])
def test_within_the_residual_the_energy_falls(scale: float) -> None:
    rng = np.random.default_rng(0)
    for share in (0.0, 0.5, 0.999999, 1.000001, 2.0):
        for _ in range(100):
            *weights, g = step_with_residual(rng, share, scale)
            within = heavy_ball_within(Interval.point(g), tuple(weights), CURVATURE, ETA, MU, scale)
            assert within == (share < 1)
            if within:
                assert change_of_energy(*weights, g) <= 0


def test_beyond_it_the_energy_may_rise() -> None:
    w, w_next = np.zeros(1), np.ones(1)
    gain = 1 - MU - ETA * CURVATURE / 2
    for factor, within in ((Fraction(99, 100), True), (Fraction(101, 100), False)):
        g = np.array([rational.round_up((factor * gain - 1 + MU) / ETA)])
        weights = (-w_next, w, w_next)
        assert heavy_ball_within(Interval.point(g), weights, CURVATURE, ETA, MU) == within
        assert (change_of_energy(*weights, g) <= 0) == within


@pytest.mark.parametrize("scale", [0.0, -1.0, 1.5, float("nan")])
def test_a_factor_outside_its_range_proves_nothing(scale: float) -> None:
    weights = (np.zeros(1), np.zeros(1), np.array([-0.25]))
    assert heavy_ball_within(Interval.point([1.0]), weights, CURVATURE, ETA, MU)
    assert not heavy_ball_within(Interval.point([1.0]), weights, CURVATURE, ETA, MU, scale)
    assert not heavy_ball_within(Interval.point([1.0]), weights, Fraction(9), ETA, MU)
