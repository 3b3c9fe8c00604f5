"""Random networks with skip connections, of every edge kind and activation, with data and a region."""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.architecture import Architecture
from verify.bounds.regions import Ball, BlockBall, BoundedWeights, Region
from verify.calculus.problem import Problem

ACTIVATIONS: tuple[Any, ...] = (
    "tanh", "sigmoid", "softplus", "arctan", "erf", "gelu", "silu", "sin", "identity",
    {"expr": "x*tanh(log(1+exp(x)))"}, {"expr": "tanh(x)+0.1*sin(3*x)"},
)  # fmt: skip
WIDEST = 5
MOST_VERTICES = 5
MOST_SAMPLES = 6


def random_problem(seed: int) -> Problem:
    """Return the problem that belongs to a seed.

    Examples
    --------
    >>> first, again = random_problem(3), random_problem(3)
    >>> first.architecture.fingerprint() == again.architecture.fingerprint()
    True
    """
    rng = np.random.default_rng(seed)
    nodes = _image_nodes(rng) if rng.random() < 0.15 else _dense_nodes(rng)
    architecture = Architecture.from_data(nodes, output="y")
    samples = int(rng.integers(1, MOST_SAMPLES + 1))
    scale = 10.0 ** rng.uniform(-1, 0.7)
    inputs = scale * rng.standard_normal((samples, architecture.input_dimension))
    targets = rng.uniform(-1, 1, (samples, architecture.output_dimension))
    weights = architecture.initial_weights("glorot", seed=seed) * 10.0 ** rng.uniform(-0.5, 0.5)
    return Problem(
        architecture,
        inputs,
        targets,
        reduction="mean" if rng.random() < 0.5 else "sum",
        weight_decay=float(rng.choice([0.0, 0.0, 1e-3, 0.1])),
        initial_weights=weights,
        region=_region(rng, architecture, weights),
        name=f"campaign-{seed}",
    )


def _region(rng: np.random.Generator, architecture: Architecture, weights: np.ndarray) -> Region:
    radius = float(10.0 ** rng.uniform(-4, 0))
    match ("ball", "ball", "blocks", "bounded")[int(rng.integers(4))]:
        case "ball":
            return Ball(weights, radius)
        case "blocks":
            radii = {name: radius * float(rng.uniform(0.2, 1)) for name in architecture.blocks}
            return BlockBall(weights, radii, architecture.blocks)
    return BoundedWeights(float(np.linalg.norm(weights)) + radius)


def _dense_nodes(rng: np.random.Generator) -> dict[str, Any]:
    widths = {"x": int(rng.integers(1, WIDEST + 1))}
    nodes: dict[str, Any] = {"x": {"width": widths["x"]}}
    count = int(rng.integers(1, MOST_VERTICES + 1))
    for index in range(count):
        name = "y" if index == count - 1 else f"h{index}"
        known = list(widths)
        width = int(rng.choice(np.array([widths[known[-1]], rng.integers(1, WIDEST + 1)])))
        inputs: list[Any] = [known[-1]]
        inputs += [source for source in known[:-1] if rng.random() < 0.4]
        inputs += _parameter_free(rng, widths, width)
        nodes[name] = {
            "width": width,
            "activation": _activation(rng),
            "inputs": inputs,
            "bias": bool(rng.random() < 0.8),
        }
        widths[name] = width
    return nodes


def _parameter_free(rng: np.random.Generator, widths: dict[str, int], width: int) -> list[dict[str, Any]]:
    edges: list[dict[str, Any]] = []
    for source, own in widths.items():
        if own == width and rng.random() < 0.3:
            edges.append({"from": source, "kind": "identity"})
        elif own < width and rng.random() < 0.3:
            edges.append({"from": source, "kind": "concat", "offset": int(rng.integers(0, width - own + 1))})
    return edges


def _image_nodes(rng: np.random.Generator) -> dict[str, Any]:
    channels, size = int(rng.integers(1, 3)), int(rng.integers(3, 5))
    convolution = {"kind": "conv2d", "channels": channels, "kernel": [3, 3], "stride": 1, "padding": 1}
    pooled = [channels, size // 2, size // 2]
    return {
        "x": {"shape": [1, size, size]},
        "c1": {
            "shape": [channels, size, size],
            "activation": _activation(rng),
            "bias": "channel",
            "inputs": [{"from": "x", **convolution}],
        },
        "c2": {
            "shape": [channels, size, size],
            "activation": _activation(rng),
            "bias": "channel",
            "inputs": [{"from": "c1", **convolution}, {"from": "c1", "kind": "identity"}],
        },
        "pool": {"shape": pooled, "bias": False, "inputs": [{"from": "c2", "kind": "avgpool2d", "kernel": [2, 2]}]},
        "flat": {"width": int(np.prod(pooled)), "bias": False, "inputs": [{"from": "pool", "kind": "flatten"}]},
        "y": {"width": int(rng.integers(1, 3)), "activation": _activation(rng), "inputs": ["flat"]},
    }


def _activation(rng: np.random.Generator) -> Any:
    return ACTIVATIONS[int(rng.integers(len(ACTIVATIONS)))]
