"""Bounds on sublevel sets lie above proved curvature at proved points of them, and the residuals' part is real."""

from __future__ import annotations

import numpy as np
import pytest

from tests.samples import sampled
from verify.architecture import Architecture
from verify.bounds.attack import attack_hessian, curvature_lower
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_campaign import random_cases
from verify.bounds.regions import Ball, BoundedWeights
from verify.calculus.problem import Problem
from verify.outcomes import InputError, Verdict


@pytest.mark.parametrize("number", sampled(8, 3))
def test_every_method_is_above_the_attack(number: int) -> None:
    problem, region = list(random_cases(number + 1, seed=41))[number]
    level = problem.error_enclosure(problem.initial_weights)[1]
    attack = attack_hessian(problem, region, points=2, seed=number, ascents=5, level=level)
    assert region.contains(attack.point) is Verdict.PROVED
    if attack.value > 0:
        assert problem.error_enclosure(attack.point)[1] <= level
    for method in ("norms", "majorant"):
        bound = hessian_bound(problem, region, method=method, cells=4, level=level)  # type: ignore[arg-type]
        assert attack.value <= bound.value <= bound.whole
        assert bound.whole == hessian_bound(problem, region, method=method, cells=4).value  # type: ignore[arg-type]


def narrow_valley() -> Problem:
    # E = 1/2 (u v - 1)^2: at (1, 1), where E = 0, the curvature is 2; on the ball of radius 2 it is far larger.
    nodes = {
        "x": {"width": 1},
        "h": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False},
        "y": {"width": 1, "activation": "identity", "inputs": ["h"], "bias": False},
    }
    return Problem(
        Architecture.from_data(nodes, "y"), np.array([[1.0]]), np.array([[1.0]]), initial_weights=np.array([1.0, 1.0])
    )


@pytest.mark.parametrize("level", [0.0, 1e-6, 0.1, 1.0, 50.0])
def test_points_of_a_curve_of_the_sublevel_set(level: float) -> None:
    # u v = 1 + a, |a| <= sqrt(2 level), is all of the sublevel set; the curvature there is known in closed form.
    problem, region = narrow_valley(), Ball([1.0, 1.0], 2.0)
    bound = hessian_bound(problem, region, level=level)
    for u in np.linspace(0.4, 2.5, 22):
        for a in np.sqrt(2 * level) * np.array([-0.999, 0.0, 0.999]):
            point = np.array([u, (1 + a) / u])
            if region.contains(point) is not Verdict.PROVED or problem.error_enclosure(point)[1] > level:
                continue
            values, vectors = np.linalg.eigh(
                [[point[1] ** 2, 2 * point[0] * point[1] - 1], [2 * point[0] * point[1] - 1, point[0] ** 2]]
            )
            assert bound.value >= curvature_lower(problem, point, vectors[:, np.argmax(np.abs(values))])


@pytest.mark.parametrize("method", ["norms", "majorant"])
@pytest.mark.parametrize("samples", [1, 7])
def test_the_residuals_part_is_tight_at_a_saddle(method: str, samples: int) -> None:
    # E = mean of 1/2 (u v - 1)^2: at (0, 0) the Hessian is [[0, -1], [-1, 0]], all of it due to the residuals.
    one = np.ones((samples, 1))
    problem = Problem(narrow_valley().architecture, one, one, initial_weights=np.zeros(2))
    region, level = Ball([0.0, 0.0], 0.01), problem.error_enclosure(np.zeros(2))[1]
    attack = attack_hessian(problem, region, points=1, level=level)
    bound = hessian_bound(problem, region, method=method, cells=1, level=level)  # type: ignore[arg-type]
    assert 1.0 - 1e-12 <= attack.value <= bound.value <= 1.01 * attack.value


def test_a_low_level_gains_and_a_high_one_does_not() -> None:
    problem, region = narrow_valley(), Ball([1.0, 1.0], 2.0)
    low, high = (hessian_bound(problem, region, level=level) for level in (1e-6, 1e6))
    assert low.value < 0.9 * low.whole
    assert high.whole == low.whole
    assert 1 - 1e-12 <= high.value / high.whole <= 1


def test_several_outputs_one_behind_the_other() -> None:
    rng = np.random.default_rng(2)
    nodes = {
        "x": {"width": 2},
        "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 2, "activation": "sigmoid", "inputs": ["h", "x"]},
    }
    architecture = Architecture.from_data(nodes, ["y", "h"])
    problem = Problem(architecture, rng.standard_normal((5, 2)), rng.standard_normal((5, 5)))
    for radius in (0.1, 1.0):
        region, level = Ball(problem.initial_weights, radius), problem.error_enclosure(problem.initial_weights)[1]
        bound = hessian_bound(problem, region, method="majorant", level=level)
        assert bound.value >= attack_hessian(problem, region, points=3, level=level).value > 0


def test_an_attack_starts_at_the_initial_weights_if_the_centre_is_high() -> None:
    problem = narrow_valley()
    attack = attack_hessian(problem, BoundedWeights(3.0), points=1, level=0.1)
    assert problem.error_enclosure(attack.point)[1] <= 0.1
    assert attack.value > 1.9


def test_a_level_that_no_error_has_is_refused() -> None:
    problem = narrow_valley()
    for level in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="level"):
            hessian_bound(problem, Ball([1.0, 1.0], 1.0), level=level)
