"""Every Hessian bound lies above every proved lower bound of an attack: no slack."""

from __future__ import annotations

import numpy as np
import pytest

from tests.samples import sampled
from verify.architecture import Architecture
from verify.arithmetic import upward
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_campaign import hessian_campaign, random_cases
from verify.bounds.regions import Ball, BlockBall, BoundedWeights
from verify.calculus.problem import Problem


def image_problem(seed: int = 0, samples: int = 6) -> Problem:
    nodes = {
        "x": {"shape": [1, 4, 4]},
        "c": {
            "shape": [2, 4, 4],
            "activation": "tanh",
            "bias": "channel",
            "inputs": [{"from": "x", "kind": "conv2d", "channels": 2, "kernel": [3, 3], "stride": 1, "padding": 1}],
        },
        "p": {
            "shape": [2, 2, 2],
            "activation": "identity",
            "bias": False,
            "inputs": [{"from": "c", "kind": "avgpool2d", "kernel": [2, 2], "stride": 2}],
        },
        "f": {
            "width": 8,
            "activation": "identity",
            "bias": False,
            "inputs": [{"from": "p", "kind": "flatten"}],
        },
        "y": {"width": 2, "activation": "sigmoid", "inputs": ["f"]},
    }
    rng = np.random.default_rng(seed)
    architecture = Architecture.from_data(nodes, "y")
    return Problem(architecture, rng.standard_normal((samples, 16)), rng.random((samples, 2)))


@pytest.mark.parametrize("number", sampled(20, 4))
def test_every_part_of_the_bound_is_above_the_attack(number: int) -> None:
    problem, region = list(random_cases(number + 1, seed=20))[number]
    bound = hessian_bound(problem, region, method="majorant", cells=10)
    attack = attack_hessian(problem, region, points=2, seed=number, ascents=5)
    assert bound.value >= attack.value
    for name in ("norms", "direct", "integral"):
        assert upward.add(bound.terms[name], problem.weight_decay) >= attack.value, name
    assert hessian_bound(problem, region, method="norms", cells=1).value >= attack.value


@pytest.mark.parametrize("radius", [1e-12, 0.01, 0.3, 3.0])
def test_convolution_pooling_and_channel_bias(radius: float) -> None:
    problem = image_problem()
    region = Ball(problem.initial_weights, radius)
    attack = attack_hessian(problem, region, points=2)
    bound = hessian_bound(problem, region, method="majorant")
    assert attack.value > 0
    assert bound.value >= attack.value
    assert hessian_bound(problem, region, method="norms").value >= attack.value


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_several_chunks_of_samples(reduction: str) -> None:
    rng = np.random.default_rng(3)
    architecture = Architecture.from_data(
        {
            "x": {"width": 2},
            "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
            "y": {"width": 1, "activation": "tanh", "inputs": ["h", "x"]},
        },
        "y",
    )
    x = rng.standard_normal((1100, 2))
    problem = Problem(architecture, x, np.sign(x[:, :1]), reduction=reduction)
    region = Ball(problem.initial_weights, 0.05)
    attack = attack_hessian(problem, region, points=1)
    bound = hessian_bound(problem, region, method="majorant")
    assert attack.value <= bound.value <= 4 * attack.value


@pytest.mark.parametrize("radius", [1e-6, 0.1, 1.0])
def test_an_activation_whose_third_derivative_jumps_is_bounded_by_norms(radius: float) -> None:
    cubic = {"expr": "max(0, x)**3"}
    nodes = {
        "x": {"width": 2},
        "h": {"width": 3, "activation": cubic, "inputs": ["x"]},
        "y": {"width": 1, "activation": cubic, "inputs": ["h", "x"]},
    }
    rng = np.random.default_rng(6)
    problem = Problem(Architecture.from_data(nodes, "y"), rng.standard_normal((4, 2)), rng.standard_normal((4, 1)))
    region = Ball(problem.initial_weights, radius)
    bound = hessian_bound(problem, region, method="majorant")
    attack = attack_hessian(problem, region, points=2)
    assert bound.method == "norms"
    assert bound.value >= attack.value > 0


def test_larger_regions_have_larger_true_curvature_and_still_a_bound() -> None:
    problem, _ = next(iter(random_cases(1, seed=5)))
    center, blocks = problem.initial_weights, problem.architecture.blocks
    inner = attack_hessian(problem, Ball(center, 0.1), points=2)
    for region in (
        Ball(center, 0.1),
        BlockBall(center, dict.fromkeys(blocks, 0.1), blocks),
        BoundedWeights(float(np.linalg.norm(center)) + 0.11),
    ):
        assert hessian_bound(problem, region, method="majorant").value >= inner.value


def test_the_bound_is_not_vacuous_near_the_centre() -> None:
    for problem, _ in random_cases(12, seed=8):
        if problem.weight_decay == 0:
            region = Ball(problem.initial_weights, 1e-6)
            attack = attack_hessian(problem, region, points=1)
            assert attack.value <= hessian_bound(problem, region, method="majorant").value <= 1.01 * attack.value


def test_campaign_counts_a_violation_when_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from verify.bounds import hessian_campaign as module

    honest = hessian_campaign(3, seed=1, method="norms")
    assert honest.violations == ()
    assert honest.smallest_ratio >= 1

    class TooSmall:
        value = whole = 0.0

    monkeypatch.setattr(module, "hessian_bound", lambda *args, **kwargs: TooSmall())
    assert hessian_campaign(3, seed=1, method="norms").violations == (0, 1, 2)


@pytest.mark.slow
def test_two_thousand_random_networks() -> None:
    outcome = hessian_campaign(2000, seed=7)
    assert outcome.violations == ()
    assert outcome.undecided < 200
