"""The checker's curvature: close to the block norms at the centre, and above every Hessian nearby."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import verify
from tests.certificates.conftest import IMAGES, make_problem, residual_nodes
from tests.samples import sampled
from verify.campaign.networks import random_problem
from verify.certificates.checker.curvature import Curvature
from verify.certificates.checker.subject import read_subject
from verify.certificates.description import describe

TWO_OUTPUTS: dict[str, Any] = {
    "x": {"width": 2},
    "h": {"width": 3, "activation": "silu", "inputs": ["x"]},
    "k": {"width": 2, "activation": "tanh", "inputs": ["h", "x"]},
    "y": {"width": 2, "activation": "softplus", "inputs": ["k", {"from": "k", "kind": "identity"}, "h"]},
}

CLOSENESS = 8
"""The bound sums norms of products and of samples: what it loses on these problems at most."""


def problems() -> list[verify.Problem]:
    several = [make_problem(residual_nodes(name), samples=4, seed=1) for name in ("tanh", "gelu", "sin")]
    inner = verify.Architecture.from_data(TWO_OUTPUTS, output=["y", "k"])
    rng = np.random.default_rng(5)
    weights = inner.initial_weights("glorot", seed=3)
    data = [rng.integers(-8, 9, (3, size)) / 4.0 for size in (inner.input_dimension, inner.output_dimension)]
    several.append(verify.Problem(inner, *data, initial_weights=weights, region=verify.Ball(weights, 0.1)))
    return [*several, make_problem(IMAGES, samples=2, seed=2), *(random_problem(seed) for seed in (101, 102, 103))]


def known(problem: verify.Problem) -> tuple[Curvature, Any]:
    subject = read_subject(describe(problem, problem.initial_weights))
    subject.hessian_norm({"kind": "ball", "radius": "1/1000000000"})
    return subject._known["ball"], subject


def hessian(problem: verify.Problem, w: np.ndarray) -> np.ndarray:
    matrix = np.array([problem.hessian_vector(w, e) for e in np.eye(len(w))])
    return (matrix + matrix.T) / 2 - problem.weight_decay * np.eye(len(w))


@pytest.mark.parametrize("problem", problems(), ids=lambda problem: problem.name or "made")
def test_bound_at_the_centre_is_above_the_block_norms_of_the_hessian(problem: verify.Problem) -> None:
    known_curvature, subject = known(problem)
    region = subject._region({"kind": "ball", "radius": "1/1000000000"})[1]
    matrix, blocks, trained = (
        hessian(problem, problem.initial_weights),
        problem.architecture.blocks,
        known_curvature.trained,
    )
    norms = [[np.linalg.norm(matrix[blocks[v], blocks[w]], 2) for w in trained] for v in trained]
    expected = np.abs(np.linalg.eigvalsh(np.array(norms))).max() * subject.divisor
    bound = float(known_curvature.bound(region))
    assert np.linalg.norm(matrix, 2) * subject.divisor <= bound
    assert expected <= bound <= CLOSENESS * expected


@pytest.mark.parametrize("problem", problems(), ids=lambda problem: problem.name or "made")
@pytest.mark.parametrize("radius", [0.01, 0.25])
def test_bound_on_a_ball_is_above_hessians_inside(problem: verify.Problem, radius: float) -> None:
    _, subject = known(problem)
    bound = float(subject.hessian_norm({"kind": "ball", "radius": radius.hex()}))
    rng, shift = np.random.default_rng(0), problem.weight_decay * np.eye(len(problem.initial_weights))
    for _ in range(4):
        step = rng.standard_normal(len(problem.initial_weights))
        step *= radius / np.linalg.norm(step)
        assert np.linalg.norm(hessian(problem, problem.initial_weights + step) + shift, 2) <= bound


@pytest.mark.parametrize("seed", sampled(6, 2))
def test_region_around_zero_and_regions_by_vertex_are_above_hessians_inside(seed: int) -> None:
    problem = random_problem(200 + seed)
    _, subject = known(problem)
    blocks = problem.architecture.blocks
    rng, w = np.random.default_rng(seed), problem.initial_weights
    names = [name for name in blocks if blocks[name].stop > blocks[name].start]
    radii = {name: float(rng.integers(1, 9)) / 16 for name in names}
    block_bound = float(subject.hessian_norm({"kind": "blocks", "radii": {n: r.hex() for n, r in radii.items()}}))
    bounded = float(subject.hessian_norm({"kind": "bounded", "radius": "1"}))
    for _ in range(20):
        step = np.zeros(len(w))
        for name in names:
            part = rng.standard_normal(blocks[name].stop - blocks[name].start)
            step[blocks[name]] = radii[name] * part / np.linalg.norm(part)
        shift = problem.weight_decay * np.eye(len(w))
        assert np.linalg.norm(hessian(problem, w + step) + shift, 2) <= block_bound
        point = rng.standard_normal(len(w))
        point /= np.linalg.norm(point)
        assert np.linalg.norm(hessian(problem, point) + shift, 2) <= bounded
