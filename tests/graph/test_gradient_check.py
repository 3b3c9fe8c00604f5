"""The gradient of a graph: its code, its rules, and differences of the error; planted faults are found."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.graph.networks import NETWORKS
from tests.graph.random_graphs import random_case
from verify.arithmetic.intervals import Interval
from verify.arithmetic.precision import Precision
from verify.calculus.gradient_check import AGREES, DIFFERS, OPEN, check_gradient
from verify.graph.evaluation import FLOAT32, evaluate
from verify.graph.gradient_check import computable_gradient
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.operations.contraction import Contraction
from verify.operations.elementwise import Elementwise
from verify.operations.power import Power
from verify.operations.scale import Scale
from verify.outcomes import Verdict


def small() -> GraphProblem:
    builder = GraphBuilder()
    w, v = builder.parameter("w", (3, 2)), builder.parameter("v", (3,))
    x = builder.constant("x", (4, 2))
    z = (x.apply(Contraction("nd", "hd", "nh"), x, w) + v).apply(Elementwise("tanh"))
    graph = builder.build(z.square().mean())
    rng = np.random.default_rng(0)
    return GraphProblem(graph, {"x": rng.normal(size=(4, 2))}, rng.normal(size=9), weight_decay=0.1)


def test_right_gradients_agree() -> None:
    finding = check_gradient(small())
    assert finding.numbers["outcome"] == AGREES
    assert finding.verdict is Verdict.UNDECIDED
    assert finding.numbers["max_relative_error"] < 1e-14


@pytest.mark.parametrize("seed", range(0, 40, 4))
def test_random_graphs_are_not_refuted(seed: int) -> None:
    assert check_gradient(random_case(seed).problem, points=1).numbers["outcome"] != DIFFERS


@pytest.mark.parametrize("name", NETWORKS)
def test_single_precision_is_explained(name: str) -> None:
    problem = NETWORKS[name]
    w = problem.initial_weights
    held = computable_gradient(problem, w, Precision.of(np.float32))
    values = {leaf: np.asarray(x, dtype=np.float32) for leaf, x in problem.values(w).items()}
    parts = evaluate(problem.gradient_graph, values, FLOAT32)[1:]
    single = np.concatenate([np.asarray(part).reshape(-1) for part in parts])
    assert single.dtype == np.float32
    assert np.all((held.lower <= single) & (single <= held.upper))
    exact = problem.gradient_enclosure(w)
    assert np.all((held.lower <= exact.lower) & (exact.upper <= held.upper))
    assert check_gradient(problem, lambda _: single, points=[w]).numbers["outcome"] != DIFFERS


@pytest.mark.parametrize("entry", [0, 5, 8])
@pytest.mark.parametrize("factor", [1 + 1e-6, 1 + 1e-11, -1.0, 0.0])
def test_one_wrong_entry_is_named(entry: int, factor: float) -> None:
    problem = small()

    def wrong(w: np.ndarray) -> np.ndarray:
        g = problem.gradient(w)
        g[entry] *= factor
        return g

    finding = check_gradient(problem, wrong)
    assert finding.verdict is Verdict.REFUTED
    assert finding.counterexample is not None
    assert finding.counterexample["position"] == entry
    assert finding.counterexample["weight"] == (f"w[{entry // 2}, {entry % 2}]" if entry < 6 else f"v[{entry - 6}]")


def test_single_precision_is_judged_by_its_own_rounding() -> None:
    problem = small()
    assert check_gradient(problem, lambda w: problem.gradient(w).astype(np.float32)).numbers["outcome"] == AGREES
    as_double = check_gradient(problem, lambda w: problem.gradient(w).astype(np.float32).astype(np.float64))
    assert as_double.numbers["outcome"] == DIFFERS
    assert as_double.remedy is not None
    assert "float32 array" in as_double.remedy
    wrong = check_gradient(problem, lambda w: np.float32(1.001) * problem.gradient(w).astype(np.float32))
    assert wrong.numbers["outcome"] == DIFFERS


def test_a_wrong_rule_contradicts_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Contraction.pullback

    def lost_sign(self, arguments, result, adjoint):
        a, b = right(self, arguments, result, adjoint)
        return a, b.apply(Scale(Fraction(-1)))

    monkeypatch.setattr(Contraction, "pullback", lost_sign)
    finding = check_gradient(small())
    assert finding.numbers["outcome"] == OPEN
    assert "disagrees with differences" in finding.statement


def test_a_kink_leaves_it_open() -> None:
    builder = GraphBuilder()
    w = builder.parameter("w", (2,))
    problem = GraphProblem(builder.build(w.apply(Elementwise("abs(x)")).sum()), {}, [0.0, 1.0])
    assert check_gradient(problem, points=[np.array([0.0, 1.0])]).numbers["outcome"] == OPEN
    assert check_gradient(problem, points=[np.array([-0.5, 1.0])]).numbers["outcome"] == AGREES


def _inverse_length(scale: int) -> GraphProblem:
    """``v / |scale w|`` for vectors w of two entries."""
    builder = GraphBuilder()
    w, v = builder.parameter("w", (2,)), builder.parameter("v", (1,))
    inverse = w.scale(scale).square().sum().apply(Power(Fraction(-1, 2)))
    graph = builder.build((v * inverse.reshape((1,))).sum())
    return GraphProblem(graph, {}, [1.0, 1.0, 1.0])


@pytest.mark.parametrize(("dtype", "scale"), [(np.float32, 10**5), (np.float32, 2 * 10**19), (np.float16, 200)])
def test_overflow_on_the_way_to_a_finite_number_is_rounding(dtype: type, scale: int) -> None:
    problem = _inverse_length(scale)
    w = np.array([1.0, 1.0, 1.0])
    with np.errstate(over="ignore"):
        length = np.sum(np.square(w[:2].astype(dtype) * dtype(scale)))
        computed = np.full(3, length ** dtype(-0.5)) * np.array([-0.5, -0.5, 1.0], dtype)
    given = computed.astype(dtype)
    assert np.all(np.isfinite(given))
    overflows = not np.isfinite(length)
    found = check_gradient(problem, lambda _: given, points=[w]).numbers["outcome"]
    assert found == (OPEN if overflows else AGREES)


@pytest.mark.parametrize(("formula", "at"), [("1e30*exp(-x)", 90.0), ("x/(1+x*x)", 1e20), ("1e30*(x*x)*x", 1e-14)])
def test_a_formula_that_leaves_zero_at_the_ends_of_single_precision(formula: str, at: float) -> None:
    function = Elementwise(formula)
    held = function.programmed(Precision.of(np.float32), Interval.point(np.array([at])))
    exact = function.evaluate(Interval.point(np.array([at])))
    assert held.lower[0] <= 0 <= held.upper[0]
    assert held.lower[0] <= exact.lower[0] <= exact.upper[0] <= held.upper[0]


@pytest.mark.parametrize("factor", [Fraction(1, 40_000), Fraction(1, 100_000), Fraction(100_000)])
def test_a_factor_that_half_precision_does_not_hold(factor: Fraction) -> None:
    """Flushed to zero, or as a division by infinity, it leaves zero."""
    held = Scale(factor).programmed(Precision.of(np.float16), Interval.point(np.array([1000.0])))
    assert held.lower[0] <= 0 <= held.upper[0]
    assert held.lower[0] <= 1000 * float(factor) <= held.upper[0]
