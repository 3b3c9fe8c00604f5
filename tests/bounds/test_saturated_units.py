"""Saturated units are bounded by what their pre-activations can reach, not by what holds on the whole line."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from tests.taylor_series import error_series
from verify import Architecture, Ball, Problem, hessian_bound
from verify.arithmetic import arb


def one_unit(activation: str, weight: float) -> Problem:
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": activation, "inputs": ["x"], "bias": False}}
    return Problem(Architecture.from_data(nodes, "y"), [[1.0]], [[0.5]], initial_weights=[weight])


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
@pytest.mark.parametrize(("weight", "radius"), [(5.0, 0.5), (10.0, 0.5), (20.0, 0.5), (20.0, 2.0), (-12.0, 1.0)])
@pytest.mark.parametrize("method", ["norms", "auto"])
def test_one_unit(activation: str, weight: float, radius: float, method: str) -> None:
    problem = one_unit(activation, weight)
    bound = hessian_bound(problem, Ball([weight], radius), method=method).value
    with arb.precision(400):
        places = [weight + radius * k / 16 for k in range(-16, 17)]
        curvatures = [abs(2 * error_series(problem, [place], [1.0])[2]) for place in places]
        assert all(curvature <= flint.arb(bound) for curvature in curvatures)
        assert flint.arb(bound) <= 1.1 * max(float(curvature) for curvature in curvatures)


def test_a_saturated_layer_before_a_usual_one() -> None:
    nodes = {
        "x": {"width": 1},
        "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 1, "activation": "identity", "inputs": ["h"]},
    }
    weights = np.array([30.0, -30.0, 5.0, 2.0, 0.5, -0.5, 0.1])
    problem = Problem(Architecture.from_data(nodes, "y"), [[1.0]], [[0.0]], initial_weights=weights)
    bound = hessian_bound(problem, Ball(weights, 0.5)).value
    # only the output layer is left: its Hessian has the norm |h|^2 + 1 <= 3
    assert 2.9 <= bound <= 3.1
