"""Attack the Hessian bound on random networks: a bound below a proved lower bound would be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.architecture import Architecture
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import Method, hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.regions import Ball, BlockBall, BoundedWeights, Region
from verify.calculus.problem import Problem

SMOOTH = ("tanh", "sigmoid", "softplus", "arctan", "erf", "gelu", "silu", "sin", "identity")
_RADII = (1e-6, 1e-3, 1e-2, 0.1, 0.5, 2.0)
_IMAGES = 0.15
_LEVELS = (1.0, 1.0, 1.1, 2.0, 10.0)


@dataclass(frozen=True)
class HessianCampaign:
    """Outcome of a campaign.

    Parameters
    ----------
    networks : int
        Networks attacked.
    undecided : int
        Networks without a finite bound.
    violations : tuple of int
        Numbers of the networks whose bound was below its attack.
    smallest_ratio, median_ratio : float
        Of bound over attack, over the networks with a positive attack.
    smallest_sublevel_ratio, median_sublevel_ratio : float
        The same on sublevel sets of the error.
    """

    networks: int
    undecided: int
    violations: tuple[int, ...]
    smallest_ratio: float
    median_ratio: float
    smallest_sublevel_ratio: float
    median_sublevel_ratio: float


def hessian_campaign(networks: int, seed: int = 0, method: Method = "majorant") -> HessianCampaign:
    """Compare bound and attack on random small networks and regions, and on sublevel sets in them.

    Parameters
    ----------
    networks : int
        How many.
    seed : int
    method : {"auto", "norms", "majorant"}

    Examples
    --------
    >>> hessian_campaign(2, method="norms").violations
    ()
    """
    violations, undecided = [], 0
    ratios: tuple[list[float], list[float]] = ([], [])
    for number, (problem, region) in enumerate(random_cases(networks, seed)):
        rng = np.random.default_rng([seed, number, 1])
        level = problem.error_enclosure(problem.initial_weights)[1] * float(rng.choice(_LEVELS))
        try:
            bound = hessian_bound(problem, region, method=method, level=level)
        except UndecidedHessianError:
            undecided += 1
            continue
        for found, value, limit in zip(ratios, (bound.whole, bound.value), (None, level), strict=True):
            attack = attack_hessian(problem, region, points=2, seed=number, ascents=4, level=limit)
            if not value >= attack.value:
                violations.append(number)
            if attack.value > 0:
                found.append(value / attack.value)
    figures = [
        figure for found in ratios for figure in (min(found, default=float("nan")), float(np.median(found or [np.nan])))
    ]
    return HessianCampaign(networks, undecided, tuple(dict.fromkeys(violations)), *figures)


def random_cases(count: int, seed: int = 0) -> Iterator[tuple[Problem, Region]]:
    """Yield random problems with up to five small vertices, and a region for each."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        problem = random_problem(rng)
        yield problem, random_region(problem, rng)


def random_problem(rng: np.random.Generator) -> Problem:
    """Return a random network with random data: of dense, identity and concatenation edges, or with convolutions."""
    nodes, outputs = _random_image_network(rng) if rng.random() < _IMAGES else _random_network(rng)
    architecture = Architecture.from_data(nodes, outputs)
    samples = int(rng.integers(1, 12))
    return Problem(
        architecture,
        rng.standard_normal((samples, architecture.input_dimension)) * rng.choice([0.3, 1.0, 3.0]),
        rng.standard_normal((samples, architecture.output_dimension)),
        reduction="mean" if rng.random() < 0.7 else "sum",
        weight_decay=float(rng.choice([0.0, 0.01])),
        initial_weights=rng.standard_normal(architecture.size) * rng.choice([0.3, 1.0]),
    )


def _random_network(rng: np.random.Generator) -> tuple[dict[str, Any], list[str]]:
    nodes: dict[str, dict[str, Any]] = {"x": {"width": int(rng.integers(1, 4))}}
    names = ["x"]
    for index in range(int(rng.integers(1, 5))):
        chosen = list(rng.choice(names, size=min(len(names), int(rng.integers(1, 3))), replace=False))
        if index and names[-1] not in chosen:
            chosen.append(names[-1])
        width = int(rng.integers(1, 5))
        inputs: list[Any] = [str(name) for name in chosen]
        if rng.random() < 0.4:
            source = str(rng.choice(names))
            offset = {} if nodes[source]["width"] == width else {"offset": 0}
            kind = "concat" if offset else "identity"
            if nodes[source]["width"] <= width:
                inputs.append({"from": source, "kind": kind, **offset})
        nodes[f"v{index}"] = {
            "width": width,
            "activation": str(rng.choice(SMOOTH)),
            "inputs": inputs,
            "bias": bool(rng.random() < 0.8),
        }
        names.append(f"v{index}")
    outputs = [names[-1]]
    if len(names) > 2 and rng.random() < 0.3:
        outputs.append(names[-2])
    return nodes, outputs


def _random_image_network(rng: np.random.Generator) -> tuple[dict[str, Any], list[str]]:
    """Return one or two layers of convolutions, pooling or none, and a dense layer."""
    side, channels = int(rng.integers(3, 5)), int(rng.integers(1, 3))
    same = {"kind": "conv2d", "channels": channels, "kernel": [3, 3], "stride": 1, "padding": 1}

    def layer(inputs: list[Any]) -> dict[str, Any]:
        bias = ["channel", "unit", False][int(rng.integers(3))]
        shape = [channels, side, side]
        return {"shape": shape, "activation": str(rng.choice(SMOOTH)), "bias": bias, "inputs": inputs}

    nodes: dict[str, Any] = {
        "x": {"shape": [int(rng.integers(1, 3)), side, side]},
        "c0": layer([{"from": "x", **same}]),
    }
    last = "c0"
    if rng.random() < 0.6:
        extra: list[list[Any]] = [[], [{"from": "c0", "kind": "identity"}], [{"from": "x", **same}]]
        nodes["c1"] = layer([{"from": "c0", **same}, *extra[int(rng.integers(3))]])
        last = "c1"
    units = channels * side * side
    if rng.random() < 0.5:
        stride, side = (1, side - 1) if side == 3 else (2, 2)
        pool = {"from": last, "kind": "avgpool2d", "kernel": [2, 2], "stride": stride}
        nodes["p"] = {**layer([pool]), "shape": [channels, side, side], "bias": False}
        last, units = "p", channels * side * side
    nodes["f"] = {
        "width": units,
        "activation": "identity",
        "bias": False,
        "inputs": [{"from": last, "kind": "flatten"}],
    }
    nodes["y"] = {"width": int(rng.integers(1, 3)), "activation": str(rng.choice(SMOOTH)), "inputs": ["f"]}
    return nodes, ["y"]


def random_region(problem: Problem, rng: np.random.Generator) -> Region:
    """Return a random region around the problem's initial weights, or around zero."""
    center, radius = problem.initial_weights, float(rng.choice(_RADII))
    kind = rng.choice(["ball", "ball", "blocks", "bounded"])
    if kind == "bounded":
        return BoundedWeights(float(np.linalg.norm(center)) * 1.01 + radius)
    if kind == "blocks":
        blocks = problem.architecture.blocks
        return BlockBall(center, {name: radius * float(rng.uniform(0.2, 1.0)) for name in blocks}, blocks)
    return Ball(center, radius)
