"""Values and derivatives of whole arrays lie within their one error bound of the exact ones."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from verify import activation
from verify.bounds.activation_values import evaluated
from verify.bounds.taylor_rounding import Approximation
from verify.bounds.workspace import Workspace

POINTS = np.concatenate(
    [
        np.random.default_rng(0).standard_normal(400) * 3,
        np.random.default_rng(1).uniform(-40, 40, 200),
        (np.arange(-40, 40) + 0.5) * np.log(2.0),
        [0.0, -0.0, 5e-324, -1e-300, 1e-17, 349.9, -350.1, 699.9, -700.0, 700.0, 709.0, -745.0, 1e5, -1e300, 1e308],
    ]
)


def limit(name: str, point: float, order: int) -> flint.arb:
    """Ball around the limit at infinity: sigmoid and tanh are closer to it than exp(-1e4)."""
    middle = 0.0 if order else {"sigmoid": float(point > 0), "tanh": float(np.sign(point))}[name]
    return flint.arb(middle, 1e-300)


D, S = np.float64, np.float32
TOLERANCE = {D: 1e-12, S: 1e-3}
"""Errors are not vacuous: far below these shares of the largest value."""


@pytest.mark.parametrize("formats", [(D, D, D, D), (D, D, S, S), (S, S, S, S)])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "arctan", "softplus", "erf"])
def test_errors_are_bounded(name, formats):
    g = activation(name)
    points = POINTS if name in ("sigmoid", "tanh") else POINTS[np.abs(POINTS) < 30]
    points = points[np.abs(points) < np.finfo(formats[0]).max].astype(formats[0])
    z = Approximation.of(points[:, None].copy(), 0.0)
    results = evaluated(g, z, 3, Workspace(), "v", formats)
    for order, result in enumerate(results):
        assert result.value.dtype == formats[order]
        size = max(1.0, g.supremum(order) if np.isfinite(g.supremum(order)) else 1e3)
        assert result.error < TOLERANCE[formats[order]] * size
        for point, value in zip(points.tolist(), result.value[:, 0].tolist(), strict=True):
            with flint.ctx.workprec(300):
                exact = g.arb(flint.arb(point), order) if abs(point) < 1e5 else limit(name, point, order)
                assert abs(exact - flint.arb(value)) <= flint.arb(result.error)
            assert abs(value) <= result.largest


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "sin"])
def test_errors_of_the_argument_count(name):
    g = activation(name)
    computed = np.linspace(-3, 3, 25)[:, None]
    results = evaluated(g, Approximation.of(computed, 2.0**-10), 3, Workspace(), "v")
    for order, result in enumerate(results):
        for shift in (-(2.0**-10), 2.0**-10):
            exact = g.value(computed + shift, order)
            assert np.all(np.abs(exact - result.value) <= result.error)


def test_overflow_gives_no_bound():
    z = Approximation(np.array([[np.inf]]), np.inf, np.inf)
    assert all(result.error == np.inf for result in evaluated(activation("tanh"), z, 3, Workspace(), "v"))
