"""What cancels inside an activation's formula is rounding, not a mistake; a mistake beside it is still found."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import verify
from verify import Architecture, Verdict
from verify.arithmetic.arb import Arb, precision

CANCELLING = [
    "100*(sqrt(1+0.01*x*x)-1)",
    "10000*(sqrt(1+0.0001*x*x)-1)",
    "50*(cos(0.2*x)-1)",
    "1000*(exp(0.001*x)-1)",
    "100*(tanh(0.01*x+1)-tanh(1))",
    "1000*(tanh(0.001*x+1)-0.7615941559557649)",
    "30*(1-exp(-x*x/30))",
    "1000*(1-exp(-x*x/1000))",
    "(x+1000)**3-1e9",
    "x*x*x-3*x",
    "sqrt(1+x*x)-x",
    "1e6*(cos(0.001*x)-1)",
    "(1-tanh(x))*exp(3*x)",
]


def problem_with(formula: str, seed: int, output: str = "tanh") -> verify.Problem:
    rng = np.random.default_rng(seed)
    nodes = {
        "x": {"width": 3},
        "h": {"width": 4, "activation": {"expr": formula}, "inputs": ["x"]},
        "y": {"width": 1, "activation": output, "inputs": ["h"]},
    }
    return verify.Problem(
        Architecture.from_data(nodes, "y"), rng.standard_normal((5, 3)), rng.standard_normal((5, 1)), reduction="sum"
    )


@pytest.mark.parametrize("formula", CANCELLING)
def test_a_correct_gradient_of_a_formula_that_cancels_is_not_refuted(formula: str) -> None:
    for seed in range(6):
        assert verify.check_gradient(problem_with(formula, seed)).verdict is not Verdict.REFUTED


@pytest.mark.parametrize("formula", CANCELLING[:-1])
def test_a_wrong_gradient_of_a_formula_that_cancels_is_refuted(formula: str) -> None:
    problem = problem_with(formula, 0, "identity")

    def off_by_a_part_in_ten_thousand(w: np.ndarray) -> np.ndarray:
        gradient = problem.gradient(w)
        gradient[np.argmax(np.abs(gradient))] *= 1.0001
        return gradient

    assert verify.check_gradient(problem, off_by_a_part_in_ten_thousand).verdict is Verdict.REFUTED


def pseudo_huber_as_written(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 100 * (np.sqrt(1 + 0.01 * z * z) - 1), z / np.sqrt(1 + 0.01 * z * z)


def cubic_factored(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return z * (z * z - 3), 3 * (z - 1) * (z + 1)


def cubic_expanded(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (z + 1000) ** 3 - 1e9, 3 * z * z + 6000 * z + 3e6


def softplus_as_written(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return 1e3 * (np.log(1 + np.exp(z)) - np.log(2.0)), 1e3 / (1 + np.exp(-z))


def tanh_by_exponentials(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value = 1 - 2 / (np.exp(2 * z) + 1)
    return value, 1 - value * value


@pytest.mark.parametrize(
    ("formula", "evaluate"),
    [
        ("100*(sqrt(1+0.01*x*x)-1)", pseudo_huber_as_written),
        ("x*x*x-3*x", cubic_factored),
        ("(x+1000)**3-1e9", cubic_expanded),
        ("1000*(log(1+exp(x))-log(2))", softplus_as_written),
        ("tanh(x)", tanh_by_exponentials),
    ],
)
def test_the_bound_holds_for_other_ways_to_evaluate_the_formula(
    formula: str, evaluate: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
) -> None:
    activation = verify.activation({"expr": formula})
    z = np.random.default_rng(0).uniform(-6, 6, 400)
    bounds = activation.rounding_errors(z, np.zeros_like(z), 2.0**-53)
    with precision(200):
        for order, (computed, bound) in enumerate(zip(evaluate(z), bounds, strict=True)):
            for point, value, allowed in zip(z, computed, bound, strict=True):
                assert abs(activation.arb(Arb(float(point)), order) - Arb(float(value))) <= Arb(float(allowed))


def test_the_error_of_the_argument_counts() -> None:
    """Beside the roundings the bound holds the values on the whole interval, where g' itself changes."""
    activation = verify.activation({"expr": "sin(100*x)"})
    z, radius = np.linspace(-1, 1, 101), np.full(101, 1e-3)
    bounds = activation.rounding_errors(z, radius, 2.0**-53)
    with precision(200):
        for order, bound in enumerate(bounds):
            for side in (-1, 1):
                for point, allowed in zip(z, bound, strict=True):
                    moved = activation.arb(Arb(float(point)) + side * Arb(1e-3), order)
                    assert abs(moved - activation.arb(Arb(float(point)), order)) <= Arb(float(allowed))


def test_nothing_is_bounded_where_a_formula_may_break_down() -> None:
    activation = verify.activation({"expr": "sqrt(x*x+1e-9)"})
    value, slope = activation.rounding_errors(np.array([0.0]), np.array([1e-3]), 2.0**-53)
    assert not np.isfinite(value[0]) and not np.isfinite(slope[0])


def one_weight(formula: str, x: float, y: float) -> verify.Problem:
    nodes = {
        "x": {"width": 1},
        "y": {"width": 1, "activation": {"expr": formula}, "inputs": ["x"], "bias": False},
    }
    return verify.Problem(Architecture.from_data(nodes, "y"), np.array([[x]]), np.array([[y]]))


@pytest.mark.parametrize(
    ("formula", "w", "dtype"),
    [
        ("1e30*exp(-x)", 90.0, np.float32),
        ("1e38*x/(1+x*x)", 1e20, np.float32),
        ("1e30*(x*x)*x", 1e-14, np.float32),
        ("x", 1e-6, np.float16),
    ],
)
def test_zero_may_be_what_underflow_and_overflow_leave(formula: str, w: float, dtype: type) -> None:
    problem = one_weight(formula, 1.0, 0.0)
    assert problem.gradient(np.array([w]))[0] != 0
    found = verify.check_gradient(problem, lambda _: np.zeros(1, dtype), points=[np.array([w])])
    assert found.verdict is not Verdict.REFUTED


def test_half_precision_is_judged_as_such() -> None:
    problem = one_weight("x", 1.0, 0.5)
    w = np.array([1.0])
    right = verify.check_gradient(problem, lambda _: np.array([0.5], np.float16), points=[w])
    wrong = verify.check_gradient(problem, lambda _: np.array([0.6], np.float16), points=[w])
    assert right.verdict is not Verdict.REFUTED
    assert wrong.verdict is Verdict.REFUTED
