"""Networks that use every edge kind, skip edges, parallel edges, several outputs and outputs that feed others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from verify import Architecture, Problem

NETWORKS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "perceptron": (
        {"x": {"width": 3}, "y": {"width": 2, "activation": "tanh", "inputs": ["x"]}},
        ["y"],
    ),
    "skips": (
        {
            "x": {"width": 2},
            "h1": {"width": 3, "activation": "tanh", "inputs": ["x"]},
            "h2": {"width": 3, "activation": "sigmoid", "inputs": ["h1", "x", {"from": "h1", "kind": "identity"}]},
            "y": {"width": 2, "activation": "tanh", "inputs": ["h2", "h1"]},
        },
        ["y"],
    ),
    "outputs": (
        {
            "a": {"width": 1},
            "b": {"width": 2},
            "h": {"width": 2, "activation": "tanh", "inputs": ["a", "b"]},
            "y": {
                "width": 2,
                "activation": "identity",
                "bias": False,
                "inputs": ["h", {"from": "h", "kind": "identity"}],
            },
            "z": {"width": 1, "activation": "sigmoid", "inputs": ["y", "b"]},
        },
        ["z", "h"],
    ),
    "images": (
        {
            "x": {"shape": [1, 4, 4]},
            "c": {
                "shape": [2, 3, 3],
                "activation": "tanh",
                "bias": "channel",
                "inputs": [{"from": "x", "kind": "conv2d", "channels": 2, "kernel": [2, 2], "stride": 1, "padding": 0}],
            },
            "p": {
                "shape": [2, 1, 1],
                "activation": "identity",
                "bias": False,
                "inputs": [{"from": "c", "kind": "avgpool2d", "kernel": [3, 3], "stride": 3}],
            },
            "f": {"width": 2, "activation": "identity", "bias": False, "inputs": [{"from": "p", "kind": "flatten"}]},
            "j": {
                "width": 4,
                "activation": "sigmoid",
                "inputs": [
                    {"from": "f", "kind": "concat", "offset": 0},
                    {"from": "p", "kind": "concat", "offset": 2},
                ],
            },
            "y": {"width": 2, "activation": "tanh", "inputs": ["j", "c"]},
        },
        ["y"],
    ),
}


@pytest.fixture
def network() -> Callable[[str], Architecture]:
    """Return a network by its name."""
    return lambda name: Architecture.from_data(*NETWORKS[name])


@pytest.fixture(params=NETWORKS)
def any_network(request: pytest.FixtureRequest) -> Architecture:
    return Architecture.from_data(*NETWORKS[request.param])


@pytest.fixture
def make_problem() -> Callable[..., Problem]:
    """Return a problem with random data on a network."""

    def make(architecture: Architecture, samples: int = 5, seed: int = 0, **settings: Any) -> Problem:
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((samples, architecture.input_dimension))
        y = rng.standard_normal((samples, architecture.output_dimension))
        return Problem(architecture, x, y, **settings)

    return make
