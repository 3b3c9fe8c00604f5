"""Exact rationals: directed rounding, square roots, inner products."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from verify.arithmetic import rational
from verify.outcomes import InputError

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
FRACTIONS = (
    st.fractions() | FLOATS.map(Fraction) | st.tuples(FLOATS, FLOATS).map(lambda ab: Fraction(ab[0]) * Fraction(ab[1]))
)


@given(FRACTIONS)
def test_rounding_is_directed_and_tight(value: Fraction) -> None:
    low, high = rational.round_down(value), rational.round_up(value)
    if math.isfinite(low):
        assert Fraction(low) <= value
        above = math.nextafter(low, math.inf)
        assert math.isinf(above) or Fraction(above) > value
    else:
        assert value < -Fraction(np.finfo(float).max)
    assert high == -rational.round_down(-value)


@given(FRACTIONS.map(abs))
def test_square_roots_enclose(value: Fraction) -> None:
    low, high = rational.sqrt_down(value), rational.sqrt_up(value)
    assert low**2 <= value <= high**2
    assert high - low <= low / 2**150


def test_perfect_squares_have_exact_roots() -> None:
    assert rational.sqrt_down(Fraction(49, 64)) == rational.sqrt_up(Fraction(49, 64)) == Fraction(7, 8)


def test_negative_numbers_have_no_root() -> None:
    with pytest.raises(InputError, match="no real square root"):
        rational.sqrt_down(Fraction(-1))


@given(st.integers(0, 6).flatmap(lambda n: st.tuples(*[arrays(np.float64, n, elements=FLOATS)] * 2)))
def test_inner_products_are_exact(vectors: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = vectors
    expected = sum((Fraction(float(x)) * Fraction(float(y)) for x, y in zip(a, b, strict=True)), Fraction(0))
    assert rational.dot(a, b) == expected


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(InputError, match="not a finite number"):
        rational.dot(np.array([np.inf]), np.array([1.0]))
