"""Errors, gradients, enclosures, segments and decisions of networks of the whole vocabulary, held against Arb."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.networks import NETWORKS, SMOOTH
from verify import decide_decrease, segment_bound
from verify.arithmetic import arb
from verify.outcomes import InputError


@pytest.fixture(params=NETWORKS, ids=list(NETWORKS))
def problem(request):
    return NETWORKS[request.param]


@pytest.fixture(params=SMOOTH, ids=list(SMOOTH))
def smooth(request):
    return SMOOTH[request.param]


def test_the_exact_error_is_enclosed(problem):
    w = problem.initial_weights
    lower, upper = problem.error_enclosure(w)
    with arb.precision(128):
        exact = problem.error_in_arb(w)
        assert arb.Arb(lower) <= exact <= arb.Arb(upper)
    assert lower <= problem.error(w) <= upper or upper - lower < 1e-12


def test_gradients_are_limits_of_differences(problem):
    w, step = problem.initial_weights, 2.0**-30
    gradient = problem.gradient(w)
    direction = np.round(np.cos(np.arange(problem.size)) * 64) / 64
    with arb.precision(256):
        ends = [problem.error_in_arb(w + sign * step * direction) for sign in (1, -1)]
        slope = float((ends[0] - ends[1]) / (2 * step))
    assert float(gradient @ direction) == pytest.approx(slope, rel=1e-6, abs=1e-9)
    assert problem.gradient_enclosure(w).rad.max() < 1e-8


def dyadic(x):
    """Numbers with 20 binary places, so that sums of a few of them are exact."""
    return np.round(x * 2.0**20) / 2.0**20


def test_the_segment_bound_holds(smooth):
    w = dyadic(smooth.initial_weights)
    D = dyadic(-smooth.gradient(w))
    for degree in (2, 3, 4):
        bound = segment_bound(smooth, w, D, 2.0**-5, degree=degree)
        assert bound.decrease > 0
        with arb.precision(128):
            start = smooth.error_in_arb(w)
            for t in (0.0, 2.0**-7, 2.0**-6, 2.0**-5):
                exact = bound.at(t)
                limit = arb.Arb(exact.numerator) / arb.Arb(exact.denominator)
                assert smooth.error_in_arb(w + t * D) - start <= limit or t == 0


def test_a_bound_that_forgets_the_curvature_is_caught():
    problem = SMOOTH["classifier"]
    w = dyadic(problem.initial_weights)
    D = dyadic(-problem.gradient(w))
    first = segment_bound(problem, w, D, 2.0**-5).polynomial[0]
    with arb.precision(128):
        change = problem.error_in_arb(w + 2.0**-5 * D) - problem.error_in_arb(w)
        assert not change <= arb.Arb(first) * 2.0**-5


def test_decisions_agree_with_arb(problem):
    w = problem.initial_weights
    g = problem.gradient(w)
    for length in (1e-1, 1e-6, 1e-13, -1e-6):
        following = w - length * g
        decision = decide_decrease(problem, w, following)
        with arb.precision(300):
            change = problem.error_in_arb(following) - problem.error_in_arb(w)
        assert decision.sign == (1 if change > 0 else -1)
        assert arb.Arb(decision.lower) <= change <= arb.Arb(decision.upper)


def test_no_step_changes_nothing(problem):
    assert decide_decrease(problem, problem.initial_weights, problem.initial_weights).sign == 0


def test_bad_arguments_are_named(smooth):
    w = smooth.initial_weights
    with pytest.raises(InputError, match="T=0"):
        segment_bound(smooth, w, w, 0.0)
    with pytest.raises(InputError, match="degree=1"):
        segment_bound(smooth, w, w, 1.0, degree=1)
    with pytest.raises(InputError, match=r"shape=\(2,\)"):
        smooth.error([1.0, 2.0])
