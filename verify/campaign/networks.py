"""Random problems: a network of `graphs`, with data of ordinary, tiny and large scale, weights and a region."""

from __future__ import annotations

import numpy as np

from verify.architecture import Architecture
from verify.bounds.regions import Ball, BlockBall, BoundedWeights, Region
from verify.calculus.problem import Problem
from verify.campaign.graphs import random_graph

FEW_SAMPLES = 6
MANY_SAMPLES = 40
WEIGHT_DECAYS = (0.0, 0.0, 0.0, 1e-6, 1e-3, 0.1, 10.0)


def random_problem(seed: int) -> Problem:
    """Return the problem that belongs to a seed.

    Examples
    --------
    >>> first, again = random_problem(3), random_problem(3)
    >>> first.architecture.fingerprint() == again.architecture.fingerprint()
    True
    """
    rng = np.random.default_rng(seed)
    nodes, outputs = random_graph(rng)
    architecture = Architecture.from_data(nodes, output=outputs)
    samples = int(rng.integers(1, 1 + (FEW_SAMPLES if rng.random() < 0.85 else MANY_SAMPLES)))
    inputs = _scale(rng) * rng.standard_normal((samples, architecture.input_dimension))
    inputs[:, rng.random(inputs.shape[1]) < 0.05] = 0.0
    targets = _scale(rng) * rng.uniform(-1, 1, (samples, architecture.output_dimension))
    weights = architecture.initial_weights("glorot", seed=seed) * 10.0 ** rng.uniform(-0.7, 0.5)
    return Problem(
        architecture,
        inputs,
        targets,
        reduction="mean" if rng.random() < 0.5 else "sum",
        weight_decay=float(rng.choice(WEIGHT_DECAYS)),
        initial_weights=weights,
        region=_region(rng, architecture, weights),
        name=f"campaign-{seed}",
    )


def _scale(rng: np.random.Generator) -> float:
    """Mostly of order 1; sometimes tiny or large."""
    kind = rng.random()
    least, most = (-9.0, -2.0) if kind < 0.08 else (1.0, 4.0) if kind > 0.92 else (-1.0, 0.7)
    return float(10.0 ** rng.uniform(least, most))


def _region(rng: np.random.Generator, architecture: Architecture, weights: np.ndarray) -> Region:
    radius = float(10.0 ** rng.uniform(-5, -0.3 if rng.random() < 0.9 else 0.5))
    match ("ball", "ball", "ball", "blocks", "blocks", "bounded")[int(rng.integers(6))]:
        case "ball":
            return Ball(weights, radius)
        case "blocks":
            radii = {name: radius * float(rng.uniform(0.2, 1)) for name in architecture.blocks}
            return BlockBall(weights, radii, architecture.blocks)
    return BoundedWeights(float(np.linalg.norm(weights)) + radius)
