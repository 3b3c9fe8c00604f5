"""Small networks and data that tests of several folders share."""

from __future__ import annotations

from typing import Any

import numpy as np

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
"""Every kind of edge."""


def residual_nodes(activation: Any, last: Any = None) -> dict[str, Any]:
    """Three inputs, a residual vertex, a skip connection to the two outputs, whose activation is `last`."""
    return {
        "x": {"width": 3},
        "h1": {"width": 4, "activation": activation, "inputs": ["x"]},
        "h2": {"width": 4, "activation": activation, "inputs": ["h1", {"from": "h1", "kind": "identity"}]},
        "y": {"width": 2, "activation": last or activation, "inputs": ["h2", "x"]},
    }


def make_problem(
    nodes: dict[str, Any],
    output: Any = "y",
    samples: int = 5,
    seed: int = 7,
    largest_target: int = 8,
    **settings: Any,
) -> Problem:
    """Return a problem with random data in eighths: inputs up to 1, targets up to `largest_target` eighths."""
    architecture = Architecture.from_data(nodes, output=output)
    rng = np.random.default_rng(seed)
    x = rng.integers(-8, 9, (samples, architecture.input_dimension)) / 8.0
    y = rng.integers(-largest_target, largest_target + 1, (samples, architecture.output_dimension)) / 8.0
    return Problem(architecture, x, y, **settings)


def with_data(problem: Problem, inputs: Any = None, targets: Any = None) -> Problem:
    """Return the same problem with other data, given as an array or as one number for every entry."""
    x = problem.inputs if inputs is None else np.broadcast_to(np.asarray(inputs, dtype=float), problem.inputs.shape)
    y = problem.targets if targets is None else np.broadcast_to(np.asarray(targets, dtype=float), problem.targets.shape)
    return Problem(
        problem.architecture,
        x,
        y,
        problem.loss,
        problem.reduction,
        problem.weight_decay,
        initial_weights=problem.initial_weights,
        region=problem.region,
        name=problem.name,
    )
