"""Sums over samples of a graph of operations: those of one process, bit for bit, and true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import verify
from verify.arithmetic.arb import Arb, precision
from verify.graph.evaluation import ARB, evaluate
from verify.graph.problem import GraphProblem
from verify.graph.sample_sums import GraphErrorSum, GraphGradientSum, GraphSegmentSum
from verify.graph.tensor import GraphBuilder
from verify.operations.elementwise import Elementwise
from verify.training import by_workers

SAMPLES = 60


@pytest.fixture(scope="module")
def problem() -> GraphProblem:
    rng, builder = np.random.default_rng(0), GraphBuilder()
    x, w = builder.constant("x", (SAMPLES, 4)), builder.parameter("w", (4, 3))
    hidden = (x @ w).apply(Elementwise("tanh"))
    graph = builder.build((hidden - builder.constant("y", (SAMPLES, 3))).square().mean())
    data = {"x": rng.normal(size=(SAMPLES, 4)), "y": rng.normal(size=(SAMPLES, 3))}
    return GraphProblem(graph, data, rng.normal(size=12), weight_decay=0.1)


@pytest.fixture(scope="module", params=["processes", pytest.param("cluster", marks=pytest.mark.dask)])
def workers(request: pytest.FixtureRequest) -> Iterator[Any]:
    if request.param == "processes":
        yield 2
        return
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.mark.filterwarnings("ignore")
def test_workers_give_the_bits_of_one_process(
    problem: GraphProblem, workers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_workers, "_ENTRIES", 60)
    w = problem.initial_weights
    direction = -problem.gradient(w)
    assert len(list(GraphErrorSum(problem, w, entries=60).packets())) == 4
    alone, found = (verify.error_by_workers(problem, w, workers=each) for each in (1, workers))
    assert found == alone
    gradients = [verify.gradient_by_workers(problem, w, workers=each) for each in (1, workers)]
    assert all(np.array_equal(*(getattr(each, part) for each in gradients)) for part in ("mid", "rad"))
    bounds = [verify.segment_by_workers(problem, w, direction, 0.1, workers=each) for each in (1, workers)]
    assert bounds[0] == bounds[1]


def test_sums_hold_what_they_enclose(problem: GraphProblem) -> None:
    w = problem.initial_weights
    direction = -problem.gradient(w)
    low, high = GraphErrorSum(problem, w, chunk=7).alone()
    whole, found = problem.gradient_enclosure(w), GraphGradientSum(problem, w, chunk=7).alone()
    bound = GraphSegmentSum(problem, w, direction, 0.125, chunk=7).alone().at(0.125)
    with precision(200):
        exact = problem.error_in_arb(w)
        moved = [Arb(float(a)) + Arb(float(b)) / 8 for a, b in zip(w, direction, strict=True)]
        change = evaluate(problem.graph, problem.values(np.array(moved)), ARB)[0].reshape(-1)[0] - exact
        assert exact > Arb(low) and exact < Arb(high)
        assert change < Arb(bound.numerator) / bound.denominator and change < 0
    assert high - low < 1e-11
    assert bound < 0.5 * float(change)
    assert np.all(whole.lower <= found.upper) and np.all(found.lower <= whole.upper)
    assert np.all(found.rad < 1e-12)


def test_a_bound_of_the_hessian_by_norms(workers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.calculus.sample_sum.CHUNKS", 1)
    rng = np.random.default_rng(0)
    nodes: dict[str, Any] = {"x": {"width": 2}, "h": {"width": 3, "activation": "tanh", "inputs": ["x"]}}
    nodes["y"] = {"width": 1, "activation": "identity", "inputs": ["h", "x"]}
    x, y = rng.normal(size=(2000, 2)), rng.normal(size=(2000, 1))
    many = verify.Problem(verify.Architecture.from_data(nodes, output="y"), x, y, weight_decay=0.25)
    for region in (verify.Ball(many.initial_weights, 0.1), verify.BoundedWeights(2.0)):
        alone, found = (verify.hessian_by_workers(many, region, workers=each) for each in (1, workers))
        assert found == alone
        whole = verify.hessian_bound(many, region, method="norms", cells=1)
        assert alone.value == pytest.approx(whole.value, rel=0.03)
        assert alone.value > np.linalg.norm(many.hessian_vector(many.initial_weights, np.eye(many.size)[0]))
    with pytest.raises(verify.InputError, match="no region"):
        verify.hessian_by_workers(many)


def test_an_error_that_is_no_sum_has_one_part() -> None:
    builder = GraphBuilder()
    x, w = builder.constant("x", (4, 2)), builder.parameter("w", (2,))
    mean = (x * w).mean()
    problem = GraphProblem(builder.build(mean * mean), {"x": np.arange(8.0).reshape(4, 2)}, [1.0, -0.5])
    assert len(list(GraphErrorSum(problem, [1.0, -0.5], entries=2).packets())) == 1
    low, high = verify.error_by_workers(problem, workers=2)
    assert low <= problem.error(problem.initial_weights) <= high
