"""A1: both forms, ReLU refuted with a jump that is there, per vertex."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from verify import Problem, Verdict, activation
from verify.assumptions import activation_regularity

Make = Callable[..., Problem]


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "arctan", "erf", "sin"])
def test_the_form_of_the_literature(make_problem: Make, name: str) -> None:
    finding = activation_regularity(make_problem(hidden=name, output=name).architecture)
    assert (finding.verdict, finding.numbers["form"], finding.counted) == (Verdict.PROVED, "A1", True)
    for hypothesis in finding.hypotheses:
        assert all(math.isfinite(hypothesis.numbers[f"sup_g{order}"]) for order in range(3))
        assert f"|g''| <= {activation(name).supremum(2)!r}" in hypothesis.statement


@pytest.mark.parametrize("spec", ["softplus", "gelu", "silu", "identity", {"expr": "relu(x)**2"}, {"expr": "x**3"}])
def test_the_relaxed_form(make_problem: Make, spec: Any) -> None:
    finding = activation_regularity(make_problem(hidden=spec).architecture)
    assert (finding.verdict, finding.numbers["form"]) == (Verdict.PROVED, "A1'")
    assert finding.numbers["forms"] == {"h": "A1'", "y": "A1"}
    assert "not the form A1 at h" in finding.statement


@pytest.mark.parametrize(("spec", "place"), [("relu", "0"), ("leaky_relu", "0"), ({"expr": "abs(2*x-1)"}, "1/2")])
def test_a_jump_of_the_slope_is_refuted(make_problem: Make, spec: Any, place: str) -> None:
    finding = activation_regularity(make_problem(output=spec).architecture)
    assert (finding.verdict, finding.numbers["form"]) == (Verdict.REFUTED, None)
    assert finding.counterexample is not None
    assert (finding.counterexample["vertex"], finding.counterexample["z"]) == ("y", place)
    z, g = float(Fraction(place)), activation(spec)
    slopes = [float(g.value(z + side * 1e-6, 1)) for side in (-1, 1)]
    assert finding.counterexample["slopes"] == pytest.approx(slopes, abs=1e-12)
    assert finding.remedy is not None
    assert finding.remedy.startswith("at vertex y: ")
