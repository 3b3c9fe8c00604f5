"""Random formulas: whatever is accepted has ranges and bounds that hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from verify.activations import activation
from verify.arithmetic.intervals import Interval
from verify.outcomes import InputError

LEAVES = st.sampled_from(["x", "x", "2*x", "x/3", "(x+1)", "x**2", "(1+x**2)", "(2-x)", "0.7"])
UNARY = st.sampled_from(
    ["tanh", "sigmoid", "softplus", "atan", "erf", "sin", "cos", "exp", "sqrt", "log", "exp(-", "1/("]
)


def _call(name: str, inner: str) -> str:
    opened = name if "(" in name else name + "("
    return f"{opened}{inner})"


TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(_call, UNARY, inner),
        st.builds(lambda a, sign, b: f"({a}{sign}{b})", inner, st.sampled_from("+-*"), inner),
    ),
    max_leaves=4,
)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, order=st.integers(0, 3), seed=st.integers(0, 2**32 - 1))
def test_ranges_and_enclosures_hold(text: str, order: int, seed: int, between: Callable[..., None]) -> None:
    try:
        g = activation({"expr": text})
    except InputError:
        assume(False)
    rng = np.random.default_rng(seed)
    lower = rng.normal(size=12) * 10.0 ** rng.integers(-1, 2, size=12)
    upper = lower + 10.0 ** rng.uniform(-12, 1.5, size=12)
    low, high = g.range(order, lower, upper)
    enclosure = g.enclosure(Interval.from_bounds(lower, upper), order)
    bound = g.supremum(order)
    for i in range(lower.size):
        for x in (lower[i], upper[i], rng.uniform(lower[i], upper[i])):
            between(g, x, order, max(low[i], enclosure.lower[i], -bound), min(high[i], enclosure.upper[i], bound))
