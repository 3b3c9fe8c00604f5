"""Where the largest curvature is known, the bound equals it up to rounding, and is not below it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verify.architecture import Architecture
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.bounds.regions import Ball, BoundedWeights
from verify.calculus.problem import Problem

ROUNDING = 1 + 1e-9


def linear(width: int, outputs: int, bias: bool = True) -> Architecture:
    nodes = {
        "x": {"width": width},
        "y": {"width": outputs, "activation": "identity", "inputs": ["x"], "bias": bias},
    }
    return Architecture.from_data(nodes, "y")


def test_one_weight() -> None:
    problem = Problem(linear(1, 1, bias=False), np.array([[2.0]]), np.array([[1.0]]))
    for radius in (1e-9, 1.0, 1e6):
        value = hessian_bound(problem, Ball([0.5], radius), method="majorant").value
        assert Fraction(4) <= Fraction(value) <= Fraction(4) * Fraction(ROUNDING)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_one_linear_layer_has_a_constant_hessian(bias: bool, reduction: str) -> None:
    rng = np.random.default_rng(0)
    problem = Problem(
        linear(4, 3, bias), rng.standard_normal((20, 4)), rng.standard_normal((20, 3)), reduction=reduction
    )
    region = Ball(problem.initial_weights, 10.0)
    attack = attack_hessian(problem, region, points=1)
    bound = hessian_bound(problem, region, method="majorant")
    assert attack.value <= bound.value <= attack.value * ROUNDING


def test_weight_decay_is_added_once() -> None:
    data = (np.array([[2.0]]), np.array([[1.0]]))
    plain = Problem(linear(1, 1, bias=False), *data)
    decayed = Problem(linear(1, 1, bias=False), *data, weight_decay=0.5)
    region = BoundedWeights(3.0)
    difference = hessian_bound(decayed, region).value - hessian_bound(plain, region).value
    assert difference == pytest.approx(0.5, rel=1e-12)
    assert hessian_bound(decayed, region).value >= 4.5


def test_product_of_two_weights() -> None:
    # E = 1/2 (u v - 1)^2 on |u|, |v| near 1: the Hessian [[v^2, 2uv - 1], [2uv - 1, u^2]] is 2 at (1, 1).
    nodes = {
        "x": {"width": 1},
        "h": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False},
        "y": {"width": 1, "activation": "identity", "inputs": ["h"], "bias": False},
    }
    problem = Problem(Architecture.from_data(nodes, "y"), np.array([[1.0]]), np.array([[1.0]]))
    bound = hessian_bound(problem, Ball([1.0, 1.0], 1e-9), method="majorant")
    assert 2.0 <= bound.value <= 2.0 + 1e-7


def test_contributions_sum_to_the_bound() -> None:
    rng = np.random.default_rng(1)
    nodes = {
        "x": {"width": 2},
        "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 1, "activation": "tanh", "inputs": ["h"]},
    }
    problem = Problem(Architecture.from_data(nodes, "y"), rng.standard_normal((5, 2)), rng.standard_normal((5, 1)))
    bound = hessian_bound(problem, Ball(problem.initial_weights, 0.1))
    assert set(bound.contributions) == {"h", "y"}
    assert all(share >= 0 for share in bound.contributions.values())
    assert sum(bound.contributions.values()) == pytest.approx(bound.value)
