"""Small problems of chosen activations and data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from verify import Architecture, Problem


def _problem(
    hidden: Any = "tanh", output: Any = "sigmoid", inputs: np.ndarray | None = None, bias: bool = True, **settings: Any
) -> Problem:
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, (6, 3)) if inputs is None else np.asarray(inputs, dtype=float)
    nodes = {
        "x": {"width": x.shape[1]},
        "h": {"width": 2, "activation": hidden, "inputs": ["x"], "bias": bias},
        "y": {"width": 1, "activation": output, "inputs": ["h", "x"]},
    }
    architecture = Architecture.from_data(nodes, output="y")
    return Problem(architecture, x, rng.uniform(0, 1, (len(x), 1)), **settings)


@pytest.fixture(scope="session")
def make_problem() -> Callable[..., Problem]:
    return _problem
