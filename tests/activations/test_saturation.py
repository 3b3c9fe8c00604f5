"""Far from 0 the derivatives of saturating activations are enclosed with relative accuracy; decided in Arb."""

from __future__ import annotations

import numpy as np
import pytest

import verify
from tests.samples import sampled
from verify import activation
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval

FAR = (-690.0, -300.0, -40.0, -12.5, -4.0, 4.0, 5.5, 20.0, 300.0)
SMOOTH = ("sigmoid", "tanh", "softplus", "silu", "erf", "gelu", "arctan")
SMALLEST = 1e-290
"""Below, the enclosures are those of numbers near underflow."""


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_at_points(name: str, order: int) -> None:
    g = activation(name)
    found = g.enclosure(Interval.point(np.array(FAR)), order)
    with arb.precision(4000):
        for z, low, high in zip(FAR, found.lower, found.upper, strict=True):
            exact = g.arb(arb.exact(z), order)
            assert arb.exact(low) <= exact <= arb.exact(high)
            if abs(exact) > SMALLEST:
                assert arb.exact(high - low) <= 1e-12 * abs(exact)


@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "arctan"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_over_narrow_intervals(name: str, order: int) -> None:
    g, radius = activation(name), 2.0**-30
    found = g.enclosure(Interval.from_midrad(np.array(FAR), np.full(len(FAR), radius)), order)
    with arb.precision(4000):
        for z, low, high in zip(FAR, found.lower, found.upper, strict=True):
            for at in (z - radius, z, z + radius):
                exact = g.arb(arb.exact(at), order)
                assert arb.exact(low) <= exact <= arb.exact(high)
            if abs(exact) > SMALLEST:
                assert arb.exact(high - low) <= 1e-7 * abs(exact)


def _far(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.uniform(4.0, 36.0, count) * rng.choice([-1.0, 1.0], count)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("seed", sampled(10, 1))
def test_random_points_and_intervals(name: str, seed: int) -> None:
    g, x, rng = activation(name), _far(60, seed), np.random.default_rng(1000 + seed)
    for order in range(1, 4):
        points = g.enclosure(Interval.point(x), order)
        radius = np.exp2(-rng.integers(1, 45, x.shape))
        ends = x - radius, x + radius
        below, above = g.range(order, *ends)
        inside = x + radius * rng.uniform(-1.0, 1.0, x.shape)
        over = g.enclosure(Interval.from_bounds(*ends), order)
        with arb.precision(1500):
            for i, z in enumerate(x):
                exact, other = (g.arb(arb.exact(float(at)), order) for at in (z, inside[i]))
                assert arb.exact(points.lower[i]) <= exact <= arb.exact(points.upper[i])
                for low, high in ((below[i], above[i]), (over.lower[i], over.upper[i])):
                    assert arb.exact(low) <= exact <= arb.exact(high)
                    assert arb.exact(low) <= other <= arb.exact(high)
                if abs(exact) > 1e10 * SMALLEST:
                    assert arb.exact(points.rad[i]) <= 1e-11 * abs(exact)


@pytest.mark.parametrize("name", ["tanh", "erf", "gelu"])
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("ends", [(-9.1, -8.9), (-20.1, -19.9), (-24.5, -24.25)])
def test_ranges_far_out_are_those_of_their_ends(name: str, order: int, ends: tuple[float, float]) -> None:
    g = activation(name)
    low, high = (float(end[0]) for end in g.range(order, [ends[0]], [ends[1]]))
    with arb.precision(1500):
        exact = sorted((g.arb(arb.exact(end), order) for end in ends), key=float)
        assert arb.exact(low) <= exact[0] <= exact[1] <= arb.exact(high)
        assert arb.exact(high - low) <= (exact[1] - exact[0]) * (1 + 1e-9)


@pytest.mark.parametrize("x", [-36.0, -20.0, -8.25, -4.0])
def test_the_value_of_gelu_on_the_left(x: float) -> None:
    found = activation("gelu").enclosure(Interval.point(np.array([x])))
    with arb.precision(1500):
        exact = activation("gelu").arb(arb.exact(x))
        assert arb.exact(found.lower[0]) <= exact <= arb.exact(found.upper[0])
        assert arb.exact(found.rad[0]) <= 1e-14 * abs(exact)


@pytest.mark.parametrize("center", [5.0, 10.0, 20.0, 40.0])
def test_the_curvature_of_one_saturated_unit(center: float) -> None:
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"], "bias": False}}
    problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[1.0]], [[0.5]], initial_weights=[center])
    bound = verify.hessian_bound(problem, verify.Ball([center], 0.5)).value
    with arb.precision(1500):
        value, slope, bend = (activation("tanh").arb(arb.exact(center - 0.5), order) for order in range(3))
        attained = abs(slope**2 + (value - 0.5) * bend)
        assert attained <= arb.exact(bound) <= 10 * attained


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "silu"])
def test_the_range_over_an_interval_is_that_of_its_ends(name: str) -> None:
    g = activation(name)
    ends = np.array([19.5, 20.5])
    low, high = (float(end[0]) for end in g.range(2, ends[:1], ends[1:]))
    with arb.precision(4000):
        exact = sorted((g.arb(arb.exact(end), 2) for end in ends), key=float)
        assert arb.exact(low) <= exact[0] <= exact[1] <= arb.exact(high)
        assert arb.exact(high - low) <= (exact[1] - exact[0]) * (1 + 1e-9)
