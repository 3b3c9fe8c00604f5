"""The error's bound by adjoint-weighted roundings: it holds E in exact arithmetic, survives depth, needs each part."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import verify.arithmetic.lengths_upward as lengths_upward
import verify.graph.rounding as rounding
from tests.graph.oracles import exact_error
from tests.graph.random_graphs import random_case
from verify.arithmetic import arb
from verify.arithmetic.perturbation import Perturbation
from verify.graph.evaluation import INTERVAL, evaluate
from verify.graph.problem import GraphProblem
from verify.graph.rounding import error_bound, weighted_graph
from verify.graph.tensor import GraphBuilder, Tensor
from verify.layers.dense import dense
from verify.operations.broadcast import Broadcast, SumOver
from verify.operations.contraction import Contraction
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Indices, ScatterAdd
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.maximum import Maximum
from verify.operations.permute import Permute
from verify.operations.reshape import Reshape
from verify.operations.slices import Concatenate


def problem_of(error: Tensor, weights, **constants) -> GraphProblem:
    return GraphProblem(error.builder.build(error), constants, weights)


def deep_network(layers: int, activation: str, pooled: bool = False) -> GraphProblem:
    builder = GraphBuilder()
    h = builder.constant("x", (4, 6))
    for k in range(layers):
        z = dense(h, builder.parameter(f"W{k}", (6, 6)), builder.parameter(f"b{k}", (6,))).apply(
            Elementwise(activation)
        )
        if pooled and k % 3 == 0:
            z = z.reshape((4, 3, 2)).apply(Maximum()).reshape((4, 3, 1)).broadcast_to((4, 3, 2)).reshape((4, 6))
        h = h + z.scale(Fraction(1, 4))
    rng = np.random.default_rng(layers)
    weights = np.concatenate([np.append(rng.normal(size=36) / 2.5, np.zeros(6)) for _ in range(layers)])
    error = h.apply(LogSumExp()).sum()
    return problem_of(error, weights, x=np.round(rng.normal(size=(4, 6)), 1))


def bound_of(problem: GraphProblem) -> rounding.ErrorBound:
    return error_bound(weighted_graph(problem.graph), problem.values(problem.initial_weights))


def check_holds(problem: GraphProblem, bits: int = 400) -> float:
    """Return the distance of the computed error over its bound, which must not exceed 1."""
    found = bound_of(problem)
    with arb.precision(bits):
        away = abs(problem.error_in_arb(problem.initial_weights) - arb.Arb(found.value))
        assert away <= arb.Arb(found.distance)
        return float(away) / found.distance


MOVES_OF_A_SCALAR = {
    "broadcast": lambda z: z.apply(Broadcast(())),
    "reshape": lambda z: z.apply(Reshape(())),
    "permute": lambda z: z.apply(Permute(())),
    "scatter_add": lambda z: z.apply(ScatterAdd(0, Indices(1), 3)).sum(),
    "sum": lambda z: z.apply(SumOver(())),
    "elementwise": lambda z: z.apply(Elementwise("relu")),
}


@pytest.mark.parametrize("move", MOVES_OF_A_SCALAR.values(), ids=MOVES_OF_A_SCALAR)
def test_sums_of_scalars_are_arrays_that_operations_move(move):
    w = GraphBuilder().parameter("w", ())
    problem = problem_of(move(move(w + w.scale(Fraction(1, 3))) + w) * w, [0.7])
    check_holds(problem)
    lower, upper = problem.error_enclosure([0.7])
    assert lower <= 0.7 * 0.7 * 7 / 3 <= upper


@pytest.mark.parametrize("activation", ["tanh", "silu", "relu", "abs(x)"])
@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("layers", [1, 10, 50])
def test_deep_networks_are_bounded_within_their_rounding(layers, activation, pooled):
    problem = deep_network(layers, activation, pooled)
    check_holds(problem)
    found = bound_of(problem)
    assert found.distance <= 1e-11 * abs(found.value)
    if (layers, activation, pooled) == (50, "tanh", False):  # where signs cancel, intervals grow and adjoints do not
        spread = evaluate(problem.graph, problem.values(problem.initial_weights), INTERVAL)[0]
        assert found.distance < 1e-3 * float(spread.rad)


@pytest.mark.parametrize("seed", range(60))
def test_random_graphs_are_bounded(seed):
    case = random_case(seed)
    found = bound_of(case.problem)
    exact = exact_error(case, case.problem.initial_weights)
    if np.isfinite(found.distance):
        with arb.precision(600):
            assert not abs(exact - arb.Arb(found.value)) > arb.Arb(found.distance)
    else:
        assert case.kind == "extreme" or not exact.is_finite() or case.kind == "kinked"


def rounded_product() -> GraphProblem:
    """A product near 1 whose rounding is nearly half a unit in the last place, as it is: its adjoint is 1."""
    builder = GraphBuilder()
    product = builder.parameter("w", (1,)) * builder.constant("x", (1,))
    a, b = 1 + 2.0**-26, 1 + 2.0**-27  # the product ends in 2^-53
    return problem_of(product.reshape(()), [a], x=np.array([b]))


def squared_difference() -> GraphProblem:
    """``(a b - fl(a b))^2``: the computed difference is 0, and so is its adjoint; only the remainder knows better."""
    builder = GraphBuilder()
    w, x, y = builder.parameter("w", (1,)), builder.constant("x", (1,)), builder.constant("y", (1,))
    a, b = 0.1, 0.3
    return problem_of((w * x - y).square().reshape(()), [a], x=np.array([b]), y=np.array([a * b]))


def kink_at_zero() -> GraphProblem:
    """``|a b - fl(a b)|``: computed on the kink."""
    builder = GraphBuilder()
    w, x, y = builder.parameter("w", (1,)), builder.constant("x", (1,)), builder.constant("y", (1,))
    error = (w * x - y).apply(Elementwise("relu")) + (y - w * x).apply(Elementwise("relu"))
    return problem_of(error.reshape(()), [0.1], x=np.array([0.3]), y=np.array([0.1 * 0.3]))


def near_tie() -> GraphProblem:
    """The larger of ``a b`` and ``fl(a b)``, scaled: a tie in float64, where either may be the larger."""
    builder = GraphBuilder()
    w, x, y = builder.parameter("w", (2,)), builder.constant("x", (2,)), builder.constant("y", (2,))
    pairs = (w * x).reshape((2, 1)), y.reshape((2, 1))
    largest = pairs[0].apply(Concatenate(1), *pairs).apply(Maximum())
    a, b = np.array([0.1, 0.7]), np.array([0.3, 0.9])
    return problem_of((largest - y).sum(), a, x=b, y=a * b)


SHARP = (rounded_product, squared_difference, kink_at_zero, near_tie)


@pytest.mark.parametrize("make", SHARP)
def test_what_only_the_exact_network_shows_is_bounded(make):
    check_holds(make())


def test_an_operation_that_may_jump_has_no_bound():
    builder = GraphBuilder()
    w, x, y = builder.parameter("w", (1,)), builder.constant("x", (1,)), builder.constant("y", (1,))
    step = (w * x - y).apply(Elementwise("relu", 1))
    near = problem_of(step.sum(), [0.1], x=np.array([0.3]), y=np.array([0.1 * 0.3]))
    assert bound_of(near).distance == np.inf
    lower, upper = near.error_enclosure(near.initial_weights)
    assert lower <= 0 and upper >= 1
    far = problem_of(step.sum(), [0.1], x=np.array([0.3]), y=np.array([7.0]))
    assert bound_of(far).distance < 1e-12


def test_what_overflows_has_no_bound():
    builder = GraphBuilder()
    w = builder.parameter("w", (1,))
    problem = problem_of((w.square().square() * w).sum(), [1e200])
    assert bound_of(problem).distance == np.inf
    assert problem.error_enclosure([1e200])[1] == np.inf


@pytest.mark.parametrize(
    ("make", "owner", "function", "plant"),
    [
        (rounded_product, Contraction, "rounded", lambda right: lambda self, *x: (right(self, *x)[0], None)),
        (rounded_product, rounding, "weighted_sum", lambda right: lambda weights, errors: 0.5 * right(weights, errors)),
        (squared_difference, rounding, "_whole_length", lambda right: lambda error, shape: 0.0),
        (squared_difference, Perturbation, "__add__", lambda right: lambda self, other: self),
        (squared_difference, Contraction, "perturbed", lambda right: lambda self, *arguments: Perturbation()),
        (kink_at_zero, Elementwise, "perturbed", lambda right: lambda self, *arguments: Perturbation()),
        (near_tie, rounding.upward, "add", lambda right: lambda *terms: terms[0]),
    ],
    ids=[
        "lost rounding",
        "halved adjoint",
        "no remainder",
        "lost own rounding",
        "still product",
        "still kink",
        "no box",
    ],
)
def test_a_planted_fault_is_caught(make, owner, function, plant, monkeypatch):
    monkeypatch.setattr(owner, function, plant(getattr(owner, function)))
    with pytest.raises((AssertionError, ZeroDivisionError)):
        for each in dict.fromkeys((make, *SHARP)):
            check_holds(each())


@pytest.mark.parametrize("values", [[0.1, 0.2, 0.3], [1e-200, 1e-170], [3.0, -4.0], [1e154, 1e-300], [0.0]])
def test_lengths_are_upper_bounds(values):
    array = np.array(values)
    squares = sum(Fraction(v) ** 2 for v in values)
    assert Fraction(lengths_upward.length(array)) ** 2 >= squares
    assert Fraction(float(lengths_upward.sum_lengths(array[None], (1,))[0, 0])) ** 2 >= squares
    products = sum(abs(Fraction(v)) * Fraction(0.1) for v in values)
    assert Fraction(lengths_upward.weighted_sum(array, np.array(0.1))) >= products
