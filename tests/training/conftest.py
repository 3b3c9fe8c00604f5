"""Small problems that use every edge kind and several activations, with targets that can be approached."""

from __future__ import annotations

from typing import Any

import pytest

from tests.networks import IMAGE_NODES, make_problem, residual_nodes
from verify import Architecture, Problem


def small_problem(nodes: dict[str, Any], **settings: Any) -> Problem:
    return make_problem(nodes, samples=6, seed=3, largest_target=4, **settings)


@pytest.fixture(params=["tanh", "sigmoid", "softplus", "sin", "silu", "image", "decay"])
def smooth_problem(request: pytest.FixtureRequest) -> Problem:
    if request.param == "image":
        return small_problem(IMAGE_NODES)
    if request.param == "decay":
        return small_problem(residual_nodes("tanh", "identity"), reduction="sum", weight_decay=0.125)
    return small_problem(residual_nodes(request.param, "identity"))


@pytest.fixture
def tanh_problem() -> Problem:
    return small_problem(residual_nodes("tanh", "identity"))


@pytest.fixture(params=["relu", "leaky_relu"])
def kinked_problem(request: pytest.FixtureRequest) -> Problem:
    return small_problem(residual_nodes(request.param, "identity"))


@pytest.fixture
def parabola() -> Problem:
    """E(w) = w^2 / 2, for one weight."""
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    return Problem(Architecture.from_data(nodes, output="y"), [[1.0]], [[0.0]])
