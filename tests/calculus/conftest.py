"""Small problems that use every edge kind and activation."""

from __future__ import annotations

from collections.abc import Callable
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
    "res": {
        "shape": [2, 4, 4],
        "activation": "softplus",
        "bias": "channel",
        "inputs": [
            {"from": "conv", "kind": "conv2d", "channels": 2, "kernel": [3, 3], "stride": 1, "padding": 1},
            {"from": "conv", "kind": "identity"},
        ],
    },
    "pool": {
        "shape": [2, 2, 2],
        "activation": "identity",
        "bias": False,
        "inputs": [{"from": "res", "kind": "avgpool2d", "kernel": [2, 2], "stride": 2}],
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


def dense_nodes(activation: Any) -> dict[str, Any]:
    return {
        "x": {"width": 3},
        "h1": {"width": 4, "activation": activation, "inputs": ["x"]},
        "h2": {"width": 4, "activation": activation, "inputs": ["h1", {"from": "h1", "kind": "identity"}]},
        "y": {"width": 2, "activation": activation, "inputs": ["h2", "x"]},
    }


def make_problem(nodes: dict[str, Any], output: Any = "y", samples: int = 5, **settings: Any) -> Problem:
    architecture = Architecture.from_data(nodes, output=output)
    rng = np.random.default_rng(7)
    x = rng.integers(-8, 9, (samples, architecture.input_dimension)) / 8.0
    y = rng.integers(-8, 9, (samples, architecture.output_dimension)) / 8.0
    return Problem(architecture, x, y, **settings)


@pytest.fixture
def problem_of() -> Callable[..., Problem]:
    return make_problem


@pytest.fixture(params=["tanh", "sigmoid", "softplus", "arctan", "erf", "gelu", "silu", "sin", "identity", "image"])
def smooth_problem(request: pytest.FixtureRequest) -> Problem:
    if request.param == "image":
        return make_problem(IMAGE_NODES, samples=3, weight_decay=0.1)
    return make_problem(dense_nodes(request.param), reduction="sum", weight_decay=0.25)


@pytest.fixture(params=["tanh", "relu", "leaky_relu", "identity", "image"])
def any_problem(request: pytest.FixtureRequest) -> Problem:
    if request.param == "image":
        return make_problem(IMAGE_NODES, samples=3)
    return make_problem(dense_nodes(request.param), weight_decay=0.125)
