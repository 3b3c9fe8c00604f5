"""Limits are admissible, tight to one float64, and nested as the theorems say; errors name the hypothesis."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.arithmetic.intervals import Interval
from verify.outcomes import InputError, Verdict
from verify.theorems.ranges import RANGES, eta_limit, gain, momentum_range, range_of, recommended

CURVATURES = st.floats(min_value=1e-300, max_value=1e300)
PARTS = st.floats(min_value=0.0, max_value=1.0, exclude_min=True) | st.floats(min_value=1e-300, max_value=1e-10)
NAMES = st.sampled_from(sorted(RANGES))


def learning_rate(name: str, L: float, part: float) -> float:
    return max(part * RANGES[name].eta_limit(L), math.ulp(0.0))


def above(number: float) -> Fraction:
    return Fraction(math.nextafter(number, math.inf))


@given(NAMES, CURVATURES)
def test_eta_limit_is_admissible_and_tight(name: str, L: float) -> None:
    limit = eta_limit(L, name)
    assert RANGES[name].admits(Fraction(L), Fraction(limit), Fraction(0))
    assert not RANGES[name].admits(Fraction(L), above(limit), Fraction(0))


@given(NAMES, CURVATURES, PARTS)
def test_momentum_limit_is_admissible_and_tight(name: str, L: float, part: float) -> None:
    eta = learning_rate(name, L, part)
    lowest, limit = momentum_range(L, eta, name)
    assert lowest == 0.0
    assert RANGES[name].admits(Fraction(L), Fraction(eta), Fraction(limit))
    assert not RANGES[name].admits(Fraction(L), Fraction(eta), above(limit))


@given(CURVATURES, PARTS)
def test_admissible_is_what_the_formulas_of_the_theorems_say(L: float, part: float) -> None:
    eta = Fraction(learning_rate("sharp", L, part))
    exact = Fraction(L)
    sharp, triangle, heavy_ball = (
        Fraction(RANGES[n].momentum_limit(L, eta)) for n in ("sharp", "triangle", "heavy_ball")
    )
    assert sharp <= min(eta, 2 / exact - eta) < above(float(sharp))
    root_squared = 1 + 4 * exact * eta
    assert (1 + exact * (triangle + eta)) ** 2 <= root_squared < (1 + exact * (above(float(triangle)) + eta)) ** 2
    assert heavy_ball <= 1 - exact * eta / 2 < above(float(heavy_ball))


@given(NAMES, CURVATURES, PARTS, st.floats(min_value=0.0, max_value=1.0))
def test_gain_is_rounded_down_and_never_negative(name: str, L: float, part: float, share: float) -> None:
    eta = learning_rate(name, L, part)
    momentum = share * RANGES[name].momentum_limit(L, eta)
    published = gain(L, eta, momentum, name)
    exact = RANGES[name].exact_gain(Fraction(L), Fraction(eta), Fraction(momentum))
    assert 0 <= Fraction(published) <= exact
    assert published == float(np.finfo(float).max) or exact < above(published)


@given(CURVATURES, PARTS)
def test_triangle_lies_in_sharp(L: float, part: float) -> None:
    eta = learning_rate("triangle", L, part)
    tau = RANGES["triangle"].momentum_limit(L, eta)
    assert RANGES["sharp"].contains(L, eta, tau) is Verdict.PROVED
    assert gain(L, eta, tau, "triangle") <= gain(L, eta, tau, "sharp")


@given(CURVATURES, PARTS)
def test_sharp_allows_four_times_the_momentum_of_triangle(L: float, part: float) -> None:
    exact = Fraction(L)
    eta = Fraction(learning_rate("triangle", L, part))
    assert not RANGES["triangle"].admits(exact, eta, above(float(Fraction(1, 4) / exact)))
    assert RANGES["triangle"].admits(exact, Fraction(3, 4) / exact, Fraction(1, 4) / exact)
    assert RANGES["sharp"].admits(exact, 1 / exact, 4 * Fraction(1, 4) / exact)
    assert not RANGES["sharp"].admits(exact, eta, above(float(1 / exact)))


@given(NAMES, CURVATURES)
def test_named_settings_are_admissible(name: str, L: float) -> None:
    for eta, momentum in (RANGES[name].largest(L), recommended(L, name)):
        assert RANGES[name].contains(L, eta, momentum) is Verdict.PROVED
    assert gain(L, *recommended(L, name), name) > 0


@pytest.mark.parametrize("L", [0.25, 1.0, 8.0])
def test_recommended_setting_of_sharp_gains_three_quarters_of_plain_descent(L: float) -> None:
    assert recommended(L) == (1 / L, 1 / (2 * L))
    assert gain(L, 1 / L, 1 / (2 * L)) == 3 / (8 * L)
    assert gain(L, 1 / L, 0.0) == 1 / (2 * L)


@pytest.mark.parametrize("L", [0.25, 1.0, 8.0])
def test_largest_momentum_and_corners(L: float) -> None:
    assert RANGES["triangle"].largest(L) == (3 / (4 * L), 1 / (4 * L))
    assert RANGES["sharp"].largest(L) == (1 / L, 1 / L)
    assert RANGES["heavy_ball"].largest(L) == (2.0**-52 / L, 1 - 2.0**-53)
    assert RANGES["sharp"].corners(L) == ((0.0, 0.0), (1 / L, 1 / L), (2 / L, 0.0))
    assert RANGES["triangle"].corners(L) == ((0.0, 0.0), (3 / (4 * L), 1 / (4 * L)), (2 / L, 0.0))
    assert RANGES["heavy_ball"].corners(L) == ((0.0, 0.0), (0.0, 1.0), (2 / L, 0.0))


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("L", [0.3, 2.0, 1e9])
def test_a_border_is_admitted_and_the_next_number_is_not(name: str, L: float) -> None:
    admissible = RANGES[name]
    start, *points = admissible.border(L, 7)
    assert start[0] == 0.0 and points[-1][0] == admissible.eta_limit(L)
    assert [eta for eta, _ in points] == sorted({eta for eta, _ in points})
    for eta, momentum in points:
        assert admissible.contains(L, eta, momentum) is Verdict.PROVED
        assert admissible.contains(L, eta, math.nextafter(momentum, math.inf)) is Verdict.UNDECIDED


def test_outside_the_range_nothing_is_proved_and_nothing_is_returned() -> None:
    for name, momentum in (("sharp", 0.500001), ("triangle", 0.3), ("heavy_ball", 0.750001)):
        assert RANGES[name].contains(1.0, 0.5, momentum) is Verdict.UNDECIDED
        with pytest.raises(InputError, match=f"outside the range of theorem {name}: L=1.0, eta=0.5"):
            gain(1.0, 0.5, momentum, name)
    assert RANGES["heavy_ball"].contains(1e-9, 1e-9, 1.0) is Verdict.UNDECIDED


@pytest.mark.parametrize("name", sorted(RANGES))
@pytest.mark.parametrize(
    ("L", "eta", "hypothesis"),
    [
        (0.0, 0.1, "L > 0"),
        (-1.0, 0.1, "L > 0"),
        (math.nan, 0.1, "finite L"),
        (math.inf, 0.1, "finite L"),
        (1e-320, 0.1, "2/L exceeds"),
        (Fraction(10) ** 400, 0.1, "2/L is below"),
        (1.0, 0.0, "eta > 0"),
        (1.0, -0.1, "eta > 0"),
        (1.0, math.nan, "finite eta"),
        (1.0, math.inf, "finite eta"),
        (1.0, 2.0000000000000004, "smaller learning rate"),
        (True, 0.1, "not a number"),
        ("1", 0.1, "not a number"),
        (np.ones(2), 0.1, "not a number"),
    ],
)
def test_a_failing_hypothesis_is_named(name: str, L: object, eta: float, hypothesis: str) -> None:
    with pytest.raises(InputError, match=hypothesis) as caught:
        momentum_range(L, eta, name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["sharp", "triangle"])
def test_the_learning_rate_two_over_curvature_is_excluded(name: str) -> None:
    with pytest.raises(
        InputError, match=r"needs a smaller learning rate: L=1\.0, eta=2\.0; use eta <= 1\.9999999999999998"
    ):
        momentum_range(1.0, 2.0, name)


@pytest.mark.parametrize("momentum", [math.nan, -0.1, math.inf])
def test_bad_momentum(momentum: float) -> None:
    for name, symbol in (("sharp", "tau"), ("heavy_ball", "mu")):
        with pytest.raises(InputError, match=symbol):
            RANGES[name].contains(1.0, 0.5, momentum)


def test_unknown_theorem() -> None:
    with pytest.raises(InputError, match="unknown theorem: theorem='adam'; use one of triangle, sharp, from_rest, "):
        range_of("adam")


def test_numbers_of_every_kind_are_read_exactly() -> None:
    expected = momentum_range(2.0, 0.75)
    for L in (2, np.float64(2.0), np.array(2.0), Fraction(2), Interval.from_bounds(1.0, 2.0), np.int64(2)):
        assert momentum_range(L, Fraction(3, 4)) == expected
    assert momentum_range(np.float32(0.1), np.float32(0.1)) == momentum_range(
        float(np.float32(0.1)), float(np.float32(0.1))
    )


@pytest.mark.parametrize("name", sorted(RANGES))
@pytest.mark.parametrize(("eta", "size"), [(50.0, 0.0), (50.0, 0.3), (0.25, 0.999), (0.125, 0.875)])
def test_a_setting_outside_is_refused_with_the_remedy_for_both_its_numbers(name: str, eta: float, size: float) -> None:
    admissible = RANGES[name]
    if admissible.contains(2.0, eta, size) is Verdict.PROVED:
        assert admissible.gain(2.0, eta, size) >= 0
        return
    with pytest.raises(InputError) as caught:
        admissible.gain(2.0, eta, size)
    assert caught.value.remedy == admissible.remedy(2.0, eta, size)
    assert {"L", "eta", admissible.momentum_name} == set(caught.value.values)
