"""The direction-aware range: sharp for each alignment, the sharp range where nothing is known."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.outcomes import InputError, Verdict
from verify.theorems.direction_aware import change_per_squared_gradient, decreases, momentum_limit
from verify.theorems.ranges import RANGES

CURVATURES = st.floats(min_value=1e-3, max_value=1e3)
PARTS = st.floats(min_value=0.01, max_value=1.0)
HALF_TANGENTS = st.fractions(min_value=-5, max_value=5, max_denominator=50)


@given(CURVATURES, PARTS)
def test_with_an_unknown_direction_it_is_the_sharp_range(L: float, part: float) -> None:
    eta = part * RANGES["sharp"].eta_limit(L)
    assert momentum_limit(L, eta, (-1.0, 1.0)) == RANGES["sharp"].momentum_limit(L, eta)


@given(CURVATURES, PARTS, HALF_TANGENTS)
def test_it_is_sharp_on_the_bowl_for_every_alignment(L: float, part: float, t: Fraction) -> None:
    eta, exact_L = part * RANGES["sharp"].eta_limit(L), Fraction(L)
    cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    limit = momentum_limit(L, eta, (cosine, cosine))
    g = exact_L  # gradient (L, 0) of E = L/2 |w|^2 at w = (1, 0)
    for tau, sign in ((Fraction(limit), -1), (Fraction(math.nextafter(limit, math.inf)), 1)):
        after = (1 - Fraction(eta) * g - tau * g * cosine, -tau * g * sine)
        change = exact_L / 2 * (after[0] ** 2 + after[1] ** 2 - 1)
        assert change == change_per_squared_gradient(exact_L, Fraction(eta), cosine, tau) * g**2
        assert change <= 0 if sign < 0 else change > 0
        assert (decreases(L, eta, tau, (cosine, cosine)) is Verdict.PROVED) == (sign < 0)


@given(CURVATURES, PARTS, st.tuples(HALF_TANGENTS, HALF_TANGENTS))
def test_an_enclosure_of_the_alignment_allows_no_more_than_its_ends(
    L: float, part: float, tangents: tuple[Fraction, Fraction]
) -> None:
    eta = part * RANGES["sharp"].eta_limit(L)
    low, high = sorted((1 - t * t) / (1 + t * t) for t in tangents)
    limits = [momentum_limit(L, eta, (end, end)) for end in (low, high)]
    assert momentum_limit(L, eta, (low, high)) == min(limits)


@pytest.mark.parametrize("alignment", [(-1.5, 0.0), (0.5, 0.25), (0.0, 1.1)])
def test_bad_alignment(alignment: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="alignment"):
        decreases(1.0, 0.5, 0.1, alignment)


def test_needs_a_learning_rate_below_two_over_curvature() -> None:
    for call in (lambda: decreases(1.0, 2.0, 0.1, (0.0, 0.0)), lambda: momentum_limit(1.0, 2.0, (0.0, 0.0))):
        with pytest.raises(InputError, match="eta < 2/L"):
            call()
