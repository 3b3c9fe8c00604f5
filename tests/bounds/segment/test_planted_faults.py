"""The attacks are sharp: a bound with a piece of its proof left out is caught by them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.networks import with_data
from verify.activations import Activation
from verify.arithmetic import rounding
from verify.bounds import (
    activation_values,
    factors,
    segment_bent,
    segment_compose,
    segment_loss,
    segment_model,
    taylor_rounding,
)
from verify.bounds.segment import segment_bound
from verify.bounds.segment_bent import intersect
from verify.bounds.taylor_rounding import Approximation
from verify.bounds.workspace import Workspace

NODES = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"], "bias": False}}
DEEP = {
    "x": {"width": 1},
    "h": {"width": 1, "activation": "sin", "inputs": ["x"], "bias": False},
    "y": {"width": 1, "activation": "identity", "inputs": ["h"], "bias": False},
}


def curved_violations(problem_of, violations) -> int:
    """Attack single units, pulled up and down from many starts: only the remainder stands between bound and truth."""
    total = 0
    for target in (-64.0, 64.0):
        problem = with_data(problem_of(NODES, samples=1), 1.0, target)
        for start in np.arange(-24, 25) / 16:
            for D in (-1.0, 1.0):
                bound = segment_bound(problem, np.array([start]), np.array([D]), 0.25)
                total += violations(problem, np.array([start]), np.array([D]), bound, [0.125, 0.25])
    return total


def propagated_violations(problem_of, violations) -> int:
    """Attack two layers, where the remainder of the first is carried on."""
    total = 0
    for target in (-64.0, 64.0):
        problem = with_data(problem_of(DEEP, samples=1), 1.0, target)
        for start in np.arange(-16, 17) / 8:
            w, D = np.array([start, 1.0]), np.array([1.0, 0.0])
            bound = segment_bound(problem, w, D, 0.5)
            total += violations(problem, w, D, bound, [0.25, 0.5])
    return total


def rounding_violations(problem_of, violations, precision="mixed") -> int:
    """Attack tiny steps nearly orthogonal to the gradient: there the sums cancel, and only rounding is left."""
    total = 0
    for seed in range(12):
        nodes = {
            "x": {"width": 3},
            "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
            "y": {"width": 1, "activation": "tanh", "inputs": ["h"]},
        }
        problem = problem_of(nodes, seed=seed, samples=16)
        rng = np.random.default_rng(seed)
        size = problem.architecture.size
        w = np.round(4096 * rng.standard_normal(size)) / 4096
        g, noise = problem.gradient(w), rng.standard_normal(size)
        D = np.round(4096 * (noise - g * (g @ noise) / (g @ g))) / 4096
        steepest = np.argmax(np.abs(g))
        D[steepest] -= np.round(2.0**18 * (D @ g) / g[steepest]) / 2.0**18
        bound = segment_bound(problem, w, D, 2.0**-30, precision=precision)
        total += violations(problem, w, D, bound, [2.0**-31, 2.0**-30])
    return total


def bent_violations(problem_of, violations) -> int:
    """Attack steps so short that only the float32 rounding of the second coefficient stands between bound and truth."""
    nodes = {
        "x": {"width": 2},
        "h": {"width": 3, "activation": "tanh", "inputs": ["x"], "bias": False},
        "y": {"width": 1, "activation": "identity", "inputs": ["h"], "bias": False},
    }
    total = 0
    for seed in range(12):
        problem = problem_of(nodes, seed=seed, samples=3)
        problem = with_data(problem, targets=64.0 * problem.targets)
        rng = np.random.default_rng(seed)
        w, D = np.round(4096 * rng.standard_normal((2, 9))) / 4096
        bound = segment_bound(problem, w, D, 2.0**-13)
        total += violations(problem, w, D, bound, [2.0**-14, 2.0**-13])
    return total


def test_nothing_is_found_without_a_fault(problem_of, violations):
    assert curved_violations(problem_of, violations) == 0
    assert propagated_violations(problem_of, violations) == 0
    assert rounding_violations(problem_of, violations) == 0
    assert rounding_violations(problem_of, violations, "float32") == 0
    assert bent_violations(problem_of, violations) == 0


@pytest.mark.parametrize("order", [4])
def test_half_of_the_fourth_derivative_is_not_enough(problem_of, violations, monkeypatch, order):
    supremum = Activation.supremum
    monkeypatch.setattr(Activation, "supremum", lambda g, k: supremum(g, k) * (0.5 if k == order else 1.0))
    assert curved_violations(problem_of, violations) > 0


def test_the_radius_is_needed(problem_of, violations, monkeypatch):
    compose = segment_model.compose

    def without_radius(*arguments):
        curvature = compose(*arguments)
        curvature.third.radius[...] = 0.0
        return curvature

    monkeypatch.setattr(segment_model, "compose", without_radius)
    assert curved_violations(problem_of, violations) > 0


def test_the_radius_carried_on_is_needed(problem_of, violations, monkeypatch):
    remainder = segment_model._remainder

    def without_radius(*arguments):
        zm, zr = remainder(*arguments)
        zr[...] = 0.0
        return zm, zr

    monkeypatch.setattr(segment_model, "_remainder", without_radius)
    assert propagated_violations(problem_of, violations) > 0


def test_rounding_is_needed(problem_of, violations, monkeypatch):
    for module in (segment_model, segment_loss, segment_compose, factors):
        monkeypatch.setattr(module, "enlarged", lambda value: 0.0)
    monkeypatch.setattr(
        Approximation, "of", classmethod(lambda cls, value, error: cls(value, np.max(np.abs(value)), 0))
    )
    assert rounding_violations(problem_of, violations) > 0


def long_violations(problem_of, violations) -> int:
    """Attack long segments, where the remainder of second order decides."""
    total = 0
    for target in (-64.0, 64.0):
        problem = with_data(problem_of(NODES, samples=1), 1.0, target)
        for start in np.arange(-8, 9) / 4:
            for D in (-1.0, 1.0):
                bound = segment_bound(problem, np.array([start]), np.array([D]), 16.0)
                if len(bound.polynomials) != 2:
                    raise AssertionError("not a long segment")
                total += violations(problem, np.array([start]), np.array([D]), bound, [0.5, 1.0, 4.0, 16.0])
    return total


def test_the_radius_of_second_order_is_needed(problem_of, violations, monkeypatch):
    assert long_violations(problem_of, violations) == 0
    remainder = segment_compose.second_remainder

    def without_radius(*arguments):
        remainder(*arguments)
        arguments[6][1][...] = 0.0

    monkeypatch.setattr(segment_compose, "second_remainder", without_radius)
    assert long_violations(problem_of, violations) > 0


def corner_violations(problem_of, violations) -> int:
    """Attack a second layer on long segments: its b is an interval, and a = z1 + t b grows along the segment."""
    total = 0
    nodes = {**DEEP, "y": {**DEEP["y"], "activation": {"expr": "x**2"}}}
    for target in (-64.0, 64.0):
        problem = with_data(problem_of(nodes, samples=1), 1.0, target)
        for start in np.arange(-4, 5) / 2:
            for slope in (-1.0, 0.5, 2.0):
                w, D = np.array([start, 1.0]), np.array([1.0, slope])
                bound = segment_bound(problem, w, D, 4.0)
                total += violations(problem, w, D, bound, [0.5, 2.0, 4.0])
    return total


@pytest.mark.parametrize("left_out", ["t = T", "upper b"])
def test_every_corner_is_needed(problem_of, violations, monkeypatch, left_out):
    assert corner_violations(problem_of, violations) == 0
    extreme = segment_bent._extreme

    def without_a_corner(ends, q, squares, picks, arrays):
        start, at_low, at_high, infimum = squares
        if left_out == "upper b":
            ends, at_high = (ends[0], ends[0]), at_low
        else:
            at_low = at_high = start
        extreme(ends, q, (start, at_low, at_high, infimum), picks, arrays)

    monkeypatch.setattr(segment_bent, "_extreme", without_a_corner)
    assert corner_violations(problem_of, violations) > 0


def early_violations(problem_of, violations) -> int:
    """Attack a second layer that bends most at t = 0: a = z1 + t b falls to nearly 0 at T, and g'(z0) = 0."""
    nodes = {**DEEP, "y": {**DEEP["y"], "activation": {"expr": "x**2"}}}
    problem = with_data(problem_of(nodes, samples=1), 1.0, -64.0)
    total = 0
    for length in (16.0, 64.0):
        w, D = np.array([1.0, 0.0]), np.array([-1.0 / length, 1.0])
        bound = segment_bound(problem, w, D, length)
        total += violations(problem, w, D, bound, [2.0**-10, 2.0**-4, 0.25, 1.0])
    return total


