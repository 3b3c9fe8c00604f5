"""Small problems that use every edge kind and activation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.networks import IMAGE_NODES, make_problem, residual_nodes
from verify import Problem


@pytest.fixture
def problem_of() -> Callable[..., Problem]:
    return make_problem


@pytest.fixture(params=["tanh", "sigmoid", "softplus", "arctan", "erf", "gelu", "silu", "sin", "identity", "image"])
def smooth_problem(request: pytest.FixtureRequest) -> Problem:
    if request.param == "image":
        return make_problem(IMAGE_NODES, samples=3, weight_decay=0.1)
    return make_problem(residual_nodes(request.param), reduction="sum", weight_decay=0.25)


@pytest.fixture(params=["tanh", "relu", "leaky_relu", "identity", "image"])
def any_problem(request: pytest.FixtureRequest) -> Problem:
    if request.param == "image":
        return make_problem(IMAGE_NODES, samples=3)
    return make_problem(residual_nodes(request.param), weight_decay=0.125)
