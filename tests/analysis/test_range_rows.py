"""Rows of the ranges: what each theorem speaks of, and which of them carries a horizon or weight decay."""

from __future__ import annotations

import numpy as np
import pytest

import verify
from verify.analysis.check import CheckReport, check
from verify.analysis.ranges import largest_momentum
from verify.assumptions.small_momentum import Setting
from verify.outcomes import Verdict

NODES = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
PROVED, UNDECIDED = Verdict.PROVED, Verdict.UNDECIDED


def tanh_unit(weight_decay: float = 0.0) -> verify.Problem:
    architecture = verify.Architecture.from_data(NODES, "y")
    return verify.Problem(
        architecture,
        np.array([[1.0], [0.5]]),
        np.array([[0.3], [0.1]]),
        weight_decay=weight_decay,
        initial_weights=np.array([0.5, 0.25]),
        region=verify.Ball([0.5, 0.25], 1.0),
    )


def verdicts(report: CheckReport) -> dict[str, Verdict]:
    return {row.theorem: row.verdict for row in report.ranges}


@pytest.fixture(scope="module")
def beyond_sharp() -> CheckReport:
    return check(tanh_unit(0.5), Setting(0.01, tau=0.04))


def test_a_setting_for_a_start_at_rest(beyond_sharp: CheckReport) -> None:
    found = verdicts(beyond_sharp)
    assert (found["triangle"], found["sharp"], found["from_rest"], found["restart"]) == (
        UNDECIDED,
        UNDECIDED,
        PROVED,
        PROVED,
    )
    assert beyond_sharp.verdict is PROVED
    assert beyond_sharp.question == "does every step from rest, for ever, decrease the error?"
    a4 = next(finding for finding in beyond_sharp.assumptions if finding.id == "A4")
    assert (a4.verdict, a4.theorem) == (PROVED, "from_rest")
    assert "from rest (D_0 = 0), as long as all steps are" in a4.statement
    (rest,) = (each for each in a4.hypotheses if each.id == "rest")
    assert rest.assumed and "starts at rest" in rest.statement


def test_more_than_from_rest_admits_is_left_open() -> None:
    """An increase after a previous step that no run from rest makes refutes nothing."""
    report = check(tanh_unit(0.5), Setting(0.01, tau=0.9))
    a4 = next(finding for finding in report.assumptions if finding.id == "A4")
    assert (a4.verdict, a4.theorem, report.verdict) == (UNDECIDED, "from_rest", UNDECIDED)
    assert a4.remedy is not None and "use tau <= " in a4.remedy


def test_horizon_and_weight_decay_rest_on_it_and_say_so(beyond_sharp: CheckReport) -> None:
    for row in beyond_sharp.ranges:
        if row.theorem in ("horizon", "weight_decay"):
            assert row.verdict is PROVED and "from rest (D_0 = 0)" in row.statement


def test_a_setting_of_sharp_is_never_called_from_rest() -> None:
    report = check(tanh_unit(0.5), Setting(0.01, tau=0.01))
    assert verdicts(report)["sharp"] is PROVED
    assert all("D_0" not in row.statement for row in report.ranges if row.theorem != "from_rest")


def test_norms_per_vertex_have_no_range_from_rest() -> None:
    report = check(tanh_unit(0.5), Setting(0.01, tau=0.04, norm="vertex"))
    found = verdicts(report)
    assert found["from_rest"] is found["restart"] is found["horizon"] is found["weight_decay"] is UNDECIDED
    a4 = next(finding for finding in report.assumptions if finding.id == "A4")
    assert "from_rest" not in (a4.remedy or "")


@pytest.mark.parametrize(
    ("rate", "norm", "widest"),
    [(0.01, "global", "from_rest"), (0.5, "global", "sharp"), (0.8, "global", "sharp"), (0.01, "vertex", "sharp")],
)
def test_the_widest_range_of_a_learning_rate(rate: float, norm: str, widest: str) -> None:
    found = largest_momentum(1.0, Setting(rate, tau=0.0, norm=norm))  # type: ignore[arg-type]
    assert found is not None and found["widest"] == widest
    assert ("from_rest" in found["tau_max"]) == (norm == "global")
    assert largest_momentum(None, None) is None
