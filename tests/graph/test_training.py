"""Training of networks of the whole vocabulary: every step proved, for stored weights, and true in Arb."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import verify
from tests.graph.networks import NETWORKS, SMOOTH
from tests.graph.random_graphs import random_case
from verify.arithmetic import arb
from verify.training import rules
from verify.training.quasi_newton import QuasiNewtonRule
from verify.training.session import Session
from verify.training.train import make_rule


@pytest.mark.parametrize("name", NETWORKS)
def test_guarded_training_proves_every_step(name):
    run = verify.train(NETWORKS[name], steps=5, rule="guarded")
    assert {verdict.name for verdict in run.verdicts} == {"PROVED"}
    assert run.errors[-1] < 0.9 * run.errors[0]
    assert run.errors[-1] <= run.error_upper


@pytest.mark.parametrize("name", SMOOTH)
def test_certified_training_proves_every_step(name):
    run = verify.train(SMOOTH[name], steps=4, rule="certified")
    assert {verdict.name for verdict in run.verdicts} == {"PROVED"}
    assert run.errors[-1] < 0.9 * run.errors[0]


@pytest.mark.parametrize("name", ["transformer", "max-pool"])
def test_steps_decrease_the_exact_error(name):
    problem = NETWORKS[name]
    session = Session(problem, QuasiNewtonRule())
    for _ in range(3):
        before = session.weights
        record = session.step()
        with arb.precision(200):
            change = problem.error_in_arb(session.weights) - problem.error_in_arb(before)
            assert change <= -arb.Arb(record.decrease) or not record.decrease > 0
            assert change < 0


@pytest.mark.parametrize("taken", [0, 1, 2])
@pytest.mark.parametrize("rule", ["guarded", "certified"])
def test_a_run_goes_on_bit_for_bit(rule, taken):
    problem = NETWORKS["transformer"] if rule == "guarded" else SMOOTH["classifier"]
    whole = Session(problem, make_rule(rule, problem=problem))
    for _ in range(taken):
        whole.step()
    other = Session(problem, make_rule(rule, problem=problem))
    other.restore(whole.state())
    for session in (whole, other):
        session.step()
        session.step()
    assert np.array_equal(whole.weights, other.weights)


def test_a_certified_run_forgets_before_it_gives_up(monkeypatch):
    problem = SMOOTH["classifier"]
    session = Session(problem, make_rule("certified", problem=problem))
    for _ in range(3):
        session.step()
    directions, right = session.rule.directions, rules.segment_bound
    assert directions.memory

    def of_steepest_descent_alone(*arguments):
        bound = right(*arguments)
        return replace(bound, polynomials=((1.0, 0.0, 0.0),)) if directions.memory else bound

    monkeypatch.setattr(rules, "segment_bound", of_steepest_descent_alone)
    record = session.step()
    assert record.verdict is verify.Verdict.PROVED
    monkeypatch.setattr(rules, "segment_bound", lambda *a: replace(right(*a), polynomials=((1.0, 0.0, 0.0),)))
    assert session.step() is None
    assert session.stopped


def test_a_step_that_cannot_be_proved_is_not_taken(monkeypatch):
    problem = NETWORKS["classifier"]
    monkeypatch.setattr("verify.training.quasi_newton.error_range", lambda problem, w: (-np.inf, np.inf))
    monkeypatch.setattr(
        "verify.training.quasi_newton.decide_by_errors",
        lambda *arguments: (verify.decide_decrease(problem, arguments[1], arguments[1], plus=Fraction(1)), "planted"),
    )
    run = verify.train(problem, steps=3, rule="guarded")
    assert run.steps == []
    assert run.stopped == "no decrease can be proved any more"


def test_an_error_below_all_float64_numbers_is_bounded_by_the_least_of_them():
    problem = random_case(39).problem
    session = Session(problem, make_rule("guarded", problem=problem))
    session.step()
    assert session.error_upper == -np.finfo(float).max
    with arb.precision(400):
        assert problem.error_in_arb(session.weights) <= session.error_upper


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [1e100, 1e200, 1e308])
def test_an_error_that_overflows_is_infinite_never_no_number(name, size):
    problem = NETWORKS[name]
    w = size * np.sign(problem.initial_weights)
    errors = (problem.error(w), problem.error_and_gradient(w)[0], verify.train(problem, w, steps=1).errors[-1])
    assert not np.isnan(errors).any()
