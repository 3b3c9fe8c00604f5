"""Problems with every edge kind and activation, and the exact change of the error along a segment."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest

from tests.networks import IMAGE_NODES, make_problem
from tests.samples import always
from verify import Problem
from verify.calculus.exact import error_in_arb


def two_output_nodes(activation: Any) -> dict[str, Any]:
    return {
        "x": {"width": 2},
        "aside": {"width": 1},
        "h1": {"width": 3, "activation": activation, "inputs": ["x"]},
        "h2": {"width": 3, "activation": activation, "inputs": ["h1", {"from": "h1", "kind": "identity"}, "aside"]},
        "u": {"width": 1, "activation": "identity", "inputs": ["h2", "x"]},
        "y": {"width": 2, "activation": activation, "inputs": ["h2", "u"], "bias": False},
    }


def make_named_problem(name: str) -> Problem:
    if name == "image":
        return make_problem(IMAGE_NODES, samples=2, weight_decay=0.1)
    return make_problem(two_output_nodes(name), output=["u", "y"], samples=4, reduction="sum", weight_decay=0.25)


SMOOTH = ["tanh", "sigmoid", "softplus", "arctan", "erf", "gelu", "silu", "sin", "identity", "image"]


@pytest.fixture(params=always("tanh", "gelu", "sin", "identity", "image", of=SMOOTH))
def smooth_problem(request: pytest.FixtureRequest) -> Problem:
    return make_named_problem(request.param)


@pytest.fixture(params=["relu", "leaky_relu"])
def kinked_problem(request: pytest.FixtureRequest) -> Problem:
    return make_named_problem(request.param)


@pytest.fixture
def problem_of() -> Callable[..., Problem]:
    return make_problem


def dyadic(array: np.ndarray, bits: int = 12) -> np.ndarray:
    """Round to multiples of 2**-bits, so that w + t D is exact for t with few bits."""
    return np.round(array * 2.0**bits) / 2.0**bits


@pytest.fixture
def dyadic_point() -> Callable[..., np.ndarray]:
    return dyadic


def exactly_moved(w: np.ndarray, D: np.ndarray, t: float) -> np.ndarray:
    """Return w + t D after a check that float64 computed it exactly."""
    moved = w + t * D
    for a, d, b in zip(w.tolist(), D.tolist(), moved.tolist(), strict=True):
        if Fraction(a) + Fraction(t) * Fraction(d) != Fraction(b):
            raise ValueError(f"w + t D is not exact: w={a} t={t} D={d}")
    return moved


def exceeds(problem: Problem, w: np.ndarray, w_next: np.ndarray, bound: Fraction) -> bool:
    """Whether E(w_next) - E(w) > bound, decided in Arb."""
    for bits in (400, 4000):
        with flint.ctx.workprec(bits):
            change = error_in_arb(problem, w_next) - error_in_arb(problem, w)
            limit = flint.arb(flint.fmpq(bound.numerator, bound.denominator))
            above, below = change > limit, change <= limit
            if above != below:
                return bool(above)
    raise ArithmeticError(f"not decided at 4000 bits: {change} against {float(bound)}")


@pytest.fixture
def violations() -> Callable[..., int]:
    """Count the points t where the exact change of the error exceeds a polynomial bound."""

    def count(problem: Problem, w: np.ndarray, D: np.ndarray, bound: Any, times: Any) -> int:
        return sum(exceeds(problem, w, exactly_moved(w, D, float(t)), bound.at(float(t))) for t in times)

    return count


@pytest.fixture
def stored_exceeds() -> Callable[..., bool]:
    return exceeds
