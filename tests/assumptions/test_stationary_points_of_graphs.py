"""A3 of graphs: proved where nothing is stationary or a ball is convex, refuted by a line of stationary points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import verify
from tests.analysis.test_converge_of_graphs import softmax_network
from verify import Ball, GraphBuilder, GraphProblem, Verdict
from verify.assumptions import finitely_many_stationary_points
from verify.assumptions.free_directions import free_directions
from verify.operations.elementwise import Elementwise

PROVED, REFUTED, UNDECIDED = Verdict.PROVED, Verdict.REFUTED, Verdict.UNDECIDED
X = [[0.0, 1.0, 0.0], [0.0, -2.0, 0.0], [0.0, 3.0, 0.0]]


def of_product(formula: str, w: list[float], data: Any = X, **settings: Any) -> GraphProblem:
    """E = sum over samples of f(w.x)."""
    builder = GraphBuilder()
    p, x = builder.parameter("w", (3,)), builder.constant("x", np.shape(data))
    graph = builder.build((x * p).sum([1]).apply(Elementwise(formula)).sum())
    return GraphProblem(graph, {"x": data}, w, **settings)


def test_proved_where_the_gradient_vanishes_nowhere() -> None:
    """dE/dw2 = sum of x exp(w2 x) is about 0.7 at 0, and changes by no more than 14 exp(0.03) 0.01 on the ball."""
    problem = of_product("exp(x)", [0.0, 0.0, 0.0], region=Ball(np.zeros(3), 0.01))
    finding = finitely_many_stationary_points(problem)
    assert (finding.verdict, finding.counted) == (PROVED, False)
    assert 0 < finding.numbers["taken"] < finding.numbers["gradient"] <= 2.0


def test_proved_where_a_ball_is_convex() -> None:
    found = verify.converge(softmax_network(0.02))
    assert found.proof is not None
    problem = softmax_network(0.02)
    verdicts = {}
    for radius in (found.proof.radius, 1.0):
        finding = finitely_many_stationary_points(
            GraphProblem(
                problem.network, problem.constants, found.weights, problem.weight_decay,
                region=Ball(found.weights, radius),
            )
        )  # fmt: skip
        verdicts[radius] = finding.verdict, finding.theorem
    assert list(verdicts.values()) == [(PROVED, "local_minimum"), (UNDECIDED, None)]


def test_the_whole_answer_has_the_row() -> None:
    found = verify.converge(softmax_network(0.02))
    network = softmax_network(0.02)
    region = Ball(found.weights, 1e-4)
    problem = GraphProblem(network.network, network.constants, found.weights, network.weight_decay, region=region)
    rows = {finding.id: finding for finding in verify.check(problem).assumptions}
    assert (rows["A3"].verdict, rows["A3"].theorem) == (PROVED, "local_minimum")
    assert rows["A3"].numbers["least_curvature"] > 0


def test_refuted_by_a_line_of_stationary_points() -> None:
    problem = of_product("x*x", [0.5, 0.0, -1.0], region=Ball([0.5, 0.0, -1.0], 0.25))
    finding = finitely_many_stationary_points(problem)
    assert finding.verdict is REFUTED and finding.counterexample is not None
    assert "column 0, 2 of x is 0 in every sample" in finding.statement
    assert finding.counterexample["replay"].startswith("grad E(w0 + t direction) = grad E(w0) = 0")
    direction = np.zeros(3)
    for index, value in finding.counterexample["direction"].items():
        direction[int(index)] = value
    for t in (-0.2, 0.2):
        w = problem.initial_weights + t * direction
        assert not np.any(problem.gradient(w)) and problem.region is not None
        assert problem.region.contains(w) is PROVED


@pytest.mark.parametrize(
    ("formula", "w"),
    [
        ("x*x", [0.5, 2.0**-60, -1.0]),  # no longer stationary
        ("relu(x)+relu(-x)", [0.5, 0.0, -1.0]),  # a kink: slopes of 0 by convention are no gradient
    ],
)
def test_what_is_not_stationary_refutes_nothing(formula: str, w: list[float]) -> None:
    finding = finitely_many_stationary_points(of_product(formula, w, region=Ball(w, 0.25)))
    assert (finding.verdict, finding.counterexample) == (UNDECIDED, None)


def test_free_weights_are_free_and_no_others_are() -> None:
    problem = of_product("tanh(x)", [0.5, 1.0, -1.0])
    found = list(free_directions(problem))
    assert [(each.vertex, each.columns, each.direction, each.count) for each in found] == [
        ("w", (0,), {0: 1.0}, 1),
        ("w", (2,), {2: 1.0}, 1),
    ]
    for index in range(3):
        w = problem.initial_weights.copy()
        w[index] += 3.0
        assert (problem.error(w) == problem.error(problem.initial_weights)) is (index != 1)


def test_weights_that_are_used_elsewhere_or_decay_are_not_free() -> None:
    assert list(free_directions(of_product("tanh(x)", [1.0, 1.0, 1.0], weight_decay=0.1))) == []
    builder = GraphBuilder()
    p, x = builder.parameter("w", (3,)), builder.constant("x", (3, 3))
    both = builder.build((x * p).square().sum() + p.apply(Elementwise("tanh")).sum())
    assert list(free_directions(GraphProblem(both, {"x": X}, [1.0, 1.0, 1.0]))) == []
    assert list(free_directions(GraphProblem(builder.build((p * p).sum()), {}, [1.0, 1.0, 1.0]))) == []
    other = builder.constant("z", (3, 3))
    twice = builder.build(((x * p).square() + other * p).sum())
    problem = GraphProblem(twice, {"x": X, "z": np.eye(3) * [1.0, 0.0, 0.0]}, [1.0, 1.0, 1.0])
    assert [each.columns for each in free_directions(problem)] == [(2,)]


def test_columns_of_zeros_are_named_before_training() -> None:
    found = verify.converge(softmax_network(0.0, "tanh", [[1.0, 0.0], [0.5, 0.0], [0.25, 0.0], [1.0, 0.0], [2.0, 0.0]]))
    assert found.verdict is UNDECIDED and found.flat is not None and found.steps["training"] == 0
    assert (found.flat.number, found.flat.exact, found.flat.columns) == (2, 2, (1,))
    assert "column 1 of x is 0 in every sample (weights of V)" in found.statement
