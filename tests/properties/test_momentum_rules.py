"""Property tests of steps from rest and of Nesterov's variant: covered, decided, refuted where they must be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import verify
from verify import Setting, Verdict
from verify.outcomes import InputError
from verify.properties import control
from verify.properties.cases import StepCase
from verify.properties.control import quadratic_problem, run_sharpness_control
from verify.properties.lyapunov import take_nesterov_step
from verify.properties.monotone import from_rest_cases, nesterov_cases, run_monotone_test
from verify.properties.run_from_rest import take_step_from_rest
from verify.properties.suite import run_suite
from verify.testing import CounterexampleError, assert_admissible
from verify.theorems.ranges import RANGES

L, LEADING = 2.0, np.array([1.0, 0.0])
"""The curvature of `quadratic_problem`."""
ETA = 0.0625


def size(theorem: str, part: float = 0.999) -> float:
    return part * RANGES[theorem].momentum_limit(L, ETA)


@pytest.mark.parametrize(
    ("setting", "decreasing", "energy"),
    [
        (Setting(ETA, tau=size("from_rest")), "E", None),
        (Setting(ETA, mu=size("nesterov"), nesterov=True), "V", "E + |D|^2/(2 eta)"),
    ],
)
def test_the_suite_takes_steps_of_the_setting_itself(setting: Setting, decreasing: str, energy: str | None) -> None:
    report = run_suite(quadratic_problem(), setting, examples=30)
    assert report.verdict is Verdict.PROVED and report.setting_admissible
    assert (report.decreasing, report.energy) == (decreasing, energy)
    assert report.monotone is not None and report.monotone.covered >= 25


def test_settings_are_asserted_by_their_theorem() -> None:
    problem = quadratic_problem()
    row = assert_admissible(problem, ETA, mu=size("nesterov"), nesterov=True)
    assert (row.theorem, row.verdict) == ("nesterov", Verdict.PROVED)
    assert assert_admissible(problem, ETA, size("from_rest")).theorem == "from_rest"
    with pytest.raises(CounterexampleError) as caught:
        assert_admissible(problem, ETA, size("from_rest", 1.01))
    assert caught.value.verdict is Verdict.UNDECIDED


def test_without_the_start_at_rest_such_a_step_raises_the_error() -> None:
    """What makes theorem `from_rest` wider than `sharp`: the setting is not refuted by a step that no run takes."""
    tau = size("from_rest")
    assert tau > 2 * ETA
    problem = quadratic_problem()
    w = problem.initial_weights
    uphill = StepCase(0, 0.0, "with-gradient", ETA, tau).step(problem, problem.gradient(w), LEADING)
    assert verify.decide_decrease(problem, w, w + uphill).sign == 1
    (a4,) = (each for each in verify.check(problem, Setting(ETA, tau=tau)).assumptions if each.id == "A4")
    assert (a4.verdict, a4.theorem) == (Verdict.PROVED, "from_rest")
    assert "from rest" in a4.statement and {each.id for each in a4.hypotheses} == {"L", "stays", "rest"}


@pytest.mark.parametrize("theorem", ["from_rest", "nesterov"])
def test_an_understated_bound_is_caught(theorem: str) -> None:
    eta, quarter = 1.5, L / 8
    largest = RANGES[theorem].momentum_limit(quarter, eta)
    cases, take = (
        (from_rest_cases(eta, largest), take_step_from_rest)
        if theorem == "from_rest"
        else (nesterov_cases(eta, largest), take_nesterov_step)
    )
    result = run_monotone_test(quadratic_problem(), quarter, LEADING, cases, examples=60, take=take)
    assert result.verdict is Verdict.REFUTED
    assert result.counterexample is not None and result.counterexample.rule == theorem


@pytest.mark.parametrize(
    ("setting", "verdict"),
    [
        (Setting(1.25, mu=0.5, nesterov=True), Verdict.REFUTED),
        (Setting(1.25, tau=1.5), Verdict.REFUTED),
        (Setting(ETA, tau=size("from_rest", 1.01)), Verdict.UNDECIDED),
        (Setting(ETA, mu=size("nesterov", 1.01), nesterov=True), Verdict.UNDECIDED),
    ],
)
def test_settings_outside_are_refuted_by_a_first_step_or_left_open(setting: Setting, verdict: Verdict) -> None:
    report = run_suite(quadratic_problem(), setting, examples=5)
    assert (report.verdict, report.setting_admissible) == (verdict, False)
    assert (report.increase is not None) == (verdict is Verdict.REFUTED)


def test_the_energy_of_a_covered_step_falls_by_exact_rationals() -> None:
    """On E = |w|^2 everything is rational: the decision is the sign of V' - V."""
    eta, mu = 0.125, 0.875
    for seed in range(4):
        case = StepCase(seed, 0.5, "random", eta, mu, "nesterov", length=0.5)
        outcome = take_nesterov_step(quadratic_problem(), case, L, LEADING)
        points = [[Fraction(x) for x in each] for each in (outcome.w_previous, outcome.w, outcome.w_next)]
        squares = [sum((b - a) ** 2 for a, b in zip(*pair, strict=True)) for pair in (points[:2], points[1:])]
        errors = [sum(x * x for x in point) for point in points[1:]]
        change = errors[1] - errors[0] + (squares[1] - squares[0]) / (2 * Fraction(eta))
        assert outcome.covered and outcome.decision.sign == (change > 0) - (change < 0) == -1


def test_the_control_notices_a_range_that_is_too_wide_or_too_narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    parts: tuple[Any, ...] = (control._sharp, control._restart, control._from_rest, control._nesterov)
    assert [part() for part in parts] == [(True, True)] * 4
    with monkeypatch.context() as patch:
        patch.setattr(control, "_OUTSIDE", 1 - 2.0**-20)
        assert [outside for _, outside in (part() for part in parts)] == [False] * 4
    with monkeypatch.context() as patch:
        patch.setattr(control, "_LIPSCHITZ", 1.75)
        assert not any(inside for inside, _ in (part() for part in parts[1:]))
        assert run_sharpness_control().verdict is Verdict.REFUTED


@pytest.mark.parametrize("rule", ["from_rest", "nesterov"])
def test_rules_of_several_gradients_replay_and_take_no_single_one(rule: Any) -> None:
    case = StepCase(3, 0.5, "none", ETA, 0.125, rule, steps=4)
    assert StepCase.from_json(case.to_json()) == case
    with pytest.raises(InputError, match="more than one gradient"):
        case.step(quadratic_problem(), LEADING, LEADING)
    with pytest.raises(InputError, match="not a case"):
        StepCase.from_json(case.to_json().replace('"steps": 4', '"steps": 100000'))
