"""The attack's value is a proved lower bound of the curvature at a point of the region."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verify.architecture import Architecture
from verify.bounds.attack import attack_hessian, curvature_lower
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_campaign import random_cases
from verify.bounds.regions import Ball
from verify.budget import time_limit
from verify.calculus.problem import Problem
from verify.outcomes import Verdict


@pytest.mark.parametrize("number", range(10))
def test_point_is_inside_and_value_matches_the_float_curvature(number: int) -> None:
    problem, region = list(random_cases(number + 1, seed=11))[number]
    attack = attack_hessian(problem, region, points=2, seed=number, ascents=3)
    assert region.contains(attack.point) is Verdict.PROVED
    u = attack.direction
    curvature = abs(u @ problem.hessian_vector(attack.point, u)) / (u @ u)
    assert attack.value == pytest.approx(curvature, rel=1e-6, abs=1e-9)


def test_value_does_not_exceed_an_exactly_known_curvature() -> None:
    nodes = {
        "x": {"width": 1},
        "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False},
    }
    datum = 0.1
    problem = Problem(Architecture.from_data(nodes, "y"), np.array([[datum]]), np.array([[1.0]]))
    exact = Fraction(datum) ** 2
    for direction in (1.0, 1 / 3, 1e-30, -7.0):
        lower = Fraction(curvature_lower(problem, np.array([0.3]), np.array([direction])))
        assert exact * (1 - Fraction(1, 10**12)) <= lower <= exact


def test_ascent_finds_more_than_the_centre() -> None:
    problem, _ = list(random_cases(3, seed=2))[2]
    small = attack_hessian(problem, Ball(problem.initial_weights, 1e-9), points=1)
    large = attack_hessian(problem, Ball(problem.initial_weights, 1.0), points=2)
    assert large.value > 1.2 * small.value


def test_same_seed_same_answer() -> None:
    problem, region = next(iter(random_cases(1, seed=4)))
    first, second = (attack_hessian(problem, region, points=2, seed=9) for _ in range(2))
    assert first.value == second.value
    assert np.array_equal(first.point, second.point)


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_out_of_time_the_best_so_far_is_proved(seconds: float) -> None:
    problem, region = next(iter(random_cases(1, seed=4)))
    found = attack_hessian(problem, region, points=10**6, ascents=50, seconds=seconds)
    assert 0.0 <= found.value <= hessian_bound(problem, region).value
    assert region.contains(found.point) is Verdict.PROVED


def test_a_limit_around_it_leaves_time_for_the_proof() -> None:
    problem, region = next(iter(random_cases(1, seed=4)))
    with time_limit(1.0, "the attack"):
        found = attack_hessian(problem, region, points=10**6)
    assert found.value > 0.0
