"""Enclosures over interval arrays: every value inside, decided in Arb, and tight for narrow intervals."""

from __future__ import annotations

from collections.abc import Callable

import flint
import numpy as np
import pytest

from verify.activations import Activation, activation
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval

RADII = (0.0, 1e-15, 1e-9, 1e-8, 1e-4, 0.3, 20.0)


@pytest.mark.parametrize("radius", RADII)
def test_every_value_is_enclosed(
    differentiable: Activation, radius: float, rng: np.random.Generator, between: Callable[..., None]
) -> None:
    mid = np.concatenate([rng.normal(size=15) * 4, [0.0, -0.0, 25.0, -25.0, 800.0, -800.0]])
    z = Interval.point(mid) if radius == 0 else Interval.from_midrad(mid, radius)
    results = differentiable.enclosures(z, 3)
    for order, result in enumerate(results):
        lower, upper = result.lower, result.upper
        for i in range(mid.size):
            for x in {float(z.lower[i]), float(mid[i]), float(z.upper[i])}:
                if abs(x - mid[i]) <= radius:
                    between(differentiable, x, order, lower[i], upper[i])


def test_mixed_radii_and_the_whole_line(smooth: Activation, between: Callable[..., None]) -> None:
    z = Interval.from_midrad([0.5, 1.0, -2.0, 0.0], [1e-12, 0.5, np.inf, 1e-3])
    for order, result in enumerate(smooth.enclosures(z, 2)):
        for i, x in enumerate([0.5, 1.4, -300.0, 0.0009]):
            between(smooth, x, order, result.lower[i], result.upper[i])
        assert np.isfinite(result.rad[2]) == np.isfinite(smooth.supremum(order))


@pytest.mark.parametrize("order", range(4))
def test_points_are_enclosed_within_a_few_units(smooth: Activation, order: int, rng: np.random.Generator) -> None:
    z = rng.uniform(-6, 6, size=500)
    result = smooth.enclosure(Interval.point(z), order)
    size = max(1.0, float(np.max(np.abs(smooth.value(z, order)))))
    assert np.all(result.rad <= (40.0 if order < 2 else 1000.0) * size * 2.0**-52)


def test_narrow_intervals_grow_by_the_slope(smooth: Activation, rng: np.random.Generator) -> None:
    z = rng.uniform(-4, 4, size=300)
    result = smooth.enclosure(Interval.from_midrad(z, 1e-10))
    assert np.all(result.rad <= 1e-10 * np.abs(smooth.value(z, 1)) + 1e-14)


def test_large_arrays_agree_with_small_ones(
    smooth: Activation, rng: np.random.Generator, between: Callable[..., None]
) -> None:
    z = rng.normal(size=(300, 70)) * 3
    whole = smooth.enclosures(Interval.from_midrad(z, 1e-11), 2)
    for order, result in enumerate(whole):
        assert result.shape == z.shape
        for i, j in [(0, 0), (150, 31), (299, 69), (117, 2)]:
            between(smooth, z[i, j], order, result.lower[i, j], result.upper[i, j])


def test_one_order_is_the_same_as_all(smooth: Activation) -> None:
    z = Interval.from_midrad([0.1, 2.0], [1e-13, 0.1])
    one, every = smooth.enclosure(z, 2), smooth.enclosures(z, 2)[2]
    assert np.all(np.abs(one.mid - every.mid) <= one.rad + every.rad)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_kinks_are_straddled(name: str) -> None:
    g = activation(name)
    value, slope, bend = g.enclosures(Interval.from_midrad([0.0, 1.0, -1.0], [0.5, 0.5, 0.5]), 2)
    left = 0.0 if name == "relu" else 0.01
    assert value.contains(np.array([0.5, 1.5, -0.5 * left])) and value.lower[0] <= -0.5 * left
    assert slope.lower[0] <= left and slope.upper[0] >= 1.0
    assert np.isinf(bend.rad[0]) and np.all(bend.max_abs()[1:] == 0)
    value, slope, bend = g.enclosures(Interval.point(np.array([0.0, 2.0])), 2)
    assert value.contains(np.array([0.0, 2.0]))
    assert slope.lower[0] <= left and slope.upper[0] >= 1.0
    assert np.isinf(bend.rad[0]) and bend.max_abs()[1] == 0


@pytest.mark.parametrize("order", range(5))
def test_balls_hold_the_values_of_their_points(
    differentiable: Activation, order: int, rng: np.random.Generator, reference: Callable[..., object]
) -> None:
    with arb.precision(150):
        for mid, radius in zip(rng.normal(size=12) * 4, 10.0 ** rng.uniform(-12, 0.5, size=12), strict=True):
            ball = differentiable.arb(flint.arb(mid, radius), order)
            for offset in (-1.0, -0.4, 0.0, 0.7, 1.0):
                point = flint.arb(mid) + flint.arb(radius) * offset
                assert ball.overlaps(reference(differentiable, point, order))


def test_balls_across_a_kink() -> None:
    g = activation("relu")
    across = flint.arb(0.25, 1.0)
    assert g.arb(across).contains(0) and g.arb(across).contains(flint.arb(1.25))
    assert g.arb(across, 1).contains(0) and g.arb(across, 1).contains(1)
    assert not g.arb(across, 2).is_finite()
    assert g.arb(flint.arb(2), 1) == 1 and g.arb(flint.arb(-2), 1) == 0 and g.arb(flint.arb(2), 2) == 0
