"""Overflow and unusable input: nothing is proved, and the message says what is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from tests.networks import with_data
from verify import InputError
from verify.bounds import segment_sums
from verify.bounds.segment import segment_bound
from verify.bounds.segment_model import taylor_models
from verify.bounds.segment_result import SegmentBound

IDENTITIES = {
    "x": {"width": 1},
    "h": {"width": 2, "activation": "identity", "inputs": ["x"]},
    "y": {"width": 1, "activation": "identity", "inputs": ["h"]},
}


@pytest.mark.parametrize("size", [1e150, 1e300])
def test_overflow_proves_no_decrease(smooth_problem, size):
    w = smooth_problem.initial_weights
    D = np.full(w.size, -size)
    bound = segment_bound(smooth_problem, w, D, 1.0)
    assert not np.isnan(bound.polynomial).any()
    assert bound.decrease_until == 0.0 and bound.best_step == 0.0 and bound.decrease == 0.0


def test_overflow_of_the_start_proves_no_decrease(problem_of):
    problem = problem_of(IDENTITIES)
    w = np.full(problem.architecture.size, 1e200)
    bound = segment_bound(problem, w, -w, 0.5)
    assert bound.decrease_until == 0.0 and bound.decrease == 0.0


@pytest.mark.parametrize(
    "polynomial", [(np.nan, 1.0, 1.0), (-1.0, np.nan, 0.0), (-1.0, np.inf, 0.0), (-1.0, 1.0, -np.inf), (0.0, -1.0, 0.0)]
)
def test_nothing_follows_from_unusable_coefficients(polynomial):
    bound = SegmentBound((polynomial,), 1.0, "taylor", 0.0)
    assert bound.decrease_until == 0.0 and bound.best_step == 0.0 and bound.decrease == 0.0


@pytest.mark.parametrize(
    "polynomial", [(-1.0, 4.0, -3.5), (-1.0, 1.0, 0.0), (-1.0, 3.0, -2.0), (-1e-300, 1.0, 1.0), (-1.0, 0.0, 1e-320)]
)
def test_decrease_until_keeps_the_bound_below_zero(polynomial):
    bound = SegmentBound((polynomial,), 2.0, "taylor", 0.0)
    end = bound.decrease_until
    assert 0 < end <= 2.0
    assert all(bound.at(end * k / 1000) <= 0 for k in range(1001))


@pytest.mark.parametrize("T", [0.0, -1.0, np.nan, np.inf])
def test_unusable_lengths_are_refused(problem_of, T):
    problem = problem_of({"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}})
    with pytest.raises(InputError, match="T="):
        segment_bound(problem, problem.initial_weights, np.ones(2), T)


@pytest.mark.parametrize("t", [-0.1, 1.5, np.nan])
def test_nothing_is_said_outside_the_segment(t):
    with pytest.raises(InputError, match="outside the segment"):
        SegmentBound(((-1.0, 1.0, 0.0),), 1.0, "taylor", 0.0).at(t)


@pytest.mark.parametrize("T", [1e-320, 1e-200, 1e-100, 1e-45, 1e-38])
def test_tiny_lengths_are_no_trouble(problem_of, T):
    problem = problem_of({"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}})
    w = problem.initial_weights
    bound = segment_bound(problem, w, -problem.gradient(w), T)
    assert not np.isnan(bound.polynomial).any()
    assert 0 <= bound.best_step <= T


@pytest.mark.parametrize("exponent", [-150, -40, 40, 150])
def test_the_scale_of_the_direction_is_immaterial(problem_of, exponent):
    problem = problem_of({"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}})
    w = problem.initial_weights
    D = -problem.gradient(w)
    bound = segment_bound(problem, w, D, 0.5)
    scaled = segment_bound(problem, w, np.ldexp(D, exponent), np.ldexp(0.5, -exponent))
    assert scaled.decrease == bound.decrease > 0
    assert np.ldexp(scaled.best_step, exponent) == pytest.approx(bound.best_step)


def test_overflow_in_float32_falls_back_to_float64(problem_of):
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    problem = with_data(problem_of(nodes, samples=1), 1e25, 0.0)
    w, D = np.array([1.0]), np.array([-1.0])
    assert segment_bound(problem, w, D, 1.0, precision="float32").decrease == 0
    assert segment_bound(problem, w, D, 1.0).decrease > 0.4e50


def test_unknown_precisions_are_refused(smooth_problem):
    w = smooth_problem.initial_weights
    with pytest.raises(InputError, match="precision='float16'"):
        segment_bound(smooth_problem, w, w, 1.0, precision="float16")


def test_a_slope_that_is_not_finite_is_modelled_once_in_each_format(problem_of, monkeypatch):
    """The second model, of long segments, has the same slope: it cannot say more."""
    modelled = []

    def counted(segment, values, workspace):
        modelled.append((segment.formats.rest, segment.long))
        return taylor_models(segment, values, workspace)

    monkeypatch.setattr(segment_sums, "taylor_models", counted)
    problem = problem_of(IDENTITIES)
    w = np.full(problem.architecture.size, 1e200)
    assert segment_bound(problem, w, -w, 1.0).polynomial[0] == np.inf
    assert modelled == [(np.dtype("float32"), False), (np.dtype("float64"), False)]


@pytest.mark.parametrize("output", ["gelu", {"expr": "x**3"}])
@pytest.mark.parametrize("scale", [1e40, 1e80, 1e110, 1e150, 1e300])
def test_steep_formulas_and_long_directions_overflow_to_infinity(problem_of, output, scale):
    nodes = {
        "x": {"width": 1},
        "h": {"width": 1, "activation": {"expr": "x**3"}, "inputs": ["x"]},
        "y": {"width": 1, "activation": output, "inputs": ["h"]},
    }
    problem = problem_of(nodes, samples=1)
    for precision in ("mixed", "float64", "float32"):
        bound = segment_bound(problem, np.full(4, 0.5), np.full(4, scale), 1.0, precision=precision)
        assert not np.isnan([*bound.polynomial, bound.storage, bound.best_step]).any()
        assert bound.decrease == 0
