"""Where steps keep to a sublevel set of the error, L on that set decides."""

from __future__ import annotations

import numpy as np

from verify import Architecture, Ball, Problem
from verify.analysis.lasting import horizon_row, weight_decay_row
from verify.bounds.curvature import examine_curvature, starting_level


def narrow_valley(weight_decay: float = 0.0) -> Problem:
    nodes = {
        "x": {"width": 1},
        "h": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False},
        "y": {"width": 1, "activation": "identity", "inputs": ["h"], "bias": False},
    }
    one, start = np.ones((1, 1)), np.array([1.0, 1.0 + 2.0**-10])
    return Problem(
        Architecture.from_data(nodes, "y"),
        one,
        one,
        weight_decay=weight_decay,
        initial_weights=start,
        region=Ball(start, 2.0),
    )


def test_the_level_is_above_the_error_at_the_start() -> None:
    problem = narrow_valley()
    level = starting_level(problem)
    assert level is not None
    assert level > problem.error_enclosure(problem.initial_weights)[1]


def test_curvature_tells_both_bounds_and_the_horizon_profits() -> None:
    problem = narrow_valley()
    curvature = examine_curvature(problem)
    assert curvature.value is not None
    assert curvature.sublevel is not None
    assert curvature.attack is not None
    assert curvature.attack <= curvature.value
    assert curvature.sublevel < 0.9 * curvature.value
    with_level = horizon_row(problem, curvature.value, None, curvature.sublevel)
    without = horizon_row(problem, curvature.value, None)
    assert with_level is not None
    assert without is not None
    assert with_level.eta is not None
    assert without.eta is not None
    assert with_level.eta > without.eta


def test_weight_decay_takes_the_smaller_bound() -> None:
    problem = narrow_valley(weight_decay=0.5)
    row = weight_decay_row(problem, 1e9, None)
    assert row is not None
    assert row.verdict.value == "PROVED"
