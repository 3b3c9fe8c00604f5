"""The forward pass shared by a gradient and the segment bounds from the same weights: it changes no bound."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from verify import Architecture, Problem
from verify.bounds import start as start_module
from verify.bounds.segment import segment_bound
from verify.bounds.start import StartPass


def residual_problem(activation: str, samples: int = 700, **settings: Any) -> Problem:
    nodes = {
        "x": {"width": 3},
        "a": {"width": 4, "activation": activation, "inputs": ["x"]},
        "h": {"width": 4, "activation": activation, "inputs": ["a", {"from": "a", "kind": "identity"}]},
        "y": {"width": 2, "activation": "sigmoid", "inputs": ["h", "x"]},
    }
    rng = np.random.default_rng(5)
    x, y = rng.standard_normal((samples, 3)), rng.random((samples, 2))
    return Problem(Architecture.from_data(nodes, output="y"), x, y, **settings)


@pytest.fixture(params=["tanh", "sigmoid", "gelu", "decay"])
def problem(request: pytest.FixtureRequest) -> Problem:
    if request.param == "decay":
        return residual_problem("tanh", reduction="sum", weight_decay=0.125)
    return residual_problem(request.param)


def test_gradient_is_that_of_the_problem(problem: Problem) -> None:
    w = problem.initial_weights
    error, gradient = StartPass(problem).error_and_gradient(w)
    assert error == pytest.approx(problem.error(w), rel=1e-13)
    assert np.linalg.norm(gradient - problem.gradient(w)) <= 1e-13 * np.linalg.norm(gradient)


def test_bounds_are_those_without_it(problem: Problem) -> None:
    shared = StartPass(problem)
    w = problem.initial_weights
    for _ in range(3):
        direction = -shared.error_and_gradient(w)[1]
        assert shared.at(problem, w) is not None
        for length in (0.5, 0.125):
            assert segment_bound(problem, w, direction, length, shared) == segment_bound(problem, w, direction, length)
        w = w + 0.125 * direction


def test_other_weights_or_data_are_not_mistaken(problem: Problem) -> None:
    shared = StartPass(problem)
    w = problem.initial_weights
    direction = -shared.error_and_gradient(w)[1]
    for other, start in (
        (problem, w + 2.0**-40),
        (Problem(problem.architecture, problem.inputs + 1.0, problem.targets), w),
    ):
        assert shared.at(other, start) is None
        assert segment_bound(other, start, direction, 0.5, shared) == segment_bound(other, start, direction, 0.5)
        assert segment_bound(problem, w, direction, 0.5, shared) == segment_bound(problem, w, direction, 0.5)


def test_weights_changed_in_place_are_not_mistaken(problem: Problem) -> None:
    shared = StartPass(problem)
    w = problem.initial_weights.copy()
    shared.error_and_gradient(w)
    w[0] += 1.0
    assert shared.at(problem, w) is None


@pytest.mark.parametrize("scale", [1e150, 1e153, 1e154, 1e160, 1e200, 1e300])
def test_errors_that_overflow_have_no_range_or_a_true_one(scale: float) -> None:
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"]}}
    problem = Problem(Architecture.from_data(nodes, output="y"), [[1.0], [2.0]], [[0.0], [0.0]])
    shared, w = StartPass(problem), np.full(2, scale)
    with np.errstate(all="ignore"):
        shared.error_and_gradient(w)
    exact = (Fraction(scale) * 2) ** 2 / 4 + (Fraction(scale) * 3) ** 2 / 4
    lower, upper = shared.range or (0.0, np.inf)
    assert Fraction(lower) <= exact
    assert upper == np.inf or exact <= Fraction(upper)


@pytest.mark.parametrize("reason", ["kink", "memory", "overflow"])
def test_without_a_pass_worth_keeping_the_gradient_is_the_problem_s(
    monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    problem = residual_problem("relu" if reason == "kink" else "tanh")
    w = problem.initial_weights
    if reason == "memory":
        monkeypatch.setattr(start_module, "MOST_BYTES", 1000)
    if reason == "overflow":
        w = np.full(w.shape, 1e308)
    shared = StartPass(problem)
    with np.errstate(all="ignore"):
        error, gradient = shared.error_and_gradient(w)
        expected, expected_gradient = problem.error_and_gradient(w)
    np.testing.assert_array_equal(error, expected)
    np.testing.assert_array_equal(gradient, expected_gradient)
    assert shared.at(problem, w) is None
