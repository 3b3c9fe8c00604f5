"""Ranges over intervals: every value inside, decided in Arb, and hardly wider than the values found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from verify.activations import Activation, activation
from verify.arithmetic.rounding import ArithmeticDomainError

ORDERS = range(5)


def intervals(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Ends of all widths, from a point to far beyond the function's scale."""
    centre = rng.normal(size=count) * 10.0 ** rng.integers(-3, 3, size=count)
    radius = 10.0 ** rng.uniform(-18, 2.5, size=count) * (rng.random(count) < 0.9)
    return centre - radius, centre + radius


def inside(rng: np.random.Generator, low: float, high: float) -> list[float]:
    points = np.concatenate([[low, high], rng.uniform(low, high, size=4)])
    return [float(min(max(p, low), high)) for p in points]


@pytest.mark.parametrize("order", ORDERS)
def test_every_value_is_in_the_range(
    differentiable: Activation, order: int, rng: np.random.Generator, between: Callable[..., None]
) -> None:
    lower, upper = intervals(rng, 60)
    low, high = differentiable.range(order, lower, upper)
    for i in range(lower.size):
        for x in inside(rng, lower[i], upper[i]):
            between(differentiable, x, order, low[i], high[i])


@pytest.mark.parametrize("order", ORDERS)
def test_ranges_are_tight(smooth: Activation, order: int, rng: np.random.Generator) -> None:
    lower = rng.uniform(-8, 8, size=200)
    upper = lower + rng.uniform(0.01, 6, size=200)
    low, high = smooth.range(order, lower, upper)
    samples = smooth.value(np.linspace(lower, upper, 4001), order)
    width = samples.max(axis=0) - samples.min(axis=0)
    assert np.all(high - low <= width * (1 + 1e-4) + 1e-11)


@pytest.mark.parametrize("order", ORDERS)
def test_half_lines(smooth: Activation, order: int, between: Callable[..., None]) -> None:
    starts = np.array([-40.0, -3.0, 0.0, 0.5, 3.0, 40.0])
    low, high = smooth.range(order, starts, np.full(6, np.inf))
    for i, start in enumerate(starts):
        for x in (start, start + 0.3, start + 2.0, start + 30.0, start + 500.0):
            between(smooth, x, order, low[i], high[i])
    everything = smooth.range(order, -np.inf, np.inf)
    assert max(abs(float(everything[0])), abs(float(everything[1]))) == smooth.supremum(order)


def test_half_lines_are_tight_where_the_function_is_monotone() -> None:
    low, high = activation("tanh").range(0, 2.0, np.inf)
    assert 0.96 < low < np.tanh(2.0)
    assert high == 1.0
    low, high = activation("silu").range(0, -np.inf, -3.0)
    assert high == 0.0
    assert -0.143 < low < -0.142


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_across_a_kink(name: str) -> None:
    g = activation(name)
    left = 0.0 if name == "relu" else 0.01
    low, high = g.range(1, [-1.0, -2.0, 1.0, 0.0], [1.0, -1.0, 2.0, 0.0])
    assert np.all(low <= [left, left, 1.0, left])
    assert np.all(high >= [1.0, left, 1.0, 1.0])
    assert np.all(high - low <= [1.0, 1e-15, 1e-15, 1.0])
    low, high = g.range(2, [-1.0, 1.0, 0.0], [1.0, 2.0, 0.0])
    assert np.isinf(high[0]) and np.isinf(high[2]) and high[1] == 0.0
    assert np.isinf(low[0]) and np.isinf(low[2]) and low[1] == 0.0


def test_a_curvature_that_jumps_has_a_range_but_no_third_derivative() -> None:
    g = activation({"expr": "x*abs(x)"})
    low, high = g.range(2, [-1.0, 0.5], [1.0, 2.0])
    assert low[0] <= -2 and high[0] >= 2 and low[1] <= 2.0 <= high[1] < 2.0 + 1e-12
    assert np.isinf(g.range(3, -1.0, 1.0)[1])


def test_a_kink_between_two_floats() -> None:
    g = activation({"expr": "abs(x-1/3)"})
    third = 1 / 3
    low, high = g.range(1, [third - 1e-3, np.nextafter(third, 1)], [third + 1e-3, 1.0])
    assert low[0] <= -1 and high[0] >= 1
    assert low[1] >= -1 and high[1] >= 1
    assert np.isinf(g.range(2, third - 1e-3, third + 1e-3)[0])


def test_unbounded_derivatives_still_have_ranges() -> None:
    low, high = activation({"expr": "x*sin(x)"}).range(0, 1000.0, 1001.0)
    assert -1001 <= low <= high <= 1001.1
    low, high = activation({"expr": "exp(x)"}).range(0, [0.0, 700.0], [1.0, 800.0])
    assert high[0] < 2.7182818285 and np.isinf(high[1]) and low[0] > 0.999999


def test_shapes_and_bad_ends() -> None:
    g = activation("tanh")
    low, high = g.range(1, np.zeros((2, 3)), 1.0)
    assert low.shape == high.shape == (2, 3)
    with pytest.raises(ArithmeticDomainError, match="reversed"):
        g.range(0, 1.0, 0.0)
    with pytest.raises(ArithmeticDomainError, match="NaN"):
        g.range(0, np.nan, 0.0)
