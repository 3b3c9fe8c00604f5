"""Conversions to and from Arb: exact one way, outward and near the other."""

from __future__ import annotations

from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.arithmetic import arb
from verify.arithmetic.rounding import ArithmeticDomainError

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def fraction(ball) -> Fraction:
    mantissa, exponent = ball.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


@given(FINITE)
def test_float64_becomes_exact_and_comes_back(x):
    ball = arb.exact(x)
    assert ball.is_exact()
    assert fraction(ball) == Fraction(x)
    assert arb.bounds(ball) == (x, x)


@given(FINITE, FINITE, st.integers(53, 300))
def test_bounds_are_outward_and_near(a, b, bits):
    exact = Fraction(a) * Fraction(b)
    with arb.precision(bits):
        low, high = arb.bounds(arb.exact(a) * arb.exact(b))
    assert low == -np.inf or Fraction(low) <= exact
    assert high == np.inf or Fraction(high) >= exact
    if bits >= 200 and np.isfinite(low) and np.isfinite(high):
        assert high <= np.nextafter(low, np.inf)


def test_bounds_of_extreme_balls():
    assert arb.bounds(arb.exact(5e-324) / 2) == (0.0, 5e-324)
    assert arb.bounds(-arb.exact(5e-324) / 2) == (-5e-324, 0.0)
    largest = float(np.finfo(np.float64).max)
    assert arb.bounds(arb.exact(largest) * 2) == (largest, np.inf)
    assert arb.bounds(-arb.exact(largest) * 2) == (-np.inf, -largest)
    assert arb.bounds(flint.arb(0, np.inf)) == (-np.inf, np.inf)
    with pytest.raises(ArithmeticDomainError, match="NaN"):
        arb.bounds(flint.arb("nan"))


def test_arrays_keep_their_shape():
    x = np.arange(6.0).reshape(2, 3)
    balls = arb.exact(x)
    with arb.precision(100):
        low, high = arb.bounds(arb.elementwise(lambda ball: ball.exp())(balls))
    assert low.shape == high.shape == (2, 3)
    assert np.all(low <= high)
    assert np.all(high <= np.nextafter(low, np.inf))
    assert arb.bounds(arb.exact(x))[0].tolist() == x.tolist()
    product = arb.elementwise(lambda p, q: p * q)(balls, arb.exact(2.0))
    assert arb.bounds(product)[0].tolist() == (2 * x).tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad):
    with pytest.raises(ArithmeticDomainError):
        arb.exact([1.0, bad])


def test_hull():
    ball = arb.hull(-1.0, 2.0)
    assert ball.contains(arb.exact(-1.0))
    assert ball.contains(arb.exact(2.0))
    assert not arb.hull(-np.inf, 0.0).is_finite()
    for low, high in ((1.0, 0.0), (np.nan, 1.0)):
        with pytest.raises(ArithmeticDomainError, match="above"):
            arb.hull(low, high)


def test_precision_is_restored_also_after_an_error():
    before = flint.ctx.prec
    with pytest.raises(KeyError), arb.precision(777):
        assert flint.ctx.prec == 777
        raise KeyError
    assert flint.ctx.prec == before


def test_leading_bits():
    assert arb.leading_bits(arb.exact(-0.7), 2) == -0.75
    with pytest.raises(ArithmeticDomainError, match="does not decide"):
        arb.leading_bits(arb.hull(0.0, 1.0), 2)
