"""The derivatives: graph, sympy, series and difference quotients agree; nested formulas stay small."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import flint
import pytest
import sympy

from verify.activations import Activation, X, activation
from verify.activations.arb_numbers import constant_ball
from verify.activations.graph import ExpressionGraph
from verify.activations.lowering import derivative_rule, differentiate, expression_of, lower
from verify.activations.polishing import polished
from verify.activations.symbols import PRIMITIVES
from verify.arithmetic import arb

POINTS = (Fraction(-7, 3), Fraction(-1, 4), Fraction(1, 5), Fraction(9, 4))
VALUE = sympy.Symbol("value", real=True)


@pytest.mark.parametrize("order", range(1, 5))
def test_graph_and_sympy_agree(differentiable: Activation, order: int) -> None:
    derived, expected = differentiable.symbolic_derivative(order), sympy.diff(differentiable.expression, X, order)
    with arb.precision(300):
        for point in POINTS:
            at = sympy.Rational(point.numerator, point.denominator)
            difference = constant_ball(derived.xreplace({X: at})) - constant_ball(expected.xreplace({X: at}))
            assert difference.contains(0) and difference.rad() < 1e-60


@pytest.mark.parametrize("order", range(1, 5))
def test_series_and_graph_agree(differentiable: Activation, order: int, reference: Callable[..., object]) -> None:
    with arb.precision(300):
        for point in POINTS:
            ball = flint.arb(flint.fmpq(point.numerator, point.denominator))
            mine, other = differentiable.arb(ball, order), reference(differentiable, ball, order)
            assert mine.overlaps(other)
            assert mine.rad() < 1e-60


@pytest.mark.parametrize("order", range(4))
def test_difference_quotients_agree(differentiable: Activation, order: int) -> None:
    with arb.precision(600):
        step = flint.arb(2) ** -150
        for point in POINTS:
            x = flint.arb(flint.fmpq(point.numerator, point.denominator))
            quotient = (differentiable.arb(x + step, order) - differentiable.arb(x - step, order)) / (2 * step)
            slope = differentiable.arb(x, order + 1)
            assert abs(quotient - slope) < 1e-60 * (1 + abs(slope))


@pytest.mark.parametrize("primitive", [name for name in PRIMITIVES if name not in ("relu", "step")])
def test_rules_are_derivatives(primitive: str) -> None:
    """The rules of sigmoid and softplus come from eliminating the exponential: sympy confirms them."""
    meaning = PRIMITIVES[primitive]
    difference = derivative_rule(primitive).subs(VALUE, meaning) - sympy.diff(meaning, X)
    assert sympy.simplify(difference.rewrite(sympy.exp)) == 0


def test_a_wrong_rule_would_be_noticed() -> None:
    meaning = PRIMITIVES["sigmoid"]
    assert sympy.simplify((VALUE * (1 + VALUE)).subs(VALUE, meaning) - sympy.diff(meaning, X)) != 0


def test_nested_formulas_stay_small() -> None:
    expression = X
    for _ in range(7):
        expression = sympy.tanh(expression) * sympy.exp(-expression)
    graph = ExpressionGraph()
    node = lower(graph, expression)
    for _ in range(4):
        node = polished(graph, differentiate(graph, node))
    assert len(graph.needed([node])) < 1500


@pytest.mark.parametrize(
    "text", ["(t+1)**2*(t-1)", "3*t**4-2*t**2+1", "sqrt(2)*t**3+sqrt(2)*t/3+t**2", "sqrt(2)*sqrt(3)*t+t", "2*t-2*t"]
)
def test_polishing_keeps_the_value(text: str) -> None:
    t = sympy.Symbol("t")
    expression = sympy.sympify(text, locals={"t": t}).subs(t, sympy.tanh(X))
    graph = ExpressionGraph()
    node = lower(graph, expression)
    assert sympy.expand(expression_of(graph, polished(graph, node)) - expression) == 0


@pytest.mark.parametrize(
    ("expression", "operation"),
    [
        (1 / (1 + sympy.exp(-X)), "sigmoid"),
        (sympy.log(1 + sympy.exp(2 * X)), "softplus"),
        (1 / (1 + sympy.exp(X)) ** 2, "power"),
        (sympy.Max(X, 0), "relu"),
    ],
)
def test_lowering_recognises_what_does_not_overflow(expression: sympy.Expr, operation: str) -> None:
    graph = ExpressionGraph()
    node = lower(graph, expression)
    assert graph.nodes[node].operation == operation
    assert sympy.simplify(expression_of(graph, node) - expression) == 0


def test_constants_of_derivatives_are_exact() -> None:
    assert activation("leaky_relu").symbolic_derivative(2) == 0
    assert activation({"expr": "0.1*x"}).symbolic_derivative(1) == sympy.Rational(1, 10)