def test_the_corner_at_the_start_is_needed(problem_of, violations, monkeypatch):
    assert early_violations(problem_of, violations) == 0
    extreme = segment_bent._extreme

    def without_the_start(ends, q, squares, picks, arrays):
        extreme(ends, q, (np.zeros_like(squares[0]), *squares[1:]), picks, arrays)

    monkeypatch.setattr(segment_bent, "_extreme", without_the_start)
    assert early_violations(problem_of, violations) > 0


@pytest.mark.parametrize("end", [0, 1])
def test_an_intersection_keeps_what_both_enclose(end):
    rng = np.random.default_rng(3)
    exact = rng.standard_normal((50, 40)).astype(np.float32)
    pairs = []
    for spread in (1e-6, 1e12):
        radius = (spread * rng.random(exact.shape)).astype(np.float32)
        toward = (2 * rng.random(exact.shape) - 1).astype(np.float32)
        pairs.append((exact + toward * radius, radius))
    pairs[1][0][::7], pairs[1][1][::7] = np.nan, np.inf
    first, second = (tuple(array.copy() for array in pairs[k]) for k in (end, 1 - end))
    with np.errstate(all="ignore"):
        intersect(first, second, Workspace())
    # the pairs themselves are off by one rounding of their sizes
    room = 2.0**-23 * (np.abs(exact) + pairs[0][1])
    middle, radius = (array.astype(np.float64) for array in first)
    assert np.all(np.abs(middle - exact) <= radius + room)
    assert np.median(radius) < 1e-5


def test_rounding_in_float32_is_needed(problem_of, violations, monkeypatch):
    modules = (segment_model, segment_loss, segment_compose, taylor_rounding, activation_values)
    few = {
        "unit": lambda dtype: rounding.UNIT,
        "least": lambda dtype: rounding.FLOOR,
        "accumulated": lambda n, dtype=None: float(rounding.gamma(n)),
    }
    for module in modules:
        for name, replacement in few.items():
            monkeypatch.setattr(module, name, replacement, raising=False)
    assert bent_violations(problem_of, violations) > 0
