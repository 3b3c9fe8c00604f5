"""Eigenvalues of the Hessian of any network: enclosed at the weights, and on balls around them by its growth."""

from __future__ import annotations

import numpy as np
import pytest

import verify
from tests.graph.networks import classifier, recurrent
from verify.arithmetic.intervals import Interval
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.local_curvature import local_curvature
from verify.graph.local_curvature import graph_local_curvature
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.importers.architecture import graph_problem
from verify.operations.elementwise import Elementwise

NODES = {
    "x": {"width": 2},
    "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
    "y": {"width": 1, "activation": "sigmoid", "inputs": ["h", "x"]},
}
XOR = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]


def xor(decay: float = 0.0) -> verify.Problem:
    architecture = verify.Architecture.from_data(NODES, output="y")
    return verify.Problem(architecture, XOR, [[0.1], [0.9], [0.9], [0.1]], weight_decay=decay)


def of_entries(function: str, start: list[float]) -> GraphProblem:
    """The sum of a function of the weights."""
    builder = GraphBuilder()
    entries = builder.parameter("w", (len(start),))
    return GraphProblem(builder.build(entries.apply(Elementwise(function)).sum()), {}, start)


@pytest.mark.parametrize("make", [classifier, recurrent])
def test_matrix_holds_the_exact_products(make) -> None:
    problem = make()
    w = problem.initial_weights
    found = graph_local_curvature(problem, w)
    assert np.array_equal(found.hessian(), found.hessian().T)
    for column in np.random.default_rng(0).integers(0, problem.size, 4):
        exact = problem.hessian_vector_enclosure(w, np.eye(problem.size)[column])
        entry = found.matrix.rearranged(lambda a, k=column: a[:, k])
        assert np.all((entry.lower <= exact.upper) & (exact.lower <= entry.upper))
    assert np.max(found.matrix.rad) < 1e-11 * np.max(np.abs(found.hessian()))


def test_both_forms_of_a_classical_problem_agree() -> None:
    problem = xor(0.125)
    w = problem.initial_weights
    first, second = local_curvature(problem, w), local_curvature(graph_problem(problem), w)
    assert np.allclose(first.hessian(), second.hessian(), rtol=0, atol=1e-13)
    steepest_down = Interval.point(np.linalg.eigh(first.hessian())[1][:, 0])
    image = problem.hessian_vector_enclosure(w, steepest_down.mid)
    reached = image.dot(steepest_down) / steepest_down.square().sum()
    assert max(first.least, second.least) <= float(reached.upper)
    assert second.least == pytest.approx(first.least, rel=1e-9)
    assert second.largest == pytest.approx(first.largest, rel=1e-9)
    assert list(second.blocks.values())[-1].stop == problem.size


@pytest.mark.parametrize(("seed", "radius"), [(0, 0.5), (1, 0.25)])
def test_no_hessian_near_by_has_changed_more_than_the_growth(seed: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    problem = [classifier, lambda: graph_problem(xor())][seed % 2]()
    w = problem.initial_weights
    there = graph_local_curvature(problem, w)
    direction = rng.standard_normal(problem.size)
    u = w + radius * (1 - 2.0**-30) * direction / np.linalg.norm(direction)
    here = graph_local_curvature(problem, u)
    change = here.matrix - there.matrix
    vectors = np.linalg.eigh(change.mid)[1]
    for v in (vectors[:, 0], vectors[:, -1]):
        form = (change @ Interval.point(v)).dot(Interval.point(v)) / Interval.point(v).square().sum()
        assert float(form.min_abs()) <= there.growth(radius)
    low, high = there.over(radius)
    assert low <= np.linalg.eigvalsh(here.hessian())[0] and np.linalg.eigvalsh(here.hessian())[-1] <= high


def test_growth_of_a_cubic_is_that_of_its_third_derivative() -> None:
    found = graph_local_curvature(of_entries("x*x*x", [1.0, -2.0]), np.array([1.0, -2.0]))
    assert (found.least, found.largest) == (pytest.approx(-12.0, rel=1e-12), pytest.approx(6.0, rel=1e-12))
    assert found.least <= -12.0 and found.largest >= 6.0
    assert 6.0 * 0.25 <= found.growth(0.25) < 6.0 * 0.25 * (1 + 1e-9)


@pytest.mark.parametrize("function", ["relu", "leaky_relu", "x*abs(x)"])
def test_no_hessian_is_claimed_where_there_is_none(function: str) -> None:
    at_the_kink, beside = np.array([0.5, 0.0]), np.array([0.5, -0.25])
    with pytest.raises(UndecidedHessianError):
        graph_local_curvature(of_entries(function, [0.5, 0.0]), at_the_kink)
    found = graph_local_curvature(of_entries(function, [0.5, 0.0]), beside)
    assert found.growth(0.125) < 1e-9 and found.growth(0.26) == np.inf
    assert found.over(0.26) == (-np.inf, np.inf)


def test_too_many_weights_are_refused() -> None:
    builder = GraphBuilder()
    graph = builder.build(builder.parameter("w", (8001,)).square().sum())
    with pytest.raises(UndecidedHessianError, match="too many weights"):
        graph_local_curvature(GraphProblem(graph, {}, np.zeros(8001)), np.zeros(8001))


def test_overflow_bounds_nothing() -> None:
    with pytest.raises(UndecidedHessianError):
        graph_local_curvature(of_entries("exp(x)", [800.0]), np.array([800.0]))
