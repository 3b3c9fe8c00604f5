"""The report: what counts, what does not, and each way to lose the overall verdict."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest

from verify import Ball, BoundedWeights, InputError, Problem, Verdict, check_assumptions, hessian_bound
from verify.assumptions import Setting

Make = Callable[..., Problem]


@pytest.fixture(scope="module")
def problem(make_problem: Make) -> Problem:
    x = np.random.default_rng(0).uniform(-1, 1, (5, 3))
    x[:, 1] = 0.0
    return make_problem(inputs=x)


def test_what_counts_is_a1_a4_and_the_gradients(problem: Problem) -> None:
    report = check_assumptions(problem, Ball(problem.initial_weights, 0.1))
    assert [(f.id, f.verdict.value, f.counted) for f in report.findings] == [
        ("A1", "PROVED", True),
        ("A2", "UNDECIDED", False),
        ("A3", "PROVED", False),
        ("A4", "PROVED", True),
        ("gradients", "PROVED", True),
    ]
    assert report.verdict is Verdict.PROVED
    assert str(report).endswith("every step that stays in the region decreases the error: PROVED")


def test_relu_is_refuted_in_one_report(make_problem: Make) -> None:
    report = check_assumptions(make_problem(hidden="relu"), BoundedWeights(3.0))
    assert (report["A1"].verdict, report["A4"].verdict, report.verdict) == (
        Verdict.REFUTED,
        Verdict.UNDECIDED,
        Verdict.REFUTED,
    )
    assert "vertex h" in report["A4"].statement


def test_settings_inside_and_outside(problem: Problem) -> None:
    region = Ball(problem.initial_weights, 0.1)
    L = hessian_bound(problem, region).value
    known = SimpleNamespace(value=L, reason=None, remedy=None)
    inside = check_assumptions(problem, region, Setting(0.01 / L, tau=0.005 / L), curvature=known)
    assert inside.verdict is Verdict.PROVED
    assert (inside["A2"].verdict, inside["A2"].theorem) == (Verdict.PROVED, "horizon")
    outside = check_assumptions(problem, region, Setting(10 / L, tau=0.0), curvature=known)
    assert (outside["A4"].verdict, outside.verdict) == (Verdict.UNDECIDED, Verdict.UNDECIDED)
    refuted = check_assumptions(problem, region, Setting(10 / L, tau=0.0), curvature=known, increase={"seed": 1})
    assert refuted.verdict is Verdict.REFUTED


def test_without_a_bound_or_with_gradients_in_doubt_nothing_is_proved(problem: Problem) -> None:
    region = Ball(problem.initial_weights, 0.1)
    unknown = SimpleNamespace(value=None, reason="it overflows", remedy="use a smaller radius")
    report = check_assumptions(problem, region, curvature=unknown)
    assert (report["A4"].verdict, report["A4"].remedy, report.verdict) == (
        Verdict.UNDECIDED,
        "use a smaller radius",
        Verdict.UNDECIDED,
    )
    for verdict in (Verdict.UNDECIDED, Verdict.REFUTED):
        doubted = dataclasses.replace(report["gradients"], verdict=verdict)
        assert check_assumptions(problem, region, gradients=doubted).verdict is verdict


def test_no_curvature_at_all_still_has_a_range(make_problem: Make) -> None:
    problem = make_problem()
    flat = SimpleNamespace(value=0.0, reason=None, remedy=None)
    assert check_assumptions(problem, BoundedWeights(9.0), curvature=flat)["A4"].verdict is Verdict.PROVED


def test_weight_decay_proves_boundedness(make_problem: Make) -> None:
    problem = make_problem(weight_decay=1.0)
    report = check_assumptions(problem, BoundedWeights(3.0))
    assert (report["A2"].verdict, report["A2"].theorem) == (Verdict.PROVED, "weight_decay")


def test_plain_data(problem: Problem) -> None:
    data = check_assumptions(problem, Ball(problem.initial_weights, 0.1)).to_json()
    assert data["verdict"] == "PROVED"
    assert [row["id"] for row in data["assumptions"]] == ["A1", "A2", "A3", "A4"]
    assert all({"verdict", "needed_for", "counted", "remedy"} <= set(row) for row in data["assumptions"])
    assert data["gradients"]["verdict"] == "PROVED"


def test_a_region_is_needed_and_findings_have_names(make_problem: Make) -> None:
    problem = make_problem()
    with pytest.raises(InputError, match="no region"):
        check_assumptions(problem)
    with pytest.raises(InputError, match="no such finding"):
        check_assumptions(problem, BoundedWeights(3.0))["A5"]
