"""Converge on networks of the vocabulary: minima proved, saddles refuted, flat directions named, kinks undecided."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import verify
from verify.analysis.converge import find_saddle
from verify.cli.output import plain
from verify.graph.tensor import GraphBuilder
from verify.importers.architecture import graph_problem
from verify.layers.dense import dense
from verify.losses import loss
from verify.operations.elementwise import Elementwise
from verify.operations.maximum import Maximum
from verify.operations.slices import Concatenate

X = [[-1.0], [-0.5], [0.25], [1.0], [0.0]]
LABELS = [0, 1, 2, 1, 0]


def softmax_network(decay: Any, hidden: str | None = None, x: Any = X) -> verify.GraphProblem:
    """Softmax regression, or one hidden layer of two units before it, with cross-entropy."""
    builder = GraphBuilder()
    data = np.array(x)
    h, width = builder.constant("x", data.shape), data.shape[1]
    if hidden is not None:
        h = dense(h, builder.parameter("V", (2, width)), builder.parameter("a", (2,))).apply(Elementwise(hidden))
        width = 2
    z = dense(h, builder.parameter("W", (3, width)), builder.parameter("b", (3,)))
    criterion = loss("softmax-cross-entropy")
    targets = criterion.read_targets(np.array(LABELS), z.shape)
    graph = builder.build(criterion.error(z, builder.constant("targets", targets.shape)))
    size = 3 * width + 3 + (0 if hidden is None else 2 * data.shape[1] + 2)
    start = 0.5 * np.random.default_rng(0).standard_normal(size)
    return verify.GraphProblem(graph, {"x": data, "targets": targets}, start, decay)


def test_a_hidden_layer_with_cross_entropy_converges() -> None:
    problem = softmax_network(0.02, "tanh")
    found = verify.converge(problem)
    proof = found.proof
    assert found.verdict is verify.Verdict.PROVED and proof is not None
    assert (Fraction(proof.eta) + Fraction(proof.tau)) * Fraction(proof.gradient_norm) < (
        Fraction(proof.radius) * Fraction(proof.gain) * Fraction(proof.m)
    )
    json.dumps(plain(found.to_json()), allow_nan=False)
    rng = np.random.default_rng(0)
    for _ in range(8):
        direction = rng.standard_normal(problem.size)
        u = found.weights + 0.99 * proof.radius * direction / np.linalg.norm(direction)
        least = proof.m * (0.98 * proof.radius - proof.distance)
        assert float(problem.gradient_enclosure(u).norm().lower) > least
        assert verify.decide_decrease(problem, found.weights, u).sign == 1


def test_shifts_of_the_logits_are_flat_and_weight_decay_helps() -> None:
    """Without weight decay all weights and biases of the classes may move together: two flat directions."""
    found = verify.converge(softmax_network(0.0))
    assert found.verdict is verify.Verdict.UNDECIDED and found.flat is not None
    assert (found.flat.number, set(found.flat.vertices)) == (2, {"W", "b"})
    assert sum(found.flat.vertices.values()) == pytest.approx(2.0)
    decay = float(str(found.remedy).split("at least ")[1])
    assert verify.converge(softmax_network(decay)).verdict is verify.Verdict.PROVED


def test_decay_of_some_parameters_leaves_the_others_flat() -> None:
    found = verify.converge(softmax_network({"W": 0.1}))
    assert found.verdict is verify.Verdict.UNDECIDED and found.flat is not None
    assert found.flat.number == 1 and max(found.flat.vertices, key=found.flat.vertices.__getitem__) == "b"


def test_saddle_is_refuted_and_replays() -> None:
    nodes: dict[str, Any] = {"x": {"width": 1}}
    for name, source in (("h", "x"), ("y", "h")):
        nodes[name] = {"width": 1, "activation": "tanh", "inputs": [source]}
    architecture = verify.Architecture.from_data(nodes, "y")
    problem = graph_problem(verify.Problem(architecture, [[1.0], [-1.0]], [[0.5], [-0.5]]))
    found = verify.converge(problem, np.zeros(4))
    assert found.verdict is verify.Verdict.REFUTED and found.saddle is not None
    assert verify.decide_decrease(problem, found.weights, found.saddle.following).upper <= -found.saddle.decrease < 0


def test_no_saddle_is_claimed_at_a_kink() -> None:
    """At w = 0 every hidden unit stands on the kink: the error has no Hessian there, whatever the slopes 0 suggest."""
    problem = softmax_network(0.01, "relu")
    found = verify.converge(problem, np.zeros(problem.size), steps=0, newton_steps=0)
    assert found.verdict is verify.Verdict.UNDECIDED and "kink" in found.statement


def test_a_kink_of_a_maximum_is_no_saddle() -> None:
    """E = max(w, -w) - w^2 has a strict minimum at 0, where both branches have the second derivative -2."""
    builder = GraphBuilder()
    w = builder.parameter("w", (1,))
    both = w.apply(Concatenate(0), w, -w)
    error = both.apply(Maximum(), both) - w.square().sum()
    problem = verify.GraphProblem(builder.build(error), {}, [0.0])
    assert problem.error([2.0]) < problem.error([0.0]) < problem.error([0.125])
    assert find_saddle(problem, np.zeros(1), np.ones(1)) is None
    found = verify.converge(problem, [0.0], steps=0, newton_steps=0)
    assert found.verdict is verify.Verdict.UNDECIDED


def test_away_from_kinks_a_minimum_is_proved() -> None:
    builder = GraphBuilder()
    bent = builder.parameter("w", (2,)).apply(Elementwise("leaky_relu"))
    found = verify.converge(verify.GraphProblem(builder.build((bent - 1.0).square().sum()), {}, [0.5, 2.0]))
    assert found.verdict is verify.Verdict.PROVED and np.allclose(found.weights, 1.0)


def test_time_limit_is_undecided() -> None:
    found = verify.converge(softmax_network(0.02, "tanh"), time_limit_s=0.0)
    assert found.verdict is verify.Verdict.UNDECIDED and "too long" in found.statement
