"""Theorem local_minimum: its condition is strict and exact, what it concludes is rounded outward."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.outcomes import InputError, Verdict
from verify.theorems.local_minimum import local_minimum

POSITIVE = st.floats(min_value=1e-60, max_value=1e60)


def test_the_condition_is_strict() -> None:
    edge = 0.5 * 1.0 / 4.0  # m radius / 4 at the recommended pair
    assert local_minimum(0.5, 2.0, 1.0, math.nextafter(edge, 0.0)).verdict is Verdict.PROVED
    assert local_minimum(0.5, 2.0, 1.0, edge).verdict is Verdict.UNDECIDED


@given(POSITIVE, st.floats(min_value=1.0, max_value=1e6), POSITIVE, POSITIVE)
def test_conclusions_are_rounded_outward(m: float, ratio: float, radius: float, gradient: float) -> None:
    found = local_minimum(m, m * ratio, radius, gradient)
    g, least, gain = Fraction(gradient), Fraction(m), Fraction(found.gain)
    eta, tau, bound = Fraction(found.eta), Fraction(found.tau), Fraction(m * ratio)
    assert gain <= eta - bound * eta**2 / 2 - abs(1 - bound * eta) * tau - bound * tau**2 / 2
    assert (found.verdict is Verdict.PROVED) == ((eta + tau) * g < Fraction(radius) * gain * least and gain > 0)
    assert Fraction(found.distance) >= g / least and Fraction(found.excess) >= g**2 / (2 * least)
    assert 0 <= Fraction(found.rate) <= 2 * least * gain
    assert (found.remedy is None) == (found.verdict is Verdict.PROVED)


def test_a_gradient_of_zero_is_at_the_minimum() -> None:
    found = local_minimum(0.5, 2.0, 1.0, 0.0)
    assert (found.verdict, found.distance, found.excess, found.room) == (Verdict.PROVED, 0.0, 0.0, math.inf)


@pytest.mark.parametrize(
    "numbers",
    [
        {"m": 0.0},
        {"m": -1.0},
        {"L": math.inf},
        {"radius": 0.0},
        {"gradient_norm": -1.0},
        {"gradient_norm": math.nan},
        {"eta": 0.5},
        {"tau": 0.1},
        {"eta": 2.0, "tau": 0.0},
    ],
)
def test_hypotheses_are_checked(numbers: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        local_minimum(**{"m": 0.5, "L": 2.0, "radius": 1.0, "gradient_norm": 0.01, **numbers})


def test_a_least_curvature_above_the_largest_proves_nothing() -> None:
    assert local_minimum(3.0, 2.0, 1.0, 1e-9).verdict is Verdict.UNDECIDED
