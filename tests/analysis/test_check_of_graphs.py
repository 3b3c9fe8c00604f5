"""What `check` and the tests of users' code say of networks of the vocabulary."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

import verify
from tests.graph.networks import classifier
from verify.bounds.curvature import examine_curvature
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.importers.architecture import graph_problem
from verify.operations.elementwise import Elementwise
from verify.operations.power import Power
from verify.testing import CounterexampleError, assert_admissible, assert_gradient_correct, assert_monotone_decrease

PROVED, UNDECIDED, REFUTED = verify.Verdict.PROVED, verify.Verdict.UNDECIDED, verify.Verdict.REFUTED


def line() -> GraphProblem:
    """Return E(w) = w: never at rest, and below zero at once."""
    builder = GraphBuilder()
    return GraphProblem(builder.build(builder.parameter("w", (1,)).sum()), {}, [0.0], region=verify.Ball([0.0], 1.0))


def parabola(**options) -> GraphProblem:
    builder = GraphBuilder()
    graph = builder.build(builder.parameter("w", (2,)).square().sum())
    return GraphProblem(graph, {}, [1.0, 0.5], region=verify.Ball([1.0, 0.5], 0.5), **options)


@pytest.fixture(scope="module")
def problem() -> GraphProblem:
    found = classifier()
    found.region = verify.Ball(found.initial_weights, 0.01)
    return found


def test_the_whole_answer(problem):
    report = verify.check(problem, verify.Setting(0.01, 0.005))
    assert report.verdict is PROVED
    assert report.question.startswith("does every step that stays within 0.01 of the start")
    assert report.gradients.verdict is PROVED
    assert report.gradients.proof.counted
    assert report.curvature.attack <= report.curvature.value
    assert {row.verdict for row in report.ranges if row.theorem in ("triangle", "sharp", "from_rest")} == {PROVED}
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["gradients"]["check"]["outcome"] == "AGREES"


def test_a_setting_outside_is_not_proved_and_an_increase_refutes_it():
    assert verify.check(parabola(), verify.Setting(0.99, 0.0)).verdict is PROVED
    assert verify.check(parabola(), verify.Setting(1.01, 0.0)).verdict is not PROVED
    builder = GraphBuilder()
    graph = builder.build(builder.parameter("w", (1,)).square().sum())
    rising = GraphProblem(graph, {}, [1.0], region=verify.Ball([0.0], 4.0))
    assert verify.check(rising, verify.Setting(1.5, 0.0)).verdict is REFUTED


def test_the_report_of_assumptions_says_what_it_takes_as_given(problem, monkeypatch):
    report = verify.check_assumptions(problem)
    assert report.verdict is PROVED
    assert str(report).splitlines()[-1].startswith("every step")
    monkeypatch.setattr("verify.graph.symbolic.rules.MOST_AT_OWN_SHAPES", 1)
    monkeypatch.setattr("verify.graph.symbolic.rules.MOST_TERMS", 1)
    report = verify.check_assumptions(problem)
    assert report.verdict is PROVED
    assert report["gradients"].verdict is UNDECIDED
    assert not report["gradients"].counted
    assert str(report).splitlines()[-1].startswith("if the gradient is exact, every step")
    whole = verify.check(problem, verify.Setting(0.01, 0.005))
    assert whole.question.startswith("if the gradient is exact, does every step")


def test_the_horizon_knows_that_an_error_may_be_negative():
    setting = verify.Setting(0.125, 0.0)
    report = verify.check(line(), setting)
    steps = next(row for row in report.ranges if row.theorem == "horizon").numbers["steps"]
    assert steps is not None
    assert 1 <= steps <= 8


@pytest.mark.parametrize(
    ("make", "word"),
    [(lambda w: w.apply(Elementwise("relu")), "relu"), (lambda w: w.apply(Power(Fraction(1, 2))), "power")],
)
def test_a1_holds_on_the_region_where_kinks_and_ends_are_out_of_reach(make, word):
    builder = GraphBuilder()
    problem = GraphProblem(builder.build(make(builder.parameter("w", (1,))).square().sum()), {}, [1.0])
    near, far = (verify.check_assumptions(problem, verify.Ball([1.0], radius))["A1"] for radius in (0.5, 1.5))
    assert near.verdict is PROVED
    assert near.statement.startswith("A1' on the region")
    assert far.verdict is UNDECIDED
    assert word in near.statement
    assert word in far.statement


def test_a_region_is_needed_and_must_hold_the_start(problem):
    alone = classifier()
    with pytest.raises(verify.InputError, match="no region"):
        verify.check(alone)
    alone.region = verify.Ball(alone.initial_weights + 1.0, 0.5)
    with pytest.raises(verify.InputError, match="not in the region"):
        verify.check(alone)
    with pytest.raises(verify.InputError, match="does not fit"):
        verify.hessian_bound(alone, verify.Ball([0.0], 1.0))


def test_norms_per_vertex_are_refused(problem):
    with pytest.raises(verify.InputError, match="norms per vertex"):
        assert_admissible(problem, 0.01, 0.005, norm="vertex")
        verify.run_suite(problem, verify.Setting(0.01, 0.005, norm="vertex"), examples=2)


def test_a_graph_of_a_classical_problem_is_bounded_too():
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    classical = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[1.0], [2.0]], [[0.5], [-0.5]])
    region = verify.Ball(classical.initial_weights, 0.1)
    one, other = (verify.hessian_bound(each, region).value for each in (classical, graph_problem(classical)))
    classical.region = region
    attack = examine_curvature(classical).attack
    assert attack <= other < 4 * one


def test_the_property_test_takes_steps(problem):
    report = verify.run_suite(problem, verify.Setting(0.01, 0.005), examples=5)
    assert report.verdict is PROVED
    assert report.monotone.covered == 5


def test_assertions_for_own_code(problem):
    assert assert_admissible(problem, 0.01, 0.005).verdict is PROVED
    with pytest.raises(CounterexampleError):
        assert_admissible(problem, 10.0)
    w = problem.initial_weights
    down = w - 0.01 * problem.gradient(w)
    assert assert_monotone_decrease(np.stack([w, down]), problem) == 1
    with pytest.raises(CounterexampleError, match="REFUTED"):
        assert_monotone_decrease(np.stack([down, w]), problem)


def test_a_gradient_that_agrees_is_evidence(problem):
    finding = assert_gradient_correct(problem.gradient, problem)
    assert finding.verdict is UNDECIDED
    assert finding.numbers["outcome"] == "AGREES"
    assert finding.numbers["slopes_compared"] == 3
    single = verify.check_gradient(problem, lambda w: problem.gradient(w).astype(np.float32))
    assert single.numbers["outcome"] == "AGREES"


@pytest.mark.parametrize("factor", [-1.0, 1.0 + 1e-9, 0.0])
def test_a_wrong_entry_is_found(problem, factor):
    def wrong(w):
        gradient = problem.gradient(w)
        gradient[7] *= factor
        return gradient

    finding = verify.check_gradient(problem, wrong)
    assert finding.verdict is REFUTED
    assert finding.counterexample["position"] == 7


def test_a_gradient_without_a_value_is_open(problem):
    assert verify.check_gradient(problem, lambda w: w * np.nan).numbers["outcome"] == "OPEN"
    with pytest.raises(verify.InputError, match="flat array of real numbers, one a weight"):
        verify.check_gradient(problem, lambda w: w[:3])


def test_a_wrong_rule_of_an_operation_is_not_called_agreement(problem, monkeypatch):
    rule = Elementwise.pullback
    monkeypatch.setattr(
        Elementwise, "pullback", lambda self, a, r, adjoint: tuple(-part for part in rule(self, a, r, adjoint))
    )
    fresh = classifier()
    finding = verify.check_gradient(fresh)
    assert finding.numbers["outcome"] == "OPEN"
    assert "disagrees with differences" in finding.statement
