"""Every operation: one formula in every arithmetic, and derivatives that are those of that formula."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from tests.operations.samples import KINKED, MULTILINEAR, NONLINEAR, SAMPLES, arguments, identifier
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.graph.evaluation import ARB, FLOAT64, INTERVAL, RATIONAL, evaluate
from verify.graph.graph import Graph
from verify.graph.reverse import gradient_graph
from verify.graph.tangent import tangent_graph
from verify.graph.tensor import GraphBuilder
from verify.operations import OPERATIONS
from verify.operations.leaves import Constant, Leaf, Parameter, Tangent
from verify.outcomes import InputError

LEAVES = {"parameter", "constant", "tangent", "filled"}
SEEDS = range(3)


def graph_of(sample):
    """The operation applied to parameters."""
    operation, shapes = sample
    builder = GraphBuilder()
    leaves = [builder.parameter(str(k), shape) for k, shape in enumerate(shapes)]
    return builder.build(builder.add(operation, *leaves))


def weighted(sample):
    """The scalar ``sum of u * operation(...)`` with constant weights u."""
    operation, shapes = sample
    builder = GraphBuilder()
    leaves = [builder.parameter(str(k), shape) for k, shape in enumerate(shapes)]
    result = builder.add(operation, *leaves)
    return builder.build((builder.constant("u", result.shape) * result).sum())


def values_of(graph: Graph, seed: int) -> dict[Leaf, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {leaf: np.exp(rng.normal(size=leaf.dimensions)) for leaf in graph.leaves()}


def test_every_operation_has_a_sample():
    assert {operation.name for operation, _ in SAMPLES} | LEAVES == set(OPERATIONS)


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_shape_is_the_shape_of_the_result(sample):
    operation, shapes = sample
    assert operation.evaluate(*arguments(sample, 0)).shape == operation.shape(*shapes)


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_arguments_that_do_not_fit_are_refused(sample):
    operation, shapes = sample
    with pytest.raises(InputError, match=operation.name):
        operation.shape(*shapes, (7, 7, 7))
    with pytest.raises(InputError, match=operation.name):
        operation.shape()


@pytest.mark.parametrize("sample", MULTILINEAR, ids=identifier)
@pytest.mark.parametrize("seed", SEEDS)
def test_enclosures_hold_the_exact_result(sample, seed):
    operation, _ = sample
    numbers = arguments(sample, seed)
    exact = operation.evaluate(*(RATIONAL.enter(x) for x in numbers))
    assert inside(operation.evaluate(*(Interval.point(x) for x in numbers)), exact)
    spread = [Interval.from_midrad(x, 0.01 * x) for x in numbers]
    for sign in (-1, 1):
        moved = [RATIONAL.enter(x) * (1 + Fraction(sign, 101)) for x in numbers]
        assert inside(operation.evaluate(*spread), operation.evaluate(*moved))


def inside(enclosure: Interval, exact: np.ndarray) -> bool:
    lower, upper = enclosure.lower, enclosure.upper
    return all(
        Fraction(float(lower[at])) <= exact[at] <= Fraction(float(upper[at])) for at in np.ndindex(enclosure.shape)
    )


@pytest.mark.parametrize("sample", [*NONLINEAR, *KINKED[:2]], ids=identifier)
@pytest.mark.parametrize("seed", SEEDS)
def test_enclosures_hold_the_balls(sample, seed):
    operation, _ = sample
    numbers = arguments(sample, seed)
    spread = operation.evaluate(*(Interval.from_midrad(x, 0.01 * x) for x in numbers))
    for factor in (Fraction(1), Fraction(100, 101), Fraction(102, 101)):
        with arb.precision(200):
            moved = [ARB.enter(x) * int(factor.numerator) / int(factor.denominator) for x in numbers]
            exact = np.asarray(operation.evaluate(*moved))
            enclosures = [spread]
            if factor == 1:
                enclosures.append(operation.evaluate(*(Interval.point(x) for x in numbers)))
            for enclosure, at in product(enclosures, np.ndindex(exact.shape)):
                assert arb.Arb(float(enclosure.lower[at])) <= exact[at] <= arb.Arb(float(enclosure.upper[at]))


@pytest.mark.parametrize("sample", MULTILINEAR, ids=identifier)
@pytest.mark.parametrize("seed", SEEDS)
def test_tangent_and_gradient_agree_exactly(sample, seed):
    graph = weighted(sample)
    values = values_of(graph, seed)
    along, by_gradient = both_derivatives(graph, values, RATIONAL)
    assert along == by_gradient


@pytest.mark.parametrize("sample", NONLINEAR, ids=identifier)
@pytest.mark.parametrize("seed", SEEDS)
def test_derivatives_are_limits_of_differences(sample, seed):
    graph = weighted(sample)
    values = values_of(graph, seed)
    with arb.precision(600):
        along, by_gradient = both_derivatives(graph, values, ARB)
        assert (along - by_gradient).contains(0)
        step = arb.Arb(2) ** -100
        ends = []
        for sign in (-1, 1):
            moved = dict(values)
            for leaf, tangent in tangents_of(graph, values).items():
                moved[leaf] = ARB.enter(values[leaf]) + ARB.enter(tangent) * (step * sign)
            ends.append(evaluate(graph, moved, ARB)[0].reshape(-1)[0])
        quotient = (ends[1] - ends[0]) / (2 * step)
        assert abs(quotient - along) < step  # the error is of order step squared


def tangents_of(graph: Graph, values: dict[Leaf, np.ndarray]) -> dict[Leaf, np.ndarray]:
    return {leaf: np.cos(1 + values[leaf]) for leaf in graph.leaves(Parameter)}


def both_derivatives(graph, values, arithmetic):
    """The derivative along a direction by forward accumulation, and as gradient times direction."""
    directions = tangents_of(graph, values)
    tangents = {Tangent(leaf.label, leaf.dimensions): d for leaf, d in directions.items()}
    along = evaluate(tangent_graph(graph), values | tangents, arithmetic)[0]
    gradient = evaluate(gradient_graph(graph), values, arithmetic)[1:]
    total = sum(
        (g * arithmetic.enter(directions[leaf])).sum()
        for g, leaf in zip(gradient, graph.leaves(Parameter), strict=True)
    )
    return np.asarray(along).reshape(-1)[0], total


@pytest.mark.parametrize("sample", [*MULTILINEAR, *NONLINEAR], ids=identifier)
def test_a_gradient_of_a_gradient_is_symmetric(sample):
    graph = weighted(sample)
    values = values_of(graph, 0)
    hessian = tangent_graph(gradient_graph(graph))
    leaves = list(graph.leaves(Parameter))
    one, other = ({leaf: f(values[leaf]) for leaf in leaves} for f in (np.cos, np.sin))

    def times(first, second):
        tangents = {Tangent(leaf.label, leaf.dimensions): d for leaf, d in first.items()}
        product = evaluate(hessian, values | tangents, FLOAT64)[1:]
        return sum(float(np.vdot(p, second[leaf])) for p, leaf in zip(product, leaves, strict=True))

    assert times(one, other) == pytest.approx(times(other, one), rel=1e-9, abs=1e-12)


def test_undecided_maximum_is_shared_out():
    z = Interval.from_bounds([[1.0, 0.5, 0.0]], [[2.0, 1.5, 0.25]])
    indicator = KINKED[2][0].evaluate(z)
    assert indicator.lower.tolist() == [[0.0, 0.0, 0.0]]
    assert indicator.upper.tolist() == [[1.0, 1.0, 0.0]]


def test_a_leaf_without_value_is_named():
    builder = GraphBuilder()
    graph = builder.build(builder.constant("absent", (1,)).sum())
    with pytest.raises(InputError, match="absent"):
        evaluate(graph, {}, INTERVAL)
    with pytest.raises(InputError, match=r"shape=\(2,\)"):
        evaluate(graph, {Constant("absent", (1,)): np.zeros(2)}, INTERVAL)
