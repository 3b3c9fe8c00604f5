"""A3: refuted by columns that leave weights free, the counterexample replays; else undecided; never counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from verify import BlockBall, Problem, Verdict
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
    assert finding.counterexample is not None
    d = np.zeros(problem.architecture.size)
    for index, value in finding.counterexample["direction"].items():
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
def test_refuted_with_a_direction_that_replays(
    make_problem: Make, data: np.ndarray, columns: list[int], words: str
) -> None:
    problem = make_problem(inputs=data)
    finding = finitely_many_stationary_points(problem)
    assert (finding.verdict, finding.counted) == (Verdict.REFUTED, False)
    assert words in finding.statement
    assert finding.counterexample is not None
    assert (finding.counterexample["vertex"], finding.counterexample["columns"]) == ("h", columns)
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
        finding = finitely_many_stationary_points(problem, region)
        assert finding.counterexample is not None
        assert finding.counterexample["vertex"] == name
