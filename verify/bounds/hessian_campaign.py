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
    """Return a random network of dense, identity and concatenation edges with random data."""
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
