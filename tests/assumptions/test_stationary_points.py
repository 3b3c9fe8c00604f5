"""A3: proved where nothing is stationary, refuted by a minimum that moves freely, else undecided; never counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from verify import Architecture, Ball, BlockBall, BoundedWeights, Problem, Verdict
from verify.assumptions import finitely_many_stationary_points
from verify.assumptions.free_directions import free_directions
from verify.calculus.decide import decide_decrease
from verify.outcomes import Finding

Make = Callable[..., Problem]
DATA = np.random.default_rng(0).integers(-8, 8, (5, 4)) / 8


def with_columns(**columns: Any) -> np.ndarray:
    data = DATA.copy()
    for name, values in columns.items():
        data[:, int(name[1:])] = values
    return data


def replay(problem: Problem, finding: Finding) -> None:
    """Move along the direction; every step is exact in these numbers, so the error stays the same."""
    d = np.zeros(problem.architecture.size)
    for index, value in finding.numbers["direction"].items():
        d[int(index)] = value
    w = np.round(problem.initial_weights * 64) / 64
    for t in (-2.0, 0.5, 4.0):
        decision = decide_decrease(problem, w, w + t * d)
        assert decision.lower <= 0 <= decision.upper
        assert decision.upper - decision.lower < 1e-30
        assert problem.error(w + t * np.ones_like(w)) != problem.error(w)


@pytest.mark.parametrize(
    ("data", "columns", "words"),
    [
        (with_columns(c2=0.0), [2], "column 2 of x is 0 in every sample"),
        (with_columns(c1=0.5), [1], "column 1 of x is 0.5 in every sample, as a bias"),
        (with_columns(c3=DATA[:, 1]), [1, 3], "column 1 = 3 of x are equal in every sample"),
    ],
)
def test_a_direction_alone_refutes_nothing_and_replays(
    make_problem: Make, data: np.ndarray, columns: list[int], words: str
) -> None:
    problem = make_problem(inputs=data)
    finding = finitely_many_stationary_points(problem)
    assert (finding.verdict, finding.counted) == (Verdict.UNDECIDED, False)
    assert words in finding.statement
    assert finding.counterexample is None
    assert (finding.numbers["vertices"], finding.numbers["columns"]) == (["h", "y"], columns)
    assert "not needed here because every activation is analytic" in finding.needed_for
    replay(problem, finding)


def test_every_free_direction_is_free(make_problem: Make) -> None:
    problem = make_problem(inputs=with_columns(c0=0.0, c1=0.25, c3=DATA[:, 2]))
    found = list(free_directions(problem))
    assert [(each.vertex, each.columns) for each in found] == [
        (vertex, columns) for vertex in ("h", "y") for columns in ((0,), (1,), (2, 3))
    ]
    for each in found:
        w = np.round(problem.initial_weights * 64) / 64
        moved = w.copy()
        for index, value in each.direction.items():
            moved[index] += 2 * value
        decision = decide_decrease(problem, w, moved)
        assert decision.lower <= 0 <= decision.upper
        assert decision.upper - decision.lower < 1e-30


def test_undecided_without_a_reason(make_problem: Make) -> None:
    finding = finitely_many_stationary_points(make_problem(inputs=DATA))
    assert (finding.verdict, finding.counted, finding.counterexample) == (Verdict.UNDECIDED, False, None)


def test_what_is_not_analytic_is_named(make_problem: Make) -> None:
    finding = finitely_many_stationary_points(make_problem(hidden="relu", inputs=DATA))
    assert finding.needed_for.startswith("convergence of the weights, since not every activation is analytic")
    assert finding.remedy == "make the activation of vertex h analytic"


def test_a_constant_column_without_a_bias_is_no_reason(make_problem: Make) -> None:
    problem = make_problem(inputs=with_columns(c1=0.5), bias=False)
    assert [each.vertex for each in free_directions(problem)] == ["y"]


def test_weight_decay_pins_the_weights(make_problem: Make) -> None:
    problem = make_problem(inputs=with_columns(c2=0.0), weight_decay=0.1)
    assert finitely_many_stationary_points(problem).verdict is Verdict.UNDECIDED


def test_weights_that_the_region_fixes_are_not_free(make_problem: Make) -> None:
    problem = make_problem(inputs=with_columns(c2=0.0))
    blocks = problem.architecture.blocks
    only = {name: BlockBall(problem.initial_weights, {name: 0.1}, blocks) for name in blocks}
    for name, region in only.items():
        finding = finitely_many_stationary_points(problem, region, 1e9)
        assert finding.numbers["vertices"] == [name]


def linear(targets: list[float], w0: list[float], **settings: Any) -> Problem:
    """E = mean of (w2 x2 - y)^2/2 for two samples x2 = 1, 2; the weight w1 is free."""
    nodes = {"x": {"width": 2}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    architecture = Architecture.from_data(nodes, "y")
    return Problem(architecture, [[0.0, 1.0], [0.0, 2.0]], [[y] for y in targets], initial_weights=w0, **settings)


@pytest.mark.parametrize("region", [Ball([0.0, 0.0], 0.1), BoundedWeights(0.1)])
def test_proved_where_the_gradient_vanishes_nowhere(region: Any) -> None:
    """dE/dw2 = 2.5 (w2 - 10) <= -24.7 on the region: a free weight does not matter where nothing is stationary."""
    finding = finitely_many_stationary_points(linear([10.0, 20.0], [0.0, 0.0]), region)
    assert (finding.verdict, finding.counted, finding.counterexample) == (Verdict.PROVED, False, None)
    assert finding.numbers["gradient"] <= 25.0 and finding.numbers["taken"] >= 0.25


def test_the_gradient_must_exceed_what_the_curvature_takes() -> None:
    """From w2 = 0 the minimum w2 = 10 is at the distance 10, exactly |grad E(w0)|/L: on the edge nothing is proved."""
    problem = linear([10.0, 20.0], [0.0, 0.0])
    verdicts = [
        finitely_many_stationary_points(problem, Ball([0.0, 0.0], radius), 2.5).verdict
        for radius in (9.99, 10.0, 10.01)
    ]
    assert verdicts == [Verdict.PROVED, Verdict.UNDECIDED, Verdict.UNDECIDED]


def test_refuted_by_a_minimum_that_moves_freely() -> None:
    problem = linear([10.0, 20.0], [3.0, 10.0], region=Ball([3.0, 10.0], 0.1))
    finding = finitely_many_stationary_points(problem)
    assert (finding.verdict, finding.counted) == (Verdict.REFUTED, False)
    assert finding.counterexample is not None
    for t in (-0.05, 0.05):
        w = problem.initial_weights.copy()
        for index, value in finding.counterexample["direction"].items():
            w[int(index)] += t * value
        assert problem.error(w) == 0.0 and not np.any(problem.gradient(w))
        assert problem.region is not None and problem.region.contains(w) is Verdict.PROVED


def test_a_minimum_nearby_refutes_nothing() -> None:
    """w0 itself must be the minimum: the error is 0 nowhere, or only beyond the rounding of the targets."""
    for targets, w0 in (([10.0, 20.0], [3.0, 9.99]), ([10.0, 20.125], [3.0, 10.0])):
        problem = linear(targets, w0, region=Ball(w0, 0.1))
        finding = finitely_many_stationary_points(problem)
        assert (finding.verdict, finding.counterexample) == (Verdict.UNDECIDED, None)


def test_a_minimum_that_the_region_holds_fixed_refutes_nothing() -> None:
    nodes = {
        "x": {"width": 2},
        "h": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False},
        "y": {"width": 1, "activation": "identity", "inputs": ["h"], "bias": False},
    }
    architecture = Architecture.from_data(nodes, "y")
    w0 = [3.0, 10.0, 1.0]
    problem = Problem(architecture, [[0.0, 1.0], [0.0, 2.0]], [[10.0], [20.0]], initial_weights=w0)
    fixed = BlockBall(w0, {"y": 0.1}, architecture.blocks)
    moving = BlockBall(w0, {"h": 0.1}, architecture.blocks)
    assert finitely_many_stationary_points(problem, fixed).verdict is Verdict.UNDECIDED
    assert finitely_many_stationary_points(problem, moving).verdict is Verdict.REFUTED
