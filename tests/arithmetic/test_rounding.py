"""The a-priori bounds themselves, against rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.arithmetic.rounding import (
    FLOOR,
    LONGEST_SUM,
    UNIT,
    ArithmeticDomainError,
    add_down,
    add_up,
    floor,
    gamma,
    inflation,
    next_above,
    refuse_nan,
    unit_roundoff,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


@DTYPES
@given(st.integers(0, 2**21))
def test_gamma_and_inflation_are_rounded_up_and_near(dtype, n):
    u = Fraction(float(unit_roundoff(dtype)))
    exact = n * u / (1 - n * u)
    bound = gamma(n, dtype)
    assert bound.dtype == dtype
    assert exact <= Fraction(float(bound)) <= exact * (1 + 2 * u)
    growth = inflation(n, dtype)
    assert growth.dtype == dtype
    # (1 + u)^n lost, then the product itself rounded down
    assert Fraction(float(growth)) * (1 - u) * (1 - n * u) >= 1
    assert Fraction(float(growth)) <= 1 / (1 - (n + 1) * u) + 2 * u


def test_the_floor_covers_the_underflow_of_the_longest_sum():
    for dtype in (np.float64, np.float32):
        smallest = Fraction(float(np.finfo(dtype).smallest_subnormal))
        assert LONGEST_SUM * smallest <= Fraction(float(unit_roundoff(dtype))) * Fraction(float(floor(dtype)))
    assert float(floor()) == FLOOR
    assert float(unit_roundoff()) == UNIT


def test_sums_too_long_and_other_formats_are_refused():
    with pytest.raises(ArithmeticDomainError, match="too long"):
        gamma(2**23, np.float32)
    with pytest.raises(ArithmeticDomainError, match="too long"):
        inflation(2**23, np.float32)
    with pytest.raises(ArithmeticDomainError, match="float64 or float32"):
        gamma(1, np.float16)


@given(FINITE)
def test_next_above_is_the_next_number(x):
    with np.errstate(over="ignore"):
        assert next_above(np.array(x)) == np.nextafter(x, np.inf)
    assert next_above(np.array(np.inf)) == np.inf
    assert next_above(np.array(-np.inf)) == -np.finfo(np.float64).max


@given(FINITE, FINITE)
def test_directed_sums_are_the_nearest_bounds(a, b):
    up, down = float(add_up(np.array(a), np.array(b))), float(add_down(np.array(a), np.array(b)))
    exact = Fraction(a) + Fraction(b)
    largest = Fraction(np.finfo(np.float64).max)
    assert up == np.inf if exact > largest else Fraction(up) >= exact
    assert down == -np.inf if exact < -largest else Fraction(down) <= exact
    if abs(exact) <= largest:
        assert up == down or float(np.nextafter(down, np.inf)) == up
        assert (up == down) == (Fraction(up) == exact)


def test_directed_sums_with_infinite_numbers():
    finite, infinite = np.array([1.0, -1e308]), np.array([np.inf, np.inf])
    assert add_up(finite, infinite).tolist() == [np.inf, np.inf]
    assert add_down(finite, -infinite).tolist() == [-np.inf, -np.inf]


def test_sums_without_direction_would_be_detected():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200))
    plain = [
        Fraction(s) >= Fraction(x) + Fraction(y)
        for s, x, y in zip((a + b).tolist(), a.tolist(), b.tolist(), strict=True)
    ]
    assert not all(plain)


def test_nan_is_located():
    with pytest.raises(ArithmeticDomainError, match=r"NaN.*position=\(1, 0\)"):
        refuse_nan(np.ones(3), np.array([[0.0], [np.nan]]), what="there")
    refuse_nan(np.ones(3), np.zeros(0), what="there")
