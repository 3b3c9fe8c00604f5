"""The change of the error between stored weights: containment, tightness, decisions."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from tests.networks import with_data
from verify import Verdict, decide_decrease
from verify.calculus.difference import difference_enclosure
from verify.calculus.exact import error_in_arb
from verify.calculus.executed_step import momentum_within
from verify.training.momentum import adaptive_step


def exact_difference(problem, w, w_next):
    return error_in_arb(problem, w_next) - error_in_arb(problem, w)


@pytest.mark.parametrize("size", [1.0, 1e-2, 1e-5, 1e-9, 1e-13])
def test_enclosure_contains_the_difference(any_problem, size):
    rng = np.random.default_rng(3)
    for _ in range(3):
        w = any_problem.initial_weights + 0.1 * rng.standard_normal(any_problem.architecture.size)
        w_next = w + size * rng.standard_normal(w.size)
        low, high = difference_enclosure(any_problem, w, w_next)
        with flint.ctx.workprec(600):
            exact = exact_difference(any_problem, w, w_next)
            assert flint.arb(low) <= exact <= flint.arb(high)


@pytest.mark.parametrize("size", [1e-2, 1e-6, 1e-10])
def test_gradient_steps_are_decided_without_arb(any_problem, size):
    w = any_problem.initial_weights
    w_next = w - size * any_problem.gradient(w)
    decision = decide_decrease(any_problem, w, w_next, maximal_precision=53)
    assert decision.sign == -1 and decision.precision == 53
    assert decision.decreases is Verdict.PROVED
    assert decide_decrease(any_problem, w_next, w, maximal_precision=53).decreases is Verdict.REFUTED
    if size == 1e-6:
        assert (decision.upper - decision.lower) < 1e-6 * abs(decision.lower)


def test_arb_decides_what_float64_cannot(problem_of):
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "bias": False, "inputs": ["x"]}}
    problem = problem_of(nodes, samples=4)
    w = np.array([0.3])
    for _ in range(60):
        w = w - problem.gradient(w) / max(problem.hessian_vector(w, np.ones(1))[0], 0.1)
    near = np.nextafter(w, 2)
    decision = decide_decrease(problem, w, near)
    assert decision.sign in (-1, 1) and decision.precision >= 128
    assert decide_decrease(problem, w, near, maximal_precision=53).decreases is Verdict.UNDECIDED
    assert decide_decrease(problem, near, w).sign == -decision.sign


def test_equal_errors_are_recognised(problem_of):
    nodes = {"x": {"width": 2}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    problem = problem_of(nodes)
    problem = with_data(problem, inputs=problem.inputs * [1.0, 0.0])
    w = np.array([0.5, 1.0, 0.25])
    assert decide_decrease(problem, w, np.array([0.5, -3.0, 0.25])).sign == 0
    assert decide_decrease(problem, w, w).decreases is Verdict.PROVED


def test_overflow_is_undecided_not_proved(problem_of):
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"]}}
    problem = problem_of(nodes)
    big = np.array([1e300, 1e300])
    low, high = difference_enclosure(problem, big, 2 * big)
    assert not np.isnan(low) and not np.isnan(high) and high == np.inf
    assert decide_decrease(problem, big, 2 * big, maximal_precision=53).decreases is not Verdict.PROVED


@pytest.mark.parametrize("norm", ["global", "vertex"])
def test_executed_momentum_is_measured(any_problem, norm):
    w = any_problem.initial_weights
    g = any_problem.gradient(w)
    previous = np.random.default_rng(5).standard_normal(w.size)
    blocks = any_problem.architecture if norm == "vertex" else None
    w_next = w + adaptive_step(g, previous, 0.01, 0.005, norm, any_problem.architecture)
    enclosure = any_problem.gradient_enclosure(w)
    assert momentum_within(enclosure, w, w_next, 0.01, 0.005 * (1 + 1e-9), blocks)
    assert not momentum_within(enclosure, w, w_next, 0.01, 0.005 * (1 - 1e-9), blocks)


def test_a_difference_that_arb_cannot_evaluate_is_undecided(problem_of, monkeypatch):
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "bias": False, "inputs": ["x"]}}
    problem = problem_of(nodes)
    monkeypatch.setattr("verify.calculus.decide.difference_enclosure", lambda *_: (-1.0, 1.0))
    monkeypatch.setattr("verify.calculus.decide.error_in_arb", lambda *_: flint.arb("nan"))
    decision = decide_decrease(problem, np.array([0.5]), np.array([0.25]))
    assert decision.decreases is Verdict.UNDECIDED and (decision.lower, decision.upper) == (-1.0, 1.0)


def test_an_exact_number_is_added_and_an_open_sign_says_at_which_precision(problem_of):
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"], "bias": False}}
    problem = problem_of(nodes, samples=3)
    w, w_next = np.array([0.5]), np.array([0.75])
    with flint.ctx.workprec(3000):
        middle = exact_difference(problem, w, w_next).mid().man_exp()
    change = Fraction(int(middle[0])) * Fraction(2) ** int(middle[1])
    for tiny in (Fraction(1, 2**90), Fraction(1, 2**900)):
        assert decide_decrease(problem, w, w_next, plus=tiny - change).sign == 1
        assert decide_decrease(problem, w, w_next, plus=-tiny - change).sign == -1
    decision = decide_decrease(problem, w, w_next, plus=-change)
    assert decision.decreases is Verdict.UNDECIDED and decision.precision == 1024
    assert decision.lower < 0 < decision.upper < 1e-290
    assert decide_decrease(problem, w, w, plus=Fraction(1, 3)).sign == 1
    assert decide_decrease(problem, w, w, plus=Fraction(-1, 3)).sign == -1
