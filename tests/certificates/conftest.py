"""Small problems of every edge kind and activation, and certificates of every kind."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from tests.samples import always
from verify import Architecture, Ball, Problem
from verify.analysis.certify import certify

IMAGES: dict[str, Any] = {
    "x": {"shape": [1, 2, 3]},
    "conv": {
        "shape": [2, 3, 3],
        "activation": "tanh",
        "bias": "channel",
        "inputs": [
            {"from": "x", "kind": "conv2d", "channels": 2, "kernel": [2, 3], "stride": [1, 2], "padding": [1, 2]}
        ],
    },
    "res": {
        "shape": [2, 3, 3],
        "activation": "sigmoid",
        "bias": False,
        "inputs": [
            {"from": "conv", "kind": "conv2d", "channels": 2, "kernel": [3, 3], "stride": [1, 1], "padding": [1, 1]},
            {"from": "conv", "kind": "identity"},
        ],
    },
    "pool": {
        "shape": [2, 2, 2],
        "activation": "identity",
        "bias": False,
        "inputs": [{"from": "res", "kind": "avgpool2d", "kernel": [2, 2], "stride": [1, 1]}],
    },
    "flat": {"width": 8, "bias": False, "inputs": [{"from": "pool", "kind": "flatten"}]},
    "side": {"width": 2, "activation": "gelu", "inputs": ["flat"]},
    "joined": {
        "width": 10,
        "activation": "arctan",
        "inputs": [{"from": "flat", "kind": "concat", "offset": 0}, {"from": "side", "kind": "concat", "offset": 8}],
    },
    "y": {"width": 2, "activation": "softplus", "inputs": ["joined", "flat"]},
}


def residual_nodes(activation: Any = "tanh") -> dict[str, Any]:
    return {
        "x": {"width": 2},
        "h1": {"width": 3, "activation": activation, "inputs": ["x"]},
        "h2": {"width": 3, "activation": activation, "inputs": ["h1", {"from": "h1", "kind": "identity"}]},
        "y": {"width": 1, "activation": activation, "inputs": ["h2", "x"]},
    }


def make_problem(
    nodes: dict[str, Any], samples: int = 3, seed: int = 0, radius: float = 0.05, **settings: Any
) -> Problem:
    architecture = Architecture.from_data(nodes, output="y")
    rng = np.random.default_rng(seed)
    x = rng.integers(-8, 9, (samples, architecture.input_dimension)) / 8.0
    y = rng.integers(-8, 9, (samples, architecture.output_dimension)) / 8.0
    weights = architecture.initial_weights("glorot", seed=seed)
    return Problem(architecture, x, y, initial_weights=weights, region=Ball(weights, radius), **settings)


SMOOTH = ("tanh", "sigmoid", "softplus", "arctan", "erf", "gelu", "silu", "sin", "identity")
FORMULA = {"expr": "x*tanh(log(1+exp(x)))/1.5"}
SETTINGS: dict[str, dict[str, Any]] = {
    "region": {},
    "from_rest": {},
    "restart": {},
    "heavy_ball": {"mu": 0.9},
    "nesterov": {"mu": 0.9},
    "step": {},
    "horizon": {"steps": 7},
    "from_rest_horizon": {"steps": 7},
    "weight_decay": {},
    "from_rest_weight_decay": {},
}
FORMS = ("region", "heavy_ball", "step", "horizon", "weight_decay")
"""One kind for each form of a claim: what is tested of forms alone, or of every edge kind, is tested of these."""
CURVED = [kind for kind in SETTINGS if kind != "step"]
"""Whose claims hold a bound of the Hessian on a region."""


@pytest.fixture(params=always("tanh", "gelu", "identity", "formula", "images", of=[*SMOOTH, "formula", "images"]))
def problem(request: pytest.FixtureRequest) -> Problem:
    if request.param == "images":
        return make_problem(IMAGES, samples=2, weight_decay=0.25)
    activation = FORMULA if request.param == "formula" else request.param
    return make_problem(residual_nodes(activation), weight_decay=0.25, reduction="sum")


@pytest.fixture(scope="session")
def small_problem() -> Problem:
    return make_problem(residual_nodes(), weight_decay=0.125)


@pytest.fixture(scope="session")
def _certificates(small_problem: Problem) -> Callable[[str], dict[str, Any]]:
    return cache(lambda kind: certify(small_problem, kind, **SETTINGS[kind]))


@pytest.fixture
def certificate_of(_certificates: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """Return a function that gives a fresh copy of a valid certificate of a kind."""
    return lambda kind: copy.deepcopy(_certificates(kind))
