"""What the user told NumPy and SciPy to do with floating-point errors, and Python with warnings, changes no answer."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import scipy.special

import verify
from tests.public_calls import CALLS, sample
from verify.outcomes import DagverifyError

OTHERWISE = {"Session.step", "RunFolder.run", "explain", "recommend"}
"""Answer otherwise the second time, or with another time to spend."""


@contextmanager
def strict() -> Iterator[None]:
    """Every floating-point error and every warning is an exception."""
    before = scipy.special.seterr(all="raise")
    try:
        with warnings.catch_warnings(), np.errstate(all="raise"):
            warnings.simplefilter("error")
            yield
    finally:
        scipy.special.seterr(**before)


def outcome(call: Callable[[], Any]) -> str:
    """Return the answer, or the refusal, as text without addresses of objects and names of new folders."""
    try:
        answer = repr(call())
    except DagverifyError as error:
        answer = f"{type(error).__name__}: {error}"
    return re.sub(r"0x[0-9a-f]+|/tmp\S*", "", answer)


@pytest.mark.parametrize("name", CALLS)
def test_a_public_function_answers_the_same(name: str) -> None:
    usual = outcome(lambda: CALLS[name](sample()))
    with strict():
        unusual = outcome(lambda: CALLS[name](sample()))
    assert unusual == usual or name in OTHERWISE


def problem(activation: Any, size_of_data: float, size_of_weights: float) -> verify.Problem:
    nodes = {
        "x": {"width": 2},
        "h": {"width": 2, "activation": activation, "inputs": ["x"]},
        "y": {"width": 1, "activation": "tanh", "inputs": ["h", "x"]},
    }
    architecture, rng = verify.Architecture.from_data(nodes, "y"), np.random.default_rng(0)
    w = rng.standard_normal(architecture.size) * size_of_weights
    data = rng.standard_normal((3, 2)) * size_of_data, rng.standard_normal((3, 1))
    return verify.Problem(architecture, *data, initial_weights=w, region=verify.Ball(w, 0.1))


EXTREMES = {
    "saturated": ("sigmoid", 1.0, 1e3),
    "underflowing": ("tanh", 1e-200, 1.0),
    "subnormal": ("tanh", 1e-310, 1.0),
    "overflowing": ("softplus", 1e150, 1.0),
    "beyond float64": ({"expr": "x**3"}, 1.0, 1e60),
    "flat": ({"expr": "exp(-x**2)"}, 1.0, 1e3),
}
ON_EXTREMES: dict[str, Callable[[verify.Problem, np.ndarray], Any]] = {
    "hessian_bound": lambda p, w: verify.hessian_bound(p),
    "norms": lambda p, w: verify.hessian_bound(p, method="norms"),
    "certified": lambda p, w: verify.train(p, steps=2),
    "guarded": lambda p, w: verify.train(p, steps=2, rule="guarded"),
    "fixed": lambda p, w: verify.train(p, steps=2, rule="fixed", eta=1e-3, tau=1e-3),
    "segment_bound": lambda p, w: verify.segment_bound(p, w, w, 0.1),
    "decide_decrease": lambda p, w: verify.decide_decrease(p, w, w * 1.0000001, maximal_precision=128),
    "check_gradient": lambda p, w: verify.check_gradient(p),
    "one_step_ranges": lambda p, w: verify.one_step_ranges(p, w, w * 0.99, ratios=(0.0, 1.0), etas=()),
    "error": lambda p, w: (p.error(w), p.error_and_gradient(w), p.hessian_vector(w, w)),
}

TOO_LONG = {("one_step_ranges", "underflowing"), ("one_step_ranges", "subnormal")}
ALL = [(n, e) for n in ON_EXTREMES for e in EXTREMES if (n, e) not in TOO_LONG]


@pytest.mark.parametrize(
    ("name", "extreme"),
    [pytest.param(*each, marks=pytest.mark.slow if place % 2 else ()) for place, each in enumerate(ALL)],
)
def test_extreme_numbers_are_answered_the_same(name: str, extreme: str) -> None:
    given = problem(*EXTREMES[extreme])
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        usual = outcome(lambda: ON_EXTREMES[name](given, given.initial_weights))
    with strict():
        unusual = outcome(lambda: ON_EXTREMES[name](given, given.initial_weights))
    assert unusual == usual
