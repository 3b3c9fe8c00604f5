"""What has no bound is refused in one line, or is undecided: never a number."""

from __future__ import annotations

import numpy as np
import pytest

from verify.architecture import Architecture
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.regions import Ball
from verify.calculus.problem import Problem
from verify.outcomes import InputError


def problem_with(activation: str, scale: float = 1.0) -> Problem:
    nodes = {
        "x": {"width": 2},
        "h": {"width": 2, "activation": activation, "inputs": ["x"]},
        "y": {"width": 1, "activation": activation, "inputs": ["h"]},
    }
    architecture = Architecture.from_data(nodes, "y")
    weights = architecture.initial_weights("glorot", seed=0) * scale
    return Problem(architecture, np.ones((3, 2)), np.zeros((3, 1)), initial_weights=weights)


@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
def test_kinks_are_refused_with_the_vertex_named(activation: str) -> None:
    problem = problem_with(activation)
    with pytest.raises(InputError, match=f"vertex h.*{activation}"):
        hessian_bound(problem, Ball(problem.initial_weights, 0.1))


def test_no_region() -> None:
    with pytest.raises(InputError, match="region"):
        hessian_bound(problem_with("tanh"))
    with pytest.raises(InputError, match="region"):
        attack_hessian(problem_with("tanh"))


def test_unknown_method() -> None:
    problem = problem_with("tanh")
    with pytest.raises(InputError, match="method='best'"):
        hessian_bound(problem, Ball(problem.initial_weights, 0.1), method="best")  # type: ignore[arg-type]


def test_attack_without_points() -> None:
    problem = problem_with("tanh")
    with pytest.raises(InputError, match="points=0"):
        attack_hessian(problem, Ball(problem.initial_weights, 0.1), points=0)


@pytest.mark.parametrize("method", ["norms", "majorant"])
def test_overflow_is_undecided(method: str) -> None:
    problem = problem_with("identity", scale=1e160)
    with pytest.raises(UndecidedHessianError, match="no finite bound"):
        hessian_bound(problem, Ball(problem.initial_weights, 1.0), method=method)  # type: ignore[arg-type]


def test_large_weights_fall_back_to_a_finite_bound_of_norms() -> None:
    problem = problem_with("tanh", scale=1e30)
    bound = hessian_bound(problem, Ball(problem.initial_weights, 1.0), method="majorant")
    assert np.isfinite(bound.value)
    assert bound.method == "norms"
    assert bound.value >= attack_hessian(problem, Ball(problem.initial_weights, 1.0), points=1).value


def test_a_region_of_another_network_is_refused() -> None:
    problem = problem_with("tanh")
    with pytest.raises(InputError):
        hessian_bound(problem, Ball(np.zeros(3), 0.1))
