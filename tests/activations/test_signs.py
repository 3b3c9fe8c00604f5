"""Signs by form, and formulas that are smooth though an infimum is zero or an exponent is no float64 number."""

from __future__ import annotations

from fractions import Fraction

import flint
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.activations import X, activation
from verify.activations.arb_numbers import ARB
from verify.activations.profile import FormulaPiece
from verify.activations.signs import always_positive
from verify.arithmetic import arb
from verify.outcomes import InputError

FORMS = st.recursive(
    st.sampled_from([X, sympy.Integer(1), sympy.Rational(-1, 3), sympy.Integer(0), X**2]),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, b: a * b, inner, inner),
        st.builds(sympy.exp, inner),
        st.builds(lambda a: a**2, inner),
        st.builds(lambda a: sympy.log(1 + a**2), inner),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=100)
@given(FORMS, st.floats(-20, 20))
def test_what_is_called_positive_is(expression: sympy.Expr, x: float) -> None:
    if always_positive(expression):
        with arb.precision(200):
            value = FormulaPiece(expression).program(0).run(ARB, flint.arb(x))[0]
        assert not value <= 0


@pytest.mark.parametrize(
    ("text", "order", "least", "most"),
    [
        ("x/(1+exp(-1.702*x))", 1, "1.0998", 1.0999),
        ("log(1+exp(0.1*x))", 1, "0.1", 0.1000001),
        ("1/(1+exp(-x/3))", 1, "1/12", 1 / 12 + 1e-12),
        ("log(1+exp(sqrt(2)*x))", 1, "1.414213562373095", 2**0.5 + 1e-12),
        ("exp(0.3*log(1+x*x))", 1, "0.3947", 0.3948),
        ("exp(-0.3*log(1+x*x))", 0, "1", 1.0 + 1e-12),
        ("sqrt(sqrt(1+x*x))", 1, "0.3102", 0.3103),
        ("sqrt(1/exp(x*x))", 0, "1", 1.0 + 1e-12),
        ("log(1/(1+exp(-x)))", 1, "1", 1.0 + 1e-12),
    ],
)
def test_smooth_formulas_get_tight_constants(text: str, order: int, least: str, most: float) -> None:
    """What they are at least is exact: the supremum, or decimals of it below every float64 number that is smaller."""
    assert Fraction(least) <= Fraction(activation({"expr": text}).supremum(order)) <= Fraction(most)


@pytest.mark.parametrize("text", ["x**0.3", "exp(0.3*log(x))", "sqrt(x*x)", "log(exp(x)-1)", "1/(exp(x)-1)", "1/x"])
def test_what_is_not_smooth_everywhere_stays_refused(text: str) -> None:
    with pytest.raises(InputError):
        activation({"expr": text})
