"""Small problems that use every edge kind and several activations, with targets that can be approached."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from verify import Architecture, Problem

IMAGE_NODES: dict[str, Any] = {
    "x": {"shape": [1, 4, 4]},
    "conv": {
        "shape": [2, 4, 4],
        "activation": "tanh",
        "bias": "channel",
        "inputs": [{"from": "x", "kind": "conv2d", "channels": 2, "kernel": [3, 3], "stride": 1, "padding": 1}],
    },
    "pool": {
        "shape": [2, 2, 2],
        "activation": "identity",
        "bias": False,
        "inputs": [{"from": "conv", "kind": "avgpool2d", "kernel": [2, 2], "stride": 2}],
    },
    "flat": {"width": 8, "bias": False, "inputs": [{"from": "pool", "kind": "flatten"}]},
    "joined": {
        "width": 11,
        "activation": "sigmoid",
        "inputs": [
            {"from": "flat", "kind": "concat", "offset": 0},
            {"from": "side", "kind": "concat", "offset": 8},
        ],
    },
    "side": {"width": 3, "activation": "gelu", "inputs": ["flat"]},
    "y": {"width": 2, "activation": "arctan", "inputs": ["joined", "flat"]},
}


def residual_nodes(activation: str) -> dict[str, Any]:
    return {
        "x": {"width": 3},
        "h1": {"width": 4, "activation": activation, "inputs": ["x"]},
        "h2": {"width": 4, "activation": activation, "inputs": ["h1", {"from": "h1", "kind": "identity"}]},
        "y": {"width": 2, "activation": "identity", "inputs": ["h2", "x"]},
    }


def make_problem(nodes: dict[str, Any], samples: int = 6, **settings: Any) -> Problem:
    architecture = Architecture.from_data(nodes, output="y")
    rng = np.random.default_rng(3)
    x = rng.integers(-8, 9, (samples, architecture.input_dimension)) / 8.0
    y = rng.integers(-4, 5, (samples, architecture.output_dimension)) / 8.0
    return Problem(architecture, x, y, **settings)


@pytest.fixture(params=["tanh", "sigmoid", "softplus", "sin", "silu", "image", "decay"])
def smooth_problem(request: pytest.FixtureRequest) -> Problem:
    if request.param == "image":
        return make_problem(IMAGE_NODES)
    if request.param == "decay":
        return make_problem(residual_nodes("tanh"), reduction="sum", weight_decay=0.125)
    return make_problem(residual_nodes(request.param))


@pytest.fixture
def tanh_problem() -> Problem:
    return make_problem(residual_nodes("tanh"))


@pytest.fixture(params=["relu", "leaky_relu"])
def kinked_problem(request: pytest.FixtureRequest) -> Problem:
    return make_problem(residual_nodes(request.param))


@pytest.fixture
def parabola() -> Problem:
    """E(w) = w^2 / 2, for one weight."""
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    return Problem(Architecture.from_data(nodes, output="y"), [[1.0]], [[0.0]])
