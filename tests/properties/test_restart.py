"""Momentum that is dropped where it points uphill: the rule, its setting, its steps and what refutes it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from verify import Architecture, Ball, InputError, Problem, Setting, Verdict
from verify.arithmetic.intervals import Interval
from verify.calculus.exact_step import exact_step
from verify.properties.cases import StepCase
from verify.properties.control import quadratic_problem
from verify.properties.monotone import fixed_cases, run_monotone_test
from verify.properties.step import take_step
from verify.properties.suite import run_suite
from verify.spec import load_specification, to_toml
from verify.theorems.ranges import RANGES

L, LEADING = 2.0, np.array([1.0, 0.0])
"""The curvature of `quadratic_problem`."""
ETA = 0.125
TAU = RANGES["restart"].momentum_limit(L, ETA)


def test_the_range_is_wider_than_the_sharp_one() -> None:
    assert 2 * RANGES["sharp"].momentum_limit(L, ETA) < TAU


@pytest.mark.parametrize("previous", ["with-gradient", "against-gradient", "random"])
def test_a_case_drops_momentum_that_points_uphill(previous: Any) -> None:
    problem = quadratic_problem()
    for seed in range(8):
        case = StepCase(seed, 0.5, previous, ETA, TAU, "restart")
        gradient = problem.gradient(case.start(problem))
        momentum = case.step(problem, gradient, LEADING) + ETA * gradient
        rises = float(gradient @ case.previous_step(gradient, LEADING)) > 0
        assert (float(np.abs(momentum).max()) == 0.0) == rises
        assert StepCase.from_json(case.to_json()) == case


def test_steps_in_the_range_are_covered_and_never_raise_the_error() -> None:
    cases = fixed_cases(ETA, 0.999 * TAU, rule="restart")
    result = run_monotone_test(quadratic_problem(), L, LEADING, cases, examples=80)
    assert (result.violations, result.undecided) == (0, 0)
    assert result.covered > 60


def test_without_dropping_such_steps_are_not_covered() -> None:
    case = StepCase(0, 0.5, "with-gradient", ETA, 0.999 * TAU)
    assert not take_step(quadratic_problem(), case, L, LEADING).covered


def test_an_understated_bound_is_caught() -> None:
    eta = 1.0
    cases = fixed_cases(eta, RANGES["restart"].momentum_limit(L / 4, eta), rule="restart")
    result = run_monotone_test(quadratic_problem(), L / 4, LEADING, cases, examples=80)
    assert result.verdict is Verdict.REFUTED
    assert result.counterexample is not None and result.counterexample.rule == "restart"


@pytest.mark.parametrize(
    ("gradient", "previous"), [((3.0, 4.0), (0.0, 2.0)), ((3.0, 4.0), (0.0, -2.0)), ((3.0, 4.0), (4.0, -3.0))]
)
def test_the_exact_step_holds_what_either_sign_would_give(
    gradient: tuple[float, float], previous: tuple[float, float]
) -> None:
    g, before = np.array(gradient), np.array(previous)
    found = exact_step(Interval.from_midrad(g, 1e-9), Interval.point(before), 0.5, 0.25, "global", None, restart=True)
    plain = -0.5 * g
    moving = plain + 0.25 * 5.0 * before / np.linalg.norm(before)
    slope = sum(Fraction(a) * Fraction(b) for a, b in zip(gradient, previous, strict=True))
    for allowed, point in ((slope >= 0, plain), (slope <= 0, moving)):
        if allowed:
            assert np.all(found.lower <= point + 1e-15) and np.all(point - 1e-15 <= found.upper)
        else:
            assert np.any(point < found.lower) or np.any(point > found.upper)


def test_a_setting_is_judged_by_its_theorem() -> None:
    problem = quadratic_problem()
    inside, adaptive = Setting(ETA, tau=0.999 * TAU, rule="restart"), Setting(ETA, tau=0.999 * TAU, norm="vertex")
    assert inside.theorem == "restart" and adaptive.theorem == "sharp"
    verdicts = {}
    for setting in (inside, adaptive):
        (a4,) = (finding for finding in verify.check(problem, setting).assumptions if finding.id == "A4")
        verdicts[setting.theorem] = (a4.verdict, a4.theorem)
    assert verdicts["restart"] == (Verdict.PROVED, "restart")
    assert verdicts["sharp"] == (Verdict.REFUTED, "sharp")
    report = run_suite(problem, inside, examples=20)
    assert report.setting_admissible and report.verdict is Verdict.PROVED


def test_a_setting_outside_is_refuted_by_a_step_of_this_rule() -> None:
    setting = Setting(0.5, tau=2.0, rule="restart")
    (a4,) = (each for each in verify.check(quadratic_problem(), setting).assumptions if each.id == "A4")
    assert a4.verdict is Verdict.REFUTED and a4.counterexample is not None
    case = StepCase(**a4.counterexample["case"])
    assert case.rule == "restart"
    w = case.start(quadratic_problem())
    w_next = w + case.step(quadratic_problem(), quadratic_problem().gradient(w), LEADING)
    assert verify.decide_decrease(quadratic_problem(), w, w_next).sign == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mu": 0.5, "rule": "restart"}, "rule 'restart' has tau: mu=0.5"),
        ({"tau": 0.5, "rule": "restart", "norm": "vertex"}, "needs norms over all weights: norm='vertex'"),
        ({"tau": 0.5, "rule": "never"}, "unknown rule of the momentum: rule='never'"),
    ],
)
def test_settings_without_a_theorem_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Setting(0.1, **given)


@pytest.fixture(scope="module")
def problem() -> Problem:
    nodes = {
        "x": {"width": 2},
        "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 1, "activation": "sigmoid", "inputs": ["h", "x"]},
    }
    architecture = Architecture.from_data(nodes, output="y")
    rng, w0 = np.random.default_rng(0), architecture.initial_weights("glorot", seed=1)
    x, y = rng.uniform(-1, 1, (6, 2)), rng.uniform(0, 1, (6, 1))
    return Problem(architecture, x, y, initial_weights=w0, region=Ball(w0, 0.5))


def test_training_is_the_fixed_rule_until_momentum_points_uphill() -> None:
    """On E = |w|^2 the second step, 0.3 |g| of it momentum, passes the minimum; there the momentum is dropped."""
    settings: dict[str, Any] = {"eta": 0.25, "tau": 0.3, "steps": 6}
    fixed, restarted = (verify.train(quadratic_problem(), rule=rule, **settings) for rule in ("fixed", "restart"))
    assert np.array_equal(fixed.errors[:3], restarted.errors[:3])
    assert not np.array_equal(fixed.errors, restarted.errors)
    assert restarted.tau[0] == 0.0 and restarted.tau[1] == 0.3 and restarted.tau[2] == 0.0
    assert set(restarted.verdicts) == {Verdict.PROVED}


def test_a_spec_names_the_rule(problem: Problem, tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_text(to_toml(problem, Setting(0.01, tau=0.02, rule="restart")), encoding="utf-8")
    assert load_specification(path).momentum == Setting(0.01, tau=0.02, rule="restart")
    path.write_text(path.read_text(encoding="utf-8").replace('"restart"', '"restarted"'), encoding="utf-8")
    with pytest.raises(InputError, match="rule"):
        load_specification(path)
