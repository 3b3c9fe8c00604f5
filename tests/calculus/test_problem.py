"""Error, gradient and Hessian product in float64, against exact rational values and differences in Arb."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest
import sympy

from verify import Architecture, InputError, Problem
from verify.calculus.enclosures import gradient_enclosure, hessian_vector_enclosure
from verify.calculus.exact import error_in_arb

LINEAR = {
    "x": {"width": 2},
    "h": {"width": 2, "activation": "identity", "inputs": ["x"]},
    "y": {"width": 1, "activation": "identity", "bias": False, "inputs": ["h", "x"]},
}


def exact_linear(problem: Problem) -> tuple[sympy.Expr, list[sympy.Symbol]]:
    """E of the network LINEAR as a polynomial in its ten weights."""
    w = list(sympy.symbols("w0:10"))
    total = sympy.Integer(0)
    for x, y in zip(problem.inputs, problem.targets, strict=True):
        a, b = (sympy.Rational(str(Fraction(v))) for v in x)
        h = [w[0] * a + w[1] * b + w[4], w[2] * a + w[3] * b + w[5]]
        out = w[6] * h[0] + w[7] * h[1] + w[8] * a + w[9] * b
        total += (out - sympy.Rational(str(Fraction(y[0])))) ** 2 / 2
    decay = sympy.Rational(str(Fraction(problem.weight_decay)))
    return total / problem.samples + decay * sum(v**2 for v in w) / 2, w


def rational_point(size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-64, 65, size) / 64.0


def fraction(value: sympy.Expr) -> Fraction:
    return Fraction(int(sympy.numer(value)), int(sympy.denom(value)))


@pytest.mark.parametrize("seed", range(3))
def test_enclosures_contain_the_exact_rational_values(problem_of, seed):
    problem = problem_of(LINEAR, weight_decay=0.75)
    error, symbols = exact_linear(problem)
    w, v = rational_point(10, seed), rational_point(10, seed + 100)
    at = dict(zip(symbols, (sympy.Rational(str(Fraction(t))) for t in w), strict=True))
    low, high = problem.error_enclosure(w)
    exact = fraction(error.subs(at))
    assert Fraction(low) <= exact <= Fraction(high)
    assert low <= problem.error(w) * (1 + 1e-12) and problem.error(w) <= high * (1 + 1e-12)
    gradient = [error.diff(s) for s in symbols]
    enclosure = gradient_enclosure(problem, w)
    product = hessian_vector_enclosure(problem, w, v)
    for i, derivative in enumerate(gradient):
        value = fraction(derivative.subs(at))
        assert Fraction(float(enclosure.lower[i])) <= value <= Fraction(float(enclosure.upper[i]))
        along = sum(derivative.diff(s) * sympy.Rational(str(Fraction(t))) for s, t in zip(symbols, v, strict=True))
        second = fraction(sympy.expand(along).subs(at))
        assert Fraction(float(product.lower[i])) <= second <= Fraction(float(product.upper[i]))


def arb_slope(problem: Problem, w: np.ndarray, index: int) -> tuple[float, float]:
    """Central difference of E in Arb at 400 bits with step 2**-60: off by O(2**-120)."""
    with flint.ctx.workprec(400):
        step = 2.0**-10
        ahead, behind = w.copy(), w.copy()
        ahead[index] += step
        behind[index] -= step
        slope = (error_in_arb(problem, ahead) - error_in_arb(problem, behind)) / flint.arb(2 * step)
        return float(slope), step


def test_gradient_agrees_with_differences(smooth_problem):
    w = smooth_problem.initial_weights
    w = np.round(w * 64) / 64
    gradient = smooth_problem.gradient(w)
    for index in np.random.default_rng(0).choice(w.size, 4, replace=False):
        slope, step = arb_slope(smooth_problem, w, index)
        assert abs(slope - gradient[index]) < 30 * step**2


def test_gradient_lies_in_its_enclosure(any_problem):
    w = any_problem.initial_weights
    enclosure = any_problem.gradient_enclosure(w)
    width = np.max(enclosure.upper - enclosure.lower)
    assert width < 1e-10
    distance = np.maximum(enclosure.lower - any_problem.gradient(w), any_problem.gradient(w) - enclosure.upper)
    assert np.max(distance) < 1e-13


def test_hessian_product_agrees_with_differences_of_gradients(smooth_problem):
    w = smooth_problem.initial_weights
    v = np.random.default_rng(1).standard_normal(w.size)
    step = 1e-5
    difference = (smooth_problem.gradient(w + step * v) - smooth_problem.gradient(w - step * v)) / (2 * step)
    product = smooth_problem.hessian_vector(w, v)
    assert np.linalg.norm(product - difference) < 1e-6 * np.linalg.norm(product)
    enclosure = hessian_vector_enclosure(smooth_problem, w, v)
    assert np.all(np.abs(product - enclosure.mid) <= enclosure.rad + 1e-12 * np.linalg.norm(product))


def test_mean_and_sum_differ_by_the_number_of_samples(problem_of):
    mean, total = problem_of(LINEAR), problem_of(LINEAR, reduction="sum")
    w = rational_point(10, 3)
    assert total.error(w) == pytest.approx(5 * mean.error(w))
    assert np.allclose(total.gradient(w), 5 * mean.gradient(w))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": np.zeros((0, 2)), "targets": np.zeros((0, 1))}, "data are empty"),
        ({"inputs": np.zeros((2, 3)), "targets": np.zeros((2, 1))}, "columns=3, expected=2"),
        ({"inputs": np.zeros((2, 2)), "targets": np.zeros((3, 1))}, "inputs=2, targets=3"),
        ({"inputs": np.array([[0, np.nan]]), "targets": np.zeros((1, 1))}, "row=0, column=1, value=nan"),
        ({"inputs": np.zeros(2), "targets": np.zeros((1, 1))}, "table of numbers"),
        ({"inputs": np.array([["a", "b"]]), "targets": np.zeros((1, 1))}, "table of numbers"),
        ({"inputs": np.zeros((1, 2)), "targets": np.zeros((1, 1)), "loss": "hinge"}, "loss='hinge'"),
        ({"inputs": np.zeros((1, 2)), "targets": np.zeros((1, 1)), "reduction": "max"}, "reduction='max'"),
        ({"inputs": np.zeros((1, 2)), "targets": np.zeros((1, 1)), "weight_decay": -1.0}, "weight_decay=-1.0"),
        ({"inputs": np.zeros((1, 2)), "targets": np.zeros((1, 1)), "weight_decay": np.nan}, "weight_decay=nan"),
        ({"inputs": np.full((1, 2), 2**60 + 1), "targets": np.zeros((1, 1))}, "not exactly a float64 number"),
    ],
)
def test_unusable_problems_are_refused(settings, message):
    with pytest.raises(InputError) as caught:
        Problem(Architecture.from_data(LINEAR, output="y"), **settings)
    assert message in str(caught.value)


@pytest.mark.parametrize("w", [np.zeros(3), np.full(10, np.inf), np.zeros((10, 1))])
def test_unusable_weights_are_refused(problem_of, w):
    with pytest.raises(InputError):
        problem_of(LINEAR).error(w)
