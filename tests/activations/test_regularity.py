"""Smoothness, kinks and the form of assumption A1: decided from the formula."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest

from verify.activations import BUILTIN_NAMES, Smoothness, activation, classify
from verify.activations.regularity import softplus_excess
from verify.arithmetic import arb
from verify.outcomes import Verdict

FORMS = {
    "tanh": "A1",
    "sigmoid": "A1",
    "arctan": "A1",
    "erf": "A1",
    "sin": "A1",
    "softplus": "A1'",
    "gelu": "A1'",
    "silu": "A1'",
    "identity": "A1'",
    "relu": None,
    "leaky_relu": None,
}


@pytest.mark.parametrize("name", BUILTIN_NAMES)
def test_forms_of_builtins(name: str) -> None:
    found = classify(activation(name))
    assert found.form == FORMS[name]
    assert (found.verdict is Verdict.PROVED) == (found.form is not None)
    assert found.bounds == tuple(activation(name).supremum(order) for order in range(3))
    assert (found.witness is None) == (found.remedy is None) == (found.form is not None)


@pytest.mark.parametrize(
    ("formula", "smoothness", "kinks", "form"),
    [
        ("relu(x)**2", Smoothness.C1, [], "A1'"),
        ("relu(x)**3", Smoothness.C2, [], "A1'"),
        ("x*abs(x)", Smoothness.C1, [], "A1'"),
        ("x/(1+abs(x))", Smoothness.C1, [], "A1'"),
        ("tanh(relu(x))", Smoothness.C0, [Fraction(0)], None),
        ("abs(x-1/3)", Smoothness.C0, [Fraction(1, 3)], None),
        ("min(max(x, 0), 6)", None, [], None),
        ("max(x, 0.01*x)", Smoothness.C0, [Fraction(0)], None),
        ("relu(x)+relu(x-1)", Smoothness.C0, [Fraction(0), Fraction(1)], None),
        ("relu(x)-relu(-x)", Smoothness.C2, [], "A1'"),
        ("exp(-abs(x))", Smoothness.C0, [Fraction(0)], None),
        ("abs(x)**3*exp(-abs(x))", Smoothness.C2, [], "A1"),
        ("tanh(x)**2", Smoothness.ANALYTIC, [], "A1"),
    ],
)
def test_formulas(formula: str, smoothness: Smoothness | None, kinks: list[Fraction], form: str | None) -> None:
    if smoothness is None:
        with pytest.raises(ValueError, match="linear"):
            activation({"expr": formula})
        return
    g = activation({"expr": formula})
    assert (g.smoothness, list(g.kinks), classify(g).form) == (smoothness, kinks, form)


@pytest.mark.parametrize(("name", "left"), [("relu", 0.0), ("leaky_relu", 0.01)])
def test_the_witness_replays(name: str, left: float) -> None:
    g = activation(name)
    found = classify(g)
    assert found.verdict is Verdict.REFUTED
    assert found.witness is not None and found.witness.proved and found.witness.point == 0
    assert (found.witness.left, found.witness.right) == (left, 1.0)
    step = 2.0**-40
    assert float(g.value(step) - g.value(0.0)) / step == pytest.approx(found.witness.right)
    assert float(g.value(0.0) - g.value(-step)) / step == pytest.approx(found.witness.left)
    assert found.remedy is not None and "softplus" in found.remedy


def test_the_excess_of_softplus_is_bounded_and_attained() -> None:
    bound = softplus_excess()
    x = np.linspace(-50, 50, 4001)
    assert np.all(np.abs(np.logaddexp(0, x) - np.maximum(x, 0)) <= bound)
    with arb.precision(100):
        assert flint.arb(2).log() <= flint.arb(bound) < flint.arb(2).log() + 1e-15


@pytest.mark.parametrize("beta", [1, 10, 1000])
def test_the_remedy_changes_relu_by_no_more_than_it_says(beta: int) -> None:
    smooth, kinked = activation({"expr": f"softplus({beta}*x)/{beta}"}), activation("relu")
    assert classify(smooth).form == "A1'"
    with arb.precision(200):
        for x in np.concatenate([np.linspace(-3, 3, 301), [0.0, 1e-9, -1e-9]]):
            difference = abs(smooth.arb(flint.arb(float(x))) - kinked.arb(flint.arb(float(x))))
            assert not difference > flint.arb(softplus_excess()) / beta


def test_bounded_bends_only_where_they_exist() -> None:
    bounds = classify(activation({"expr": "relu(x)**2"})).bounds
    assert np.isinf(bounds[0]) and np.isinf(bounds[1]) and bounds[2] == 2.0
