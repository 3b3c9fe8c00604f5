"""Values in NumPy: fast, accurate, without overflow on the way, in the precision of the input."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import flint
import numpy as np
import pytest

from verify.activations import BUILTIN_NAMES, Activation, activation
from verify.arithmetic import arb

EXTREME = np.array([0.0, -0.0, 5e-324, -1e-300, 1e3, -1e3, 745.2, -745.2, 1e8, -1e8, 1e200, -1e200, 1.7e308, -1.7e308])


@pytest.mark.parametrize("order", range(5))
def test_extreme_arguments(builtin: Activation, order: int) -> None:
    with np.errstate(all="raise"):
        results = builtin.values(EXTREME, order)
    assert all(np.all(np.isfinite(result)) for result in results)


@pytest.mark.parametrize("order", range(5))
def test_values_agree_with_arb(
    differentiable: Activation, order: int, rng: np.random.Generator, reference: Callable[..., object]
) -> None:
    z = rng.normal(size=60) * 3
    values = differentiable.value(z, order)
    with arb.precision(200):
        exact = np.array([float(reference(differentiable, flint.arb(float(x)), order)) for x in z])  # type: ignore[arg-type]
    size = max(1.0, float(np.max(np.abs(exact))))
    np.testing.assert_allclose(values, exact, rtol=1e-9, atol=1e-12 * size)


def test_overflow_on_the_way_is_repaired() -> None:
    g = activation({"expr": "x*exp(x)/(1+exp(x))"})
    z = np.array([1000.0, -1000.0, 2.0])
    np.testing.assert_allclose(g.value(z), [1000.0, 0.0, 2 / (1 + np.exp(-2.0))], rtol=1e-15, atol=1e-300)
    assert g.value(np.float64(1000.0)) == 1000.0


def test_true_overflow_is_infinite_and_nan_stays() -> None:
    g = activation({"expr": "exp(x)"})
    assert np.isinf(g.value(np.array([1000.0]))[0])
    assert np.isnan(activation("tanh").value(np.array([np.nan, 1.0]))[0])


def test_float32_stays_float32(builtin: Activation, rng: np.random.Generator) -> None:
    z = rng.normal(size=(5, 4)).astype(np.float32)
    for order, result in enumerate(builtin.values(z, 4)):
        assert result.dtype == np.float32 and result.shape == z.shape
        size = max(1.0, float(np.max(np.abs(result))))
        np.testing.assert_allclose(result, builtin.value(z.astype(np.float64), order), atol=1e-5 * size)
    assert all(np.all(np.isfinite(r)) for r in builtin.values(np.array([1e30, -1e30, 100, -100], np.float32), 4))


def test_shapes_and_types(builtin: Activation) -> None:
    assert builtin.value(0.5).shape == ()
    assert builtin.value([1, 2, 3]).dtype == np.float64
    assert builtin.value(np.zeros((0, 3)), 2).shape == (0, 3)
    assert [r.shape for r in builtin.values(np.zeros((2, 3, 4)), 2)] == [(2, 3, 4)] * 3


def test_the_input_is_not_changed(builtin: Activation) -> None:
    z = np.linspace(-3, 3, 7)
    for result in builtin.values(z, 2):
        np.add(result, 1.0, out=result)
    assert np.array_equal(z, np.linspace(-3, 3, 7))


def test_leaky_relu_has_the_exact_slope() -> None:
    with arb.precision(500):
        difference = activation("leaky_relu").arb(flint.arb(-7)) * 100 + 7
    assert difference.contains(0) and difference.rad() < 1e-140


@pytest.mark.parametrize("spec", [*BUILTIN_NAMES, {"expr": "x*tanh(x)"}])
def test_pickled_and_cached(spec: object) -> None:
    g = activation(spec)  # type: ignore[arg-type]
    assert g is activation(spec)  # type: ignore[arg-type]
    assert pickle.loads(pickle.dumps(g)) is g  # noqa: S301 -- dumped on the same line
    assert g.spec == spec


@pytest.mark.parametrize("error", [0.0, 1e-300, 1.0, 1e300, np.inf])
def test_rounding_errors_are_bounds_or_infinite_at_every_magnitude(differentiable, error):
    z = np.array([0.0, 5e-324, 1e-160, 1.0, 40.0, 800.0, 1e160, 1.7e308])
    for bound in differentiable.rounding_errors(np.concatenate([-z, z]), np.full(2 * z.size, error), 2.0**-53):
        assert np.all(bound >= 0)
