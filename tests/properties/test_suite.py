"""The property test must pass inside the range, fail outside, and replay what it found."""

from __future__ import annotations

import json

import numpy as np
import pytest

from verify import Architecture, Ball, InputError, Problem, Verdict, decide_decrease, hessian_bound
from verify.assumptions.small_momentum import Setting
from verify.bounds.attack import attack_hessian
from verify.properties.cases import PREVIOUS, StepCase
from verify.properties.control import quadratic_problem, run_sharpness_control
from verify.properties.increase import find_increase, smallest_increasing_factor
from verify.properties.monotone import fixed_cases, run_monotone_test, step_cases
from verify.properties.step import take_step
from verify.properties.suite import run_suite
from verify.theorems.ranges import RANGES

NODES = {
    "x": {"width": 2},
    "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
    "y": {"width": 1, "activation": "sigmoid", "inputs": ["h", "x"]},
}


@pytest.fixture(scope="module")
def problem() -> Problem:
    architecture = Architecture.from_data(NODES, output="y")
    rng = np.random.default_rng(0)
    w0 = architecture.initial_weights("glorot", seed=1)
    return Problem(
        architecture, rng.uniform(-1, 1, (6, 2)), rng.uniform(0, 1, (6, 1)), initial_weights=w0, region=Ball(w0, 0.5)
    )


@pytest.fixture(scope="module")
def leading(problem) -> np.ndarray:
    return attack_hessian(problem, problem.region, points=1, ascents=1).direction


@pytest.fixture(scope="module")
def lipschitz(problem) -> float:
    return hessian_bound(problem, problem.region).value


@pytest.mark.parametrize("norm", ["global", "vertex"])
def test_steps_inside_the_range_decrease_the_error(problem, lipschitz, leading, norm):
    result = run_monotone_test(problem, lipschitz, leading, step_cases(lipschitz, norm), examples=60)
    assert result.verdict is Verdict.PROVED
    assert (result.violations, result.undecided) == (0, 0)
    assert result.examples == 60 and result.covered > 50


def test_an_understated_bound_is_caught():
    """With L four times too small the range is too wide, and the test must find a violation that replays."""
    problem, leading = quadratic_problem(), np.array([1.0, 0.0])
    result = run_monotone_test(problem, 0.5, leading, step_cases(0.5), examples=100)
    assert result.verdict is Verdict.REFUTED
    replayed = StepCase.from_json(result.counterexample.to_json())
    assert take_step(problem, replayed, 0.5, leading).violates


def test_the_control_holds():
    assert run_sharpness_control().verdict is Verdict.PROVED


def test_the_edge_of_the_range_is_sharp_on_a_quadratic():
    problem = quadratic_problem()
    case = StepCase(0, 0.0, "none", RANGES["sharp"].eta_limit(2.0) / 2, RANGES["sharp"].eta_limit(2.0) / 2)
    factor, increase = smallest_increasing_factor(problem, case, np.array([1.0, 0.0]))
    assert 1 < factor < 1.01
    assert increase.decision.sign == 1


def test_steps_that_would_leave_are_shortened(problem, lipschitz, leading):
    eta = RANGES["sharp"].eta_limit(lipschitz) * 0.99
    narrow = with_ball(problem, 1e-3)
    outcome = take_step(narrow, StepCase(5, 1.0, "none", eta, 0.0), lipschitz, leading)
    assert 0 <= outcome.scale < 1
    assert narrow.region.contains(outcome.w_next) is Verdict.PROVED


def with_ball(problem: Problem, radius: float) -> Problem:
    w0 = problem.initial_weights
    return Problem(problem.architecture, problem.inputs, problem.targets, initial_weights=w0, region=Ball(w0, radius))


def test_a_setting_outside_the_range_is_refuted_with_a_case_that_replays(problem, leading):
    wide = with_ball(problem, 30.0)
    report = run_suite(wide, Setting(eta=200.0, tau=20.0), examples=5)
    assert report.verdict is Verdict.REFUTED and report.setting_admissible is False
    case = StepCase.from_json(json.dumps(report.to_json()["counterexample"]))
    assert case.eta == 200.0
    w = case.start(wide)
    w_next = w + case.step(wide, wide.gradient(w), leading)
    assert wide.region.contains(w_next) is Verdict.PROVED
    assert decide_decrease(wide, w, w_next).sign == 1
    assert report.increase.decision.sign == 1


def test_a_heavy_ball_setting_outside_is_searched(problem):
    report = run_suite(with_ball(problem, 30.0), Setting(eta=200.0, mu=0.9), examples=5)
    assert report.verdict is Verdict.REFUTED


@pytest.mark.parametrize("setting", [Setting(eta=200.0, tau=20.0), Setting(eta=200.0, mu=0.9)])
def test_a_step_that_leaves_the_region_refutes_nothing(problem, setting):
    report = run_suite(problem, setting, examples=5)
    assert (report.verdict, report.increase) == (Verdict.UNDECIDED, None)


def test_an_admissible_setting_is_tested_itself(problem, lipschitz):
    eta, tau = RANGES["sharp"].recommended(lipschitz)
    report = run_suite(problem, Setting(eta, tau, norm="vertex"), examples=30)
    assert report.verdict is Verdict.PROVED and report.setting_admissible is True
    assert report.margin is None or report.margin > 1


def test_a_slightly_wide_setting_without_increase_is_undecided(problem, lipschitz):
    eta = RANGES["sharp"].eta_limit(lipschitz) * 1.001
    report = run_suite(problem, Setting(eta, 0.0), examples=10)
    assert report.verdict is Verdict.UNDECIDED


def test_no_increase_is_not_a_proof(problem, leading):
    assert find_increase(problem, StepCase(0, 0.0, "none", 1e-6, 0.0), leading) is None


def test_fixed_cases_keep_the_pair(problem, lipschitz, leading):
    eta, tau = RANGES["sharp"].recommended(lipschitz)
    result = run_monotone_test(problem, lipschitz, leading, fixed_cases(eta, tau), examples=20)
    assert result.violations == 0


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "nonsense",
        '{"seed": -1, "distance": 0, "previous": "none", "eta": 1, "momentum": 0}',
        '{"seed": 1, "distance": 0, "previous": "sideways", "eta": 1, "momentum": 0}',
        '{"seed": 1, "distance": NaN, "previous": "none", "eta": 1, "momentum": 0}',
    ],
)
def test_texts_that_are_no_case_are_refused(text):
    with pytest.raises(InputError, match="not a case"):
        StepCase.from_json(text)


@pytest.mark.parametrize("previous", PREVIOUS)
def test_cases_replay_exactly(problem, leading, previous):
    case = StepCase(3, 0.25, previous, 0.1, 0.05, norm="vertex")
    again = StepCase.from_json(case.to_json())
    assert again == case
    gradient = problem.gradient(case.start(problem))
    assert np.array_equal(case.step(problem, gradient, leading), again.step(problem, gradient, leading))


def test_a_problem_without_region_is_refused(problem):
    bare = Problem(problem.architecture, problem.inputs, problem.targets)
    with pytest.raises(InputError, match="region"):
        run_suite(bare)
