"""Far from 0 the derivatives of saturating activations are enclosed with relative accuracy; decided in Arb."""

from __future__ import annotations

import numpy as np
import pytest

from verify import activation
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval

FAR = (-690.0, -300.0, -40.0, -12.5, -4.0, 4.0, 5.5, 20.0, 300.0)
SMALLEST = 1e-290
"""Below, the enclosures are those of numbers near underflow."""


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "silu"])
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


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "silu"])
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


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "silu"])
def test_the_range_over_an_interval_is_that_of_its_ends(name: str) -> None:
    g = activation(name)
    ends = np.array([19.5, 20.5])
    low, high = (float(end[0]) for end in g.range(2, ends[:1], ends[1:]))
    with arb.precision(4000):
        exact = sorted((g.arb(arb.exact(end), 2) for end in ends), key=float)
        assert arb.exact(low) <= exact[0] <= exact[1] <= arb.exact(high)
        assert arb.exact(high - low) <= (exact[1] - exact[0]) * (1 + 1e-9)
