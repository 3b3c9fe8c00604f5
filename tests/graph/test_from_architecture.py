"""The graph engine against the classical one: the same error, gradient, curvature; enclosures that overlap."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.networks import IMAGE_NODES, make_problem, residual_nodes
from verify.arithmetic import arb
from verify.calculus.exact import error_in_arb
from verify.importers.architecture import graph_problem

PROBLEMS = {
    "residual": make_problem(residual_nodes("tanh"), weight_decay=0.125),
    "formula": make_problem(residual_nodes({"expr": "x*tanh(log(1+exp(x)))"}), reduction="sum"),
    "relu": make_problem(residual_nodes("relu", "sigmoid")),
    "images": make_problem(IMAGE_NODES, samples=3),
    "outputs": make_problem(residual_nodes("gelu"), output=["y", "h2"]),
}


@pytest.fixture(params=PROBLEMS, ids=list(PROBLEMS))
def pair(request):
    problem = PROBLEMS[request.param]
    return problem, graph_problem(problem)


def test_the_same_numbers(pair):
    classical, graph = pair
    w, v = classical.initial_weights, np.cos(np.arange(graph.size))
    assert graph.error(w) == pytest.approx(classical.error(w), rel=1e-12)
    assert graph.gradient(w) == pytest.approx(classical.gradient(w), rel=1e-9, abs=1e-12)
    assert graph.hessian_vector(w, v) == pytest.approx(classical.hessian_vector(w, v), rel=1e-9, abs=1e-12)


def test_enclosures_hold_the_exact_error(pair):
    classical, graph = pair
    w = classical.initial_weights
    with arb.precision(200):
        exact = error_in_arb(classical, w)
        assert (graph.error_in_arb(w) - exact).contains(0)
        lower, upper = graph.error_enclosure(w)
        assert arb.Arb(lower) <= exact <= arb.Arb(upper)
    assert Fraction(upper) - Fraction(lower) < Fraction(graph.error(w)) / 10**10


def test_gradient_enclosures_overlap(pair):
    classical, graph = pair
    w = classical.initial_weights
    ours, theirs = graph.gradient_enclosure(w), classical.gradient_enclosure(w)
    ours.intersect(theirs)
    assert ours.contains(ours.mid)
    assert float(ours.rad.max()) < 1e-9


def test_blocks_are_those_of_the_architecture(pair):
    classical, graph = pair
    w = np.arange(graph.size, dtype=float)
    assert np.array_equal(graph.flatten(graph.unflatten(w)), w)
    theirs = [np.ravel(part) for part in classical.architecture.unflatten(w).values()]
    assert sorted(map(tuple, theirs)) == sorted(tuple(part.ravel()) for part in graph.unflatten(w).values())
