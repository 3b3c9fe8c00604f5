"""The cheap range of the error contains the exact error, without slack, and is narrow."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verify import Architecture, Problem
from verify.arithmetic import arb
from verify.bounds.error_ranges import range_of
from verify.calculus.exact import error_in_arb
from verify.training.curvature import estimated_curvature
from verify.training.evaluation import decide_by_errors, error_range


@pytest.mark.parametrize("scale", [0.0, 1e-3, 1.0, 30.0])
def test_contains_the_exact_error(smooth_problem: Problem, scale: float) -> None:
    rng = np.random.default_rng(5)
    for _ in range(5):
        w = scale * rng.standard_normal(smooth_problem.architecture.size)
        lo, hi = error_range(smooth_problem, w)
        with arb.precision(300):
            below, above = arb.bounds(error_in_arb(smooth_problem, w))
        assert lo <= below
        assert above <= hi
        assert hi - lo <= 1e-9 * max(1.0, scale) ** 4 * hi


def test_contains_the_exact_error_of_kinked_networks(kinked_problem: Problem) -> None:
    rng = np.random.default_rng(6)
    for scale in (0.1, 1.0, 100.0):
        w = scale * rng.standard_normal(kinked_problem.architecture.size)
        lo, hi = error_range(kinked_problem, w)
        with arb.precision(300):
            below, above = arb.bounds(error_in_arb(kinked_problem, w))
        assert lo <= below
        assert above <= hi


def test_cancellation_at_the_output_is_covered() -> None:
    nodes = {"x": {"width": 2}, "y": {"width": 1, "activation": "identity", "inputs": ["x"]}}
    problem = Problem(Architecture.from_data(nodes, output="y"), [[1.0, -1.0 + 2.0**-50]], [[0.1]])
    for offset in (0.1, 1e8 + 0.1, 1e16):
        w = np.array([offset, offset, 0.3])
        lo, hi = error_range(problem, w)
        with arb.precision(300):
            below, above = arb.bounds(error_in_arb(problem, w))
        assert lo <= below
        assert above <= hi


def test_overflow_is_unbounded(parabola: Problem) -> None:
    assert error_range(parabola, np.array([1e200])) == (0.0, np.inf)


def test_overlapping_ranges_are_decided_by_the_difference(tanh_problem: Problem) -> None:
    w = tanh_problem.initial_weights
    w_next = w - 1e-13 * tanh_problem.gradient(w)
    decision, evidence = decide_by_errors(tanh_problem, w, w_next, (0.0, 1.0), (0.0, 1.0))
    assert decision.sign == -1
    assert evidence != "error enclosures"


def test_touching_ranges_decide_nothing_alone(parabola: Problem) -> None:
    w = np.array([1.0])
    decision, evidence = decide_by_errors(parabola, w, -w, (0.5, 0.5), (0.5, 0.5))
    assert (decision.sign, decision.lower <= 0 <= decision.upper) == (0, True) or decision.sign is None
    assert evidence != "error enclosures"


def test_curvature_of_all_samples_is_the_hessian_form(smooth_problem: Problem) -> None:
    rng = np.random.default_rng(8)
    w, direction = rng.standard_normal((2, smooth_problem.architecture.size))
    expected = direction @ smooth_problem.hessian_vector(w, direction)
    assert estimated_curvature(smooth_problem, w, direction) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_range_of_sums_contains_the_exact_quotient(decay: float) -> None:
    rng = np.random.default_rng(9)
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"]}}
    architecture = Architecture.from_data(nodes, output="y")
    problem = Problem(architecture, [[1.0], [2.0], [3.0]], [[0.0], [0.0], [0.0]], weight_decay=decay)
    for _ in range(200):
        w = rng.standard_normal(2)
        squares = [(10.0 ** rng.uniform(-8, 8), 10.0 ** rng.uniform(-20, -9)) for _ in range(4)]
        lo, hi = range_of(problem, w, squares)
        total, lost = (sum(map(Fraction, each)) for each in zip(*squares, strict=True))
        size = Fraction(decay) / 2 * sum(Fraction(float(x)) ** 2 for x in w)
        assert Fraction(lo) < (total - lost) / 6 + size
        assert (total + lost) / 6 + size < Fraction(hi)
        assert hi - lo <= 1.001 * float(lost) / 3 + 5e-15 * hi


def test_range_of_sums_that_overflow_is_unbounded(parabola: Problem) -> None:
    squares = [(1.7e308, 1e290)] * 8
    assert range_of(parabola, np.array([1.0]), squares) == (0.0, np.inf)
    lo, hi = range_of(parabola, np.array([1.0]), squares[:1])
    assert 0 < lo < hi <= np.inf
