"""Formulas that mean nothing are refused where they are written; numbers enter them exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from verify.graph.evaluation import FLOAT64, RATIONAL, evaluate
from verify.graph.tensor import GraphBuilder
from verify.operations.leaves import Parameter
from verify.operations.power import Power
from verify.outcomes import InputError

BAD = {
    "axis": lambda x: x.sum(2),
    "negative axis": lambda x: x.mean(-3),
    "axis twice": lambda x: x.sum((0, -2)),
    "axis of a scalar": lambda x: x.sum().sum(-1),
    "mean of nothing": lambda x: x.slice(0, 1, 1).mean(),
    "division by zero": lambda x: x / 0,
    "infinite factor": lambda x: x * float("inf"),
    "nan summand": lambda x: x + float("nan"),
    "infinite divisor": lambda x: x / float("inf"),
    "factor beyond float64": lambda x: x * Fraction(1, 10**400),
    "factor between floats": lambda x: x * (2**53 + 1),
    "summand between floats": lambda x: x + (2**53 + 1),
    "shapes": lambda x: x + x.slice(1, 0, 2),
    "another graph": lambda x: x + GraphBuilder().parameter("y", (2, 3)),
}


@pytest.mark.parametrize("formula", BAD.values(), ids=list(BAD))
def test_formulas_without_meaning_are_refused(formula):
    with pytest.raises(InputError):
        formula(GraphBuilder().parameter("x", (2, 3)))


GOOD = {
    "third": (lambda x: x + Fraction(1, 3), lambda a: a + Fraction(1, 3)),
    "from a third": (lambda x: 1 - x / 3, lambda a: 1 - a / 3),
    "half": (lambda x: x / 0.5, lambda a: 2 * a),
    "tenth": (lambda x: 0.1 * x, lambda a: Fraction(0.1) * a),
    "float32": (lambda x: x * np.float32(0.1), lambda a: Fraction(float(np.float32(0.1))) * a),
    "inverse": (lambda x: 2 / (x + 3), lambda a: 2 / (a + 3)),
    "large": (lambda x: x + 2**60, lambda a: a + 2**60),
}


@pytest.mark.parametrize("pair", GOOD.values(), ids=list(GOOD))
def test_numbers_enter_exactly(pair):
    formula, expected = pair
    builder = GraphBuilder()
    graph = builder.build(formula(builder.parameter("x", (1,))))
    found = evaluate(graph, {Parameter("x", (1,)): np.array([0.75])}, RATIONAL)[0][0]
    assert found == expected(Fraction(3, 4))
    assert isinstance(found, Fraction)


@pytest.mark.parametrize(
    ("exponent", "kinds"),
    [
        (Fraction(1, 2), [Fraction(-1, 2)]),
        (Fraction(3, 2), [Fraction(-3, 2)]),
        (Fraction(-1, 2), [Fraction(-1, 2), Fraction(-1)]),
        (Fraction(2), [Fraction(2), Fraction(-1)]),
        (Fraction(-1), [Fraction(-1), Fraction(-1)]),
    ],
    ids=str,
)
def test_a_root_is_inverted_where_the_numbers_are_the_same(exponent, kinds):
    builder = GraphBuilder()
    x = builder.parameter("x", (1,))
    graph = builder.build(3 / x.apply(Power(exponent)))
    powers = [node.operation.exponent for node in graph.nodes if isinstance(node.operation, Power)]
    assert powers == kinds
    found = evaluate(graph, {Parameter("x", (1,)): np.array([4.0])}, FLOAT64)[0]
    assert found[0] == 3 / 4.0 ** float(exponent)
