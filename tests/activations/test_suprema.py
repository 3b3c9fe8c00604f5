"""Attacks on the proved suprema: no value found may exceed them, and for built-ins the best found comes close."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest

from verify.activations import Activation, activation
from verify.arithmetic import arb

ORDERS = range(5)


def climbed(g: Activation, order: int, start: float, step: float, evaluate: Callable[..., Any]) -> Any:
    """Largest |g^(order)| found by a pattern search in Arb from a point."""
    x, best = flint.arb(start), abs(evaluate(g, flint.arb(start), order))
    for _ in range(300):
        for candidate in (x - step, x + step):
            value = abs(evaluate(g, candidate.mid(), order))
            if value > best:
                x, best = candidate.mid(), value
                break
        else:
            step /= 4
        if step < 1e-14:
            break
    return best


def attack(g: Activation, order: int, evaluate: Callable[..., Any], scale: float = 12.0) -> Any:
    """Largest |g^(order)| found by sampling and local ascent."""
    grid = np.concatenate([np.linspace(-scale, scale, 2001), [-700.0, -50.0, 50.0, 700.0]])
    values = np.abs(g.value(grid, order))
    with arb.precision(120):
        peaks = grid[np.argsort(values)[-3:]]
        return max((climbed(g, order, float(x), scale / 1000, evaluate) for x in peaks), key=lambda v: float(v.lower()))


@pytest.mark.parametrize("order", ORDERS)
def test_no_point_exceeds_the_supremum(differentiable: Activation, order: int, reference: Callable[..., Any]) -> None:
    bound = differentiable.supremum(order)
    found = attack(differentiable, order, reference)
    assert not found > flint.arb(bound)


@pytest.mark.parametrize("order", ORDERS)
def test_suprema_of_builtins_are_tight(smooth: Activation, order: int, reference: Callable[..., Any]) -> None:
    bound = smooth.supremum(order)
    if np.isinf(bound):
        assert order == 0
        assert float(abs(reference(smooth, flint.arb(10**6), 0)).lower()) > 1e5
        assert smooth.profile(order).unbounded
        return
    found = float(attack(smooth, order, reference).lower())
    assert found <= bound
    if bound:
        assert bound / found - 1 < 1e-9 or (smooth.name == "arctan" and order == 0)


def test_the_supremum_of_arctan_is_its_limit() -> None:
    with arb.precision(200):
        bound = flint.arb(activation("arctan").supremum(0))
        assert bound > flint.arb.pi() / 2
        assert bound - flint.arb.pi() / 2 < 1e-15


@pytest.mark.parametrize(
    ("formula", "order", "expected"),
    [
        ("x**3/3-x", 3, 2.0),
        ("tanh(x/1000)", 1, 0.001),
        ("tanh(1000*x)", 1, 1000.0),
        ("exp(-x**2)", 2, 2.0),
        ("softplus(100*x)/100", 2, 25.0),
        ("x/(1+abs(x))", 1, 1.0),
        ("relu(x)**2", 2, 2.0),
    ],
)
def test_suprema_of_formulas(formula: str, order: int, expected: float) -> None:
    bound = activation({"expr": formula}).supremum(order)
    assert expected <= bound < expected * (1 + 1e-9)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_derivatives_that_jump_have_no_bound_of_the_next_order(name: str) -> None:
    g = activation(name)
    assert g.supremum(1) == 1.0
    assert np.isinf(g.supremum(2))


def test_bounds_of_one_order_do_not_depend_on_what_was_asked_before() -> None:
    fresh = activation({"expr": "tanh(x)*sin(x)"})
    first = fresh.supremum(3)
    again = activation({"expr": "tanh(x)*sin(x) "})
    assert [again.supremum(k) for k in ORDERS][3] == first
