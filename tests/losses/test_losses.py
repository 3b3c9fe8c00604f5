"""Losses: values by their definitions in exact arithmetic, curvature bounds attacked, targets read and refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.graph.evaluation import ARB, FLOAT64, INTERVAL, RATIONAL, evaluate
from verify.graph.reverse import gradient_graph
from verify.graph.tangent import tangent_graph
from verify.graph.tensor import GraphBuilder
from verify.losses import LOSSES, loss
from verify.operations.leaves import Constant, Parameter, Tangent
from verify.outcomes import InputError

SHAPE = (5, 3)
TARGETS = {
    "half-squared-error": np.linspace(-1, 1, 15).reshape(SHAPE),
    "mse": np.linspace(-1, 1, 15).reshape(SHAPE),
    "huber": np.linspace(-1, 1, 15).reshape(SHAPE),
    "log-cosh": np.linspace(-1, 1, 15).reshape(SHAPE),
    "pseudo-huber": np.linspace(-1, 1, 15).reshape(SHAPE),
    "softmax-cross-entropy": np.array([0, 2, 1, 1, 0]),
    "sigmoid-cross-entropy": np.linspace(0, 1, 15).reshape(SHAPE),
}


def graph_and_values(name, reduction="mean", weights=None, **options):
    criterion = loss(name, **options)
    targets = criterion.read_targets(TARGETS[name], SHAPE)
    builder = GraphBuilder()
    z = builder.parameter("z", SHAPE)
    given = None if weights is None else builder.constant("weights", weights.shape)
    graph = builder.build(criterion.error(z, builder.constant("t", targets.shape), reduction, given))
    outputs = np.random.default_rng(3).normal(size=SHAPE) * 2
    values = {Parameter("z", SHAPE): outputs, Constant("t", targets.shape): targets}
    return graph, values if weights is None else values | {Constant("weights", weights.shape): weights}


def test_every_loss_has_targets():
    assert set(TARGETS) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_targets_are_read_as_they_are(name):
    given = TARGETS[name]
    read = loss(name).read_targets(given, SHAPE)
    if given.shape == SHAPE:
        assert read.dtype == np.float64 and read.tolist() == given.tolist()
        return
    for row, label in zip(read, given, strict=True):
        assert row.tolist() == [float(k == label) for k in range(SHAPE[1])]


def expected(name, z, t):
    """The terms, written anew with Python numbers."""
    if name == "half-squared-error":
        return [sum((a - b) ** 2 for a, b in zip(x, y, strict=True)) / 2 for x, y in zip(z, t, strict=True)]
    pairs = [(a, b) for x, y in zip(z, t, strict=True) for a, b in zip(x, y, strict=True)]
    if name == "mse":
        return [(a - b) ** 2 for a, b in pairs]
    if name == "huber":
        far = Fraction(3, 4)
        return [(a - b) ** 2 / 2 if abs(a - b) <= far else far * (abs(a - b) - far / 2) for a, b in pairs]
    if name == "log-cosh":
        return [(arb.Arb(a) - arb.Arb(b)).cosh().log() for a, b in pairs]
    if name == "pseudo-huber":
        return [(1 + (arb.Arb(a) - b) ** 2).sqrt() - 1 for a, b in pairs]
    if name == "sigmoid-cross-entropy":
        return [(1 + arb.Arb(a).exp()).log() - arb.Arb(b) * arb.Arb(a) for a, b in pairs]
    return [
        sum(arb.Arb(a).exp() for a in x).log() - sum(arb.Arb(a) * b for a, b in zip(x, y, strict=True))
        for x, y in zip(z, t, strict=True)
    ]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_value_is_the_definition(name, reduction):
    options = {"delta": 0.75} if name == "huber" else {}
    graph, values = graph_and_values(name, reduction, **options)
    z, t = values[Parameter("z", SHAPE)], values[Constant("t", SHAPE)]
    if name in ("half-squared-error", "mse"):
        terms = expected(name, RATIONAL.enter(z), RATIONAL.enter(t))
        exact = evaluate(graph, values, RATIONAL)[0].reshape(-1)[0]
        assert exact == sum(terms) / (len(terms) if reduction == "mean" else 1)
        return
    with arb.precision(200):
        if name == "huber":
            fractions = expected(name, RATIONAL.enter(z), RATIONAL.enter(t))
            terms = [arb.Arb(term.numerator) / term.denominator for term in fractions]
        else:
            terms = expected(name, z.tolist(), t.tolist())
        total = sum(terms) / (len(terms) if reduction == "mean" else 1)
        assert (evaluate(graph, values, ARB)[0].reshape(-1)[0] - total).contains(0)
        enclosure = evaluate(graph, values, INTERVAL)[0]
        assert arb.Arb(float(enclosure.lower)) <= total <= arb.Arb(float(enclosure.upper))


def test_sample_weights_count_terms():
    weights = np.array([1.0, 0.0, 2.0, 0.0, 0.5])
    graph, values = graph_and_values("softmax-cross-entropy", weights=weights)
    terms = [
        float(term) for term in expected("softmax-cross-entropy", *(v.tolist() for v in list(values.values())[:2]))
    ]
    assert float(evaluate(graph, values, FLOAT64)[0]) == pytest.approx(np.dot(weights, terms) / weights.sum())


def test_label_smoothing_mixes_with_even_probabilities():
    graph, values = graph_and_values("softmax-cross-entropy", label_smoothing=0.25)
    t = values[Constant("t", SHAPE)]
    mixed = values | {Constant("t", SHAPE): 0.75 * t + 0.25 / 3}
    plain, _ = graph_and_values("softmax-cross-entropy")
    assert float(evaluate(graph, values)[0]) == pytest.approx(float(evaluate(plain, mixed)[0]))


@pytest.mark.parametrize("name", LOSSES)
def test_no_attack_exceeds_the_curvature(name):
    graph, values = graph_and_values(name, "sum")
    hessian = tangent_graph(gradient_graph(graph))
    bound = loss(name).curvature(SHAPE)
    rng = np.random.default_rng(0)
    largest = 0.0
    tangent = Tangent("z", SHAPE)
    for _ in range(40):
        values[Parameter("z", SHAPE)] = rng.normal(size=SHAPE) * rng.choice([0.1, 1.0, 5.0])
        row = rng.integers(SHAPE[0])
        v = np.zeros(SHAPE)
        v[row] = rng.normal(size=SHAPE[1])
        for _ in range(5):
            product = evaluate(hessian, values | {tangent: v}, INTERVAL)[1]
            limit = Interval.point(v).norm() * float(bound)
            assert product.norm().lower <= limit.upper
            largest = max(largest, float(product.norm().lower / np.linalg.norm(v)))
            v = product.mid + 1e-9 * v
            v = v / np.linalg.norm(v)
    assert largest > bound / 4


@pytest.mark.parametrize(
    ("name", "targets", "message"),
    [
        ("mse", np.zeros((5, 2)), r"targets=\(5, 2\)"),
        ("softmax-cross-entropy", np.array([0, 1, 2, 3, 0]), "label=3"),
        ("softmax-cross-entropy", np.array([0, 1, 2, -1, 0]), "label=-1"),
        ("softmax-cross-entropy", np.full(SHAPE, -0.5), "negative"),
        ("sigmoid-cross-entropy", np.full(SHAPE, 1.5), r"\[0, 1\]"),
    ],
)
def test_targets_that_do_not_fit_are_refused(name, targets, message):
    with pytest.raises(InputError, match=message):
        loss(name).read_targets(targets, SHAPE)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: loss("l1"), "loss='l1'"),
        (lambda: loss("huber", delta=-1.0), "delta=-1.0"),
        (lambda: loss("mse", delta=1.0), "option"),
        (lambda: loss("softmax-cross-entropy", label_smoothing=2.0), "label_smoothing=2.0"),
        (lambda: graph_and_values("mse", "median"), "reduction='median'"),
    ],
)
def test_losses_that_do_not_exist_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
