"""Two small problems: a network with skip connections, and one whose curvature is known exactly."""

from __future__ import annotations

import numpy as np
import pytest

from verify import Architecture, Ball, Problem

NODES = {
    "x": {"width": 2},
    "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
    "y": {"width": 1, "activation": "sigmoid", "inputs": ["h", "x"]},
}


@pytest.fixture(scope="module")
def problem() -> Problem:
    architecture = Architecture.from_data(NODES, output="y")
    rng = np.random.default_rng(0)
    w0 = architecture.initial_weights("glorot", seed=1)
    return Problem(
        architecture, rng.uniform(-1, 1, (6, 2)), rng.uniform(0, 1, (6, 1)), initial_weights=w0, region=Ball(w0, 0.1)
    )


@pytest.fixture(scope="module")
def quadratic() -> Problem:
    """E = 1/2 (w1^2 + 4 w2^2) + constant, in two vertices: largest curvature 4."""
    nodes = {
        "a": {"width": 1},
        "b": {"width": 1},
        "u": {"width": 1, "activation": "identity", "inputs": ["a"], "bias": False},
        "v": {"width": 1, "activation": "identity", "inputs": ["b"], "bias": False},
    }
    architecture = Architecture.from_data(nodes, output=["u", "v"])
    return Problem(architecture, [[1.0, 2.0]], [[0.0, 0.0]], initial_weights=[1.0, 1.0])
