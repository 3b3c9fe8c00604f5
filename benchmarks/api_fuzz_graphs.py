"""Calls of problems and builders of graphs of operations, for `api_fuzz_calls`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from api_fuzz_draws import Draw
from sklearn.neural_network import MLPClassifier, MLPRegressor

import verify
from verify.arithmetic.intervals import Interval
from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.importers.architecture import graph_problem
from verify.losses import LOSSES, loss
from verify.operations.leaves import Parameter


def _problem(d: Draw) -> GraphProblem:
    """Return the drawn network as a graph, or one dense layer with any loss."""
    if d.chance(0.5):
        return graph_problem(d.problem)
    data = {"x": d.numbers(2, 2), "y": np.abs(d.numbers(2, 2)) if d.chance(0.5) else np.eye(2)}
    decay = d.size() if d.chance(0.3) else 0.0
    return GraphProblem(_graph(d), data, d.numbers(4), decay)


def _graph(d: Draw) -> Graph:
    builder = verify.GraphBuilder()
    outputs = builder.constant("x", (2, 2)) @ builder.parameter("W", (2, 2))
    targets = builder.constant("y", (2, 2))
    return builder.build(loss(d.pick(sorted(LOSSES))).error(outputs, targets, d.pick(("mean", "sum"))))


def _weights(d: Draw, problem: GraphProblem) -> np.ndarray:
    return problem.initial_weights if d.chance(0.5) else d.numbers(problem.size)


def _method(name: str) -> Callable[[Draw], Any]:
    def make(d: Draw) -> Any:
        problem = _problem(d)
        return getattr(problem, name)(_weights(d, problem))

    return make


def _flattened(d: Draw) -> Any:
    problem = _problem(d)
    return problem.flatten(problem.unflatten(_weights(d, problem)))


def _hessian_vector(d: Draw) -> Any:
    problem = _problem(d)
    return problem.hessian_vector(_weights(d, problem), d.numbers(problem.size))


def _hessian_vector_enclosure(d: Draw) -> Any:
    problem = _problem(d)
    return problem.hessian_vector_enclosure(_weights(d, problem), d.numbers(problem.size))


def _error_over(d: Draw) -> Any:
    problem = _problem(d)
    return problem.error_over(Interval(_weights(d, problem), np.full(problem.size, d.positive())))


def _place_named(d: Draw) -> Any:
    builder = verify.GraphBuilder()
    builder.parameter("w", _shape(d))
    builder.name_places(0, "layer")
    return builder.nodes[0].place


def segment(d: Draw) -> Any:
    """Bound a segment of a graph's error."""
    problem = _problem(d)
    return verify.segment_bound(problem, _weights(d, problem), d.numbers(problem.size), d.positive())


def train(d: Draw) -> Any:
    """Train a graph for a few steps."""
    return verify.train(_problem(d), steps=int(d.rng.integers(0, 3)), rule=d.pick(("certified", "guarded")))


def decide(d: Draw) -> Any:
    """Decide the change of a graph's error between two weights."""
    problem = _problem(d)
    return verify.decide_decrease(problem, problem.initial_weights, _weights(d, problem))


def _shape(d: Draw) -> tuple[int, ...]:
    return tuple(int(n) for n in d.rng.integers(1, 4, int(d.rng.integers(0, 3))))


def _estimator(d: Draw) -> tuple[Any, np.ndarray]:
    """Return a network of scikit-learn with drawn weights and settings, and targets."""
    settings = {"activation": d.pick(("identity", "logistic", "tanh", "relu")), "alpha": d.size()}
    inner, outputs = int(d.rng.integers(1, 3)), int(d.rng.integers(1, 4))
    if d.chance(0.5):
        estimator, targets = MLPRegressor(**settings), d.numbers(4, outputs)
        estimator.out_activation_ = "identity"
    else:
        classes = 3 if outputs > 1 else 2
        estimator, targets = MLPClassifier(**settings), d.rng.integers(0, classes, size=4)
        estimator.classes_ = np.arange(classes)
        estimator.out_activation_, outputs = ("softmax", 3) if outputs > 1 else ("logistic", 1)
    estimator.coefs_ = [d.numbers(2, inner), d.numbers(inner, outputs)]
    estimator.intercepts_ = [d.numbers(inner), d.numbers(outputs)]
    estimator.n_layers_ = 3
    return estimator, targets


def _imported(d: Draw) -> tuple[Any, GraphProblem]:
    estimator, targets = _estimator(d)
    weights = d.numbers(4) if d.chance(0.2) else None
    return estimator, verify.from_sklearn(estimator, d.numbers(4, 2), targets, weights)


def _read(d: Draw) -> np.ndarray:
    estimator, problem = _imported(d)
    return problem.read(estimator)


def _write(d: Draw) -> None:
    estimator, problem = _imported(d)
    problem.write(estimator, d.numbers(problem.size))


GRAPH_CALLS: dict[str, Callable[[Draw], Any]] = {
    "GraphBuilder": lambda d: verify.GraphBuilder(),
    "GraphBuilder.add": lambda d: verify.GraphBuilder().add(Parameter("w", _shape(d))).shape,
    "GraphBuilder.build": _graph,
    "GraphBuilder.constant": lambda d: verify.GraphBuilder().constant("x", _shape(d)).shape,
    "GraphBuilder.filled": lambda d: verify.GraphBuilder().filled(int(d.rng.integers(-5, 5)), _shape(d)).shape,
    "GraphBuilder.include": lambda d: len(verify.GraphBuilder().include(_graph(d))),
    "GraphBuilder.name_places": _place_named,
    "GraphBuilder.parameter": lambda d: verify.GraphBuilder().parameter("w", _shape(d)).shape,
    "GraphBuilder.tangent": lambda d: verify.GraphBuilder().tangent("w", _shape(d)).shape,
    "GraphProblem": _problem,
    "GraphProblem.read": _read,
    "GraphProblem.write": _write,
    "from_sklearn": lambda d: _imported(d)[1],
    "GraphProblem.check_weights": _method("check_weights"),
    "GraphProblem.error": _method("error"),
    "GraphProblem.error_and_gradient": _method("error_and_gradient"),
    "GraphProblem.error_enclosure": _method("error_enclosure"),
    "GraphProblem.error_in_arb": _method("error_in_arb"),
    "GraphProblem.flatten": _flattened,
    "GraphProblem.gradient": _method("gradient"),
    "GraphProblem.gradient_enclosure": _method("gradient_enclosure"),
    "GraphProblem.error_over": _error_over,
    "GraphProblem.hessian_vector": _hessian_vector,
    "GraphProblem.hessian_vector_enclosure": _hessian_vector_enclosure,
    "GraphProblem.unflatten": _method("unflatten"),
    "GraphProblem.values": _method("values"),
}
