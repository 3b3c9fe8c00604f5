"""The exact change of the error never exceeds the bound: no slack, every edge kind and activation."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from verify.bounds.segment import segment_bound
from verify.bounds.segment_edges import Precision

GRID = 16


def times(length: float) -> list[float]:
    return [length * k / GRID for k in range(1, GRID + 1)]


@pytest.mark.parametrize("length", [2.0**-30, 2.0**-8, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["gradient", "random", "momentum"])
def test_taylor_bound_holds_on_the_segment(smooth_problem, dyadic_point, violations, kind, length):
    w, D = _start(smooth_problem, kind, dyadic_point)
    bound = segment_bound(smooth_problem, w, D, length)
    assert bound.model == "taylor"
    assert violations(smooth_problem, w, D, bound, times(length)) == 0


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "length"), [("gradient", 2.0**-12), ("momentum", 0.25)])
def test_taylor_bound_holds_in_other_formats(smooth_problem, dyadic_point, violations, precision, kind, length):
    w, D = _start(smooth_problem, kind, dyadic_point)
    bound = segment_bound(smooth_problem, w, D, length, precision=precision)
    assert violations(smooth_problem, w, D, bound, times(length)[3::4]) == 0


def test_formats_agree_but_for_rounding(smooth_problem, dyadic_point):
    w, D = _start(smooth_problem, "gradient", dyadic_point)
    at = {p: segment_bound(smooth_problem, w, D, 2.0**-6, precision=p).at(2.0**-6) for p in get_args(Precision)}
    gap, size = at["float32"] - at["float64"], smooth_problem.error(w)
    assert 0 < abs(gap) < 0.01 * (size + abs(at["float64"]))
    assert abs(at["mixed"] - at["float64"]) < abs(gap)


def test_long_segments_have_a_second_polynomial(smooth_problem, dyadic_point, violations):
    w, D = _start(smooth_problem, "momentum", dyadic_point)
    lengths, found = [0.5, 1.0, 2.0, 4.0], 0
    for length in lengths:
        bound = segment_bound(smooth_problem, w, D, length)
        found += len(bound.polynomials) == 2
        assert violations(smooth_problem, w, D, bound, times(length)[1::5]) == 0
    assert found >= 2 or smooth_problem.architecture.vertices["y"].activation.name == "identity"


@pytest.mark.parametrize("length", [2.0**-30, 2.0**-6, 1.0, 8.0])
def test_slope_bound_holds_on_the_segment(kinked_problem, dyadic_point, violations, length):
    rng = np.random.default_rng(12)
    for kind in ("gradient", "random"):
        w = dyadic_point(kinked_problem.initial_weights + 0.25 * rng.standard_normal(kinked_problem.architecture.size))
        D = _direction(kinked_problem, w, rng, kind, dyadic_point)
        bound = segment_bound(kinked_problem, w, D, length)
        assert bound.model == "slopes"
        assert violations(kinked_problem, w, D, bound, times(length)) == 0


def test_the_proved_decrease_is_a_decrease(smooth_problem, dyadic_point, violations):
    w = dyadic_point(smooth_problem.initial_weights)
    D = dyadic_point(-smooth_problem.gradient(w))
    bound = segment_bound(smooth_problem, w, D, 0.5)
    assert bound.decrease > 0
    assert bound.at(bound.best_step) <= -bound.decrease
    assert bound.best_step <= bound.decrease_until
    assert all(bound.at(bound.decrease_until * k / 64) <= 0 for k in range(65))


def _start(problem, kind, rounded):
    rng = np.random.default_rng(11)
    w = rounded(problem.initial_weights + 0.25 * rng.standard_normal(problem.architecture.size))
    return w, _direction(problem, w, rng, kind, rounded)


def _direction(problem, w, rng, kind, rounded):
    noise = rng.standard_normal(w.size)
    if kind == "random":
        return rounded(noise)
    direction = -problem.gradient(w)
    direction *= np.sqrt(w.size) / np.linalg.norm(direction)
    return rounded(direction if kind == "gradient" else direction + 0.5 * noise)
