"""What the tests of activations share: the functions under test and an independent evaluation of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np
import pytest

from verify.activations import BUILTIN_NAMES, Activation, activation
from verify.arithmetic import arb
from verify.certificates.checker.functions import Function

SMOOTH = tuple(name for name in BUILTIN_NAMES if "relu" not in name)
FORMULAS = (
    "x/(1+exp(-1.702*x))",
    "1/(2+exp(x/3)+exp(-0.1*x))",
    "exp(-0.3*log(1+x*x))",
    "sqrt(exp(0.2*x)/(1+exp(x)))",
    "x*tanh(log(1+exp(x)))",
    "x/sqrt(1+x**2)",
    "exp(-x**2)",
    "sin(x)*exp(-x**2/2)",
    "1/(1+exp(-x)+exp(x))",
    "tanh(30*x)+0.1*x",
    "log(2+sin(x))",
    "x**3/3-x",
    "softplus(10*x)/10",
    "exp(-exp(-x))",
    "sqrt(1+x**2)-1",
    "x*sin(x)",
    "tanh(x/1000)",
)
EQUAL = 1e-300


def evaluate(g: Activation, x: Any, order: int) -> Any:
    """The derivative over a ball by the certificate checker's truncated power series, which share no code with `g`."""
    return Function(g.spec, "test").derivatives(x, order)[order]


def assert_between(g: Activation, x: float, order: int, low: float, high: float) -> None:
    """Assert ``low <= g^(order)(x) <= high`` without slack, at as many bits as it takes to decide."""
    for bits in (100, 400, 1600, 6400):
        with arb.precision(bits):
            value = evaluate(g, flint.arb(float(x)), order)
            above = low == -np.inf or value >= flint.arb(low)
            below = high == np.inf or value <= flint.arb(high)
            if above and below:
                return
            assert low == -np.inf or not value < flint.arb(low), (g.name, order, x, low, str(value))
            assert high == np.inf or not value > flint.arb(high), (g.name, order, x, high, str(value))
    # an end that equals the value is never decided
    assert value.rad() < EQUAL, (g.name, order, x, low, high, str(value))


@pytest.fixture
def reference() -> Callable[[Activation, Any, int], Any]:
    return evaluate


@pytest.fixture
def between() -> Callable[[Activation, float, int, float, float], None]:
    return assert_between


@pytest.fixture(params=BUILTIN_NAMES)
def builtin(request: pytest.FixtureRequest) -> Activation:
    return activation(request.param)


@pytest.fixture(params=SMOOTH)
def smooth(request: pytest.FixtureRequest) -> Activation:
    return activation(request.param)


@pytest.fixture(params=[*SMOOTH, *FORMULAS])
def differentiable(request: pytest.FixtureRequest) -> Activation:
    """Built-ins and formulas without kinks."""
    return activation(request.param if request.param in SMOOTH else {"expr": request.param})


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240607)
