"""Tails: the functions of a half-line stay inside, whatever they are composed of."""

from __future__ import annotations

import flint
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from verify.activations import X
from verify.activations.lowering import PRIMITIVES
from verify.activations.profile import FormulaPiece
from verify.activations.tail_numbers import TailArithmetic
from verify.activations.tails import Tail, TailUnknownError, ball_of
from verify.arithmetic import arb
from verify.outcomes import InputError

UNARY = ("tanh", "sigmoid", "softplus", "atan", "erf", "sin", "cos", "exp", "recip", "sqrt", "log")
LEAVES = st.sampled_from([X, X, X, 2 * X, -X / 3, X + 1, X**2, 1 + X**2, -(X**2)])


def _call(name: str, inner: object) -> object:
    return PRIMITIVES[name].xreplace({X: inner})


FORMULAS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(_call, st.sampled_from(UNARY), inner),
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a * b, inner, inner),
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=150)
@given(FORMULAS, st.sampled_from([0.25, 1.0, 4.0, 32.0]), st.sampled_from([1, -1]), st.integers(0, 2))
def test_values_lie_in_the_tail(formula: object, start: float, side: int, order: int) -> None:
    assume(formula.has(X))  # type: ignore[attr-defined]
    with arb.precision(200):
        try:
            program = FormulaPiece(formula).program(order)
            arithmetic = TailArithmetic(flint.arb(start))
            tail = program.run(arithmetic, arithmetic.variable(side))[0]
        except (TailUnknownError, InputError):
            assume(False)
        assume(isinstance(tail, Tail))
        for y in (start, start * 1.37, start + 2.5, start * 10, start * 300):
            value = _exact(formula, order, side * y)
            if value is None:
                continue
            point = flint.arb(y)
            weight = point ** flint.arb(flint.fmpq(tail.degree.numerator, tail.degree.denominator))
            weight *= (-flint.arb(flint.fmpq(tail.rate.numerator, tail.rate.denominator)) * point).exp()
            head = sum((ball_of(c) * point**power for power, c in enumerate(tail.head)), flint.arb(0))
            rest = value - head
            assert not rest < (tail.span.low * weight).lower(), (formula, order, side, y)
            assert not rest > (tail.span.high * weight).upper(), (formula, order, side, y)


def _exact(formula: object, order: int, x: float) -> object:
    from verify.activations.arb_numbers import ARB

    value = FormulaPiece(formula).program(order).run(ARB, flint.arb(x))[0]
    return value if value.is_finite() else None


@pytest.mark.parametrize(
    ("name", "side", "limit"),
    [("tanh", 1, 1), ("tanh", -1, -1), ("sigmoid", -1, 0), ("erf", 1, 1), ("softplus", -1, 0)],
)
def test_limits(name: str, side: int, limit: int) -> None:
    with arb.precision(200):
        arithmetic = TailArithmetic(flint.arb(20))
        tail = FormulaPiece(PRIMITIVES[name]).program(0).run(arithmetic, arithmetic.variable(side))[0]
        low, high = tail.bounds()
        assert tail.limit == limit
        assert low <= limit <= high and high - low < 1e-8


def test_what_grows_is_not_bounded() -> None:
    with arb.precision(200):
        arithmetic = TailArithmetic(flint.arb(4))
        tail = FormulaPiece(PRIMITIVES["softplus"]).program(0).run(arithmetic, arithmetic.variable(1))[0]
        assert tail.grows() and tail.sign() == 1
        with pytest.raises(TailUnknownError):
            tail.bounds()


def test_oscillation_has_no_sign() -> None:
    with arb.precision(200):
        arithmetic = TailArithmetic(flint.arb(4))
        tail = FormulaPiece(PRIMITIVES["sin"]).program(0).run(arithmetic, arithmetic.variable(1))[0]
        assert tail.sign() == 0 and not tail.grows()
        assert [float(b) for b in tail.bounds()] == [-1.0, 1.0]
