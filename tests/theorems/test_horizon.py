"""The horizon's inequality is decided exactly and its limits are the last ones that it proves."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.outcomes import InputError, Verdict
from verify.theorems.horizon import error_lower_bound, horizon, largest_eta
from verify.theorems.ranges import RANGES

POSITIVE = st.floats(min_value=1e-6, max_value=1e6)
RATES = st.sampled_from(["sharp", "heavy_ball"])


def inequality_holds(
    name: str, L: float, gap: Fraction, eta: float, momentum: float, radius: float, steps: int
) -> bool:
    """The theorem's inequality, squared, as it stands in the literature of each rule."""
    rate, size, room = Fraction(eta), Fraction(momentum), Fraction(radius)
    if name == "heavy_ball":
        return steps * gap <= room**2 * (1 / rate - Fraction(L) / 2 - size / rate)
    c = rate - Fraction(L) * rate**2 / 2 - abs(1 - Fraction(L) * rate) * size - Fraction(L) * size**2 / 2
    return (rate + size) ** 2 * steps * gap <= room**2 * c


@given(RATES, POSITIVE, POSITIVE, POSITIVE, st.floats(0.01, 0.99), st.floats(0.0, 0.9))
def test_largest_steps_is_the_last_that_is_proved(
    name: str, L: float, error: float, radius: float, part: float, share: float
) -> None:
    eta = part * RANGES[name].eta_limit(L)
    momentum = share * RANGES[name].momentum_limit(L, eta)
    limit = horizon(L, error, 0.0, eta, momentum, radius, 1, name).largest_steps
    assert limit is not None
    assert not inequality_holds(name, L, Fraction(error), eta, momentum, radius, limit + 1)
    assert horizon(L, error, 0.0, eta, momentum, radius, limit + 1, name).verdict is Verdict.UNDECIDED
    if limit > 0:
        assert inequality_holds(name, L, Fraction(error), eta, momentum, radius, limit)
        last = horizon(L, error, 0.0, eta, momentum, radius, limit, name)
        assert last.verdict is Verdict.PROVED
        assert Fraction(math.nextafter(last.required_radius, 0.0)) < Fraction(radius)


@given(RATES, POSITIVE, POSITIVE, st.floats(0.01, 0.99), st.floats(0.0, 0.9), st.integers(1, 1000))
def test_the_required_radius_is_rounded_up_by_less_than_one_float(
    name: str, L: float, error: float, part: float, share: float, steps: int
) -> None:
    eta = part * RANGES[name].eta_limit(L)
    momentum = share * RANGES[name].momentum_limit(L, eta)
    needed = horizon(L, error, 0.0, eta, momentum, 1.0, steps, name).required_radius
    assert inequality_holds(name, L, Fraction(error), eta, momentum, needed, steps)
    assert not inequality_holds(name, L, Fraction(error), eta, momentum, math.nextafter(needed, 0.0), steps)


@given(RATES, POSITIVE, POSITIVE, POSITIVE, st.integers(1, 10**6), st.floats(0.0, 0.99))
def test_largest_eta_is_proved_and_tight(
    name: str, L: float, error: float, radius: float, steps: int, part: float
) -> None:
    eta, momentum = largest_eta(L, error, 0.0, radius, steps, part, name)
    assert horizon(L, error, 0.0, eta, momentum, radius, steps, name).verdict is Verdict.PROVED
    further = math.nextafter(eta, math.inf)
    size = Fraction(part) * Fraction(further) if name == "sharp" else Fraction(part)
    assert not inequality_holds(name, L, Fraction(error), further, size, radius, steps)


@given(RATES, POSITIVE, POSITIVE, st.floats(0.0, 0.99))
def test_nothing_to_lose_has_no_horizon(name: str, L: float, radius: float, part: float) -> None:
    eta, momentum = largest_eta(L, 1.0, 1.0, radius, 5, part, name)
    statement = horizon(L, 1.0, 1.0, eta, momentum, radius, 5, name)
    assert (statement.verdict, statement.largest_steps, statement.required_radius) == (Verdict.PROVED, None, 0.0)
    assert statement.gain >= 0


def test_a_tighter_infimum_lengthens_the_horizon() -> None:
    infimum = error_lower_bound(1.0, 0.1, 0.5, 2.0)
    assert infimum == pytest.approx(0.7)
    assert Fraction(infimum) <= 1 - Fraction(0.1) * Fraction(0.5) - 2 * Fraction(0.5) ** 2 / 2
    near = horizon(2.0, 1.0, infimum, 0.01, 0.005, 0.5, 1).largest_steps
    far = horizon(2.0, 1.0, 0.0, 0.01, 0.005, 0.5, 1).largest_steps
    assert near is not None
    assert far is not None
    assert near >= 3 * far
    assert error_lower_bound(1.0, 10.0, 0.5, 2.0) == 0.0


def test_settings_that_gain_nothing_or_lie_outside() -> None:
    with pytest.raises(InputError, match=r"can gain nothing: L=1\.0, eta=1\.0, tau=1\.0"):
        horizon(1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1)
    with pytest.raises(InputError, match=r"can gain nothing: L=1\.0, eta=1\.0, mu=0\.5"):
        horizon(1.0, 1.0, 0.0, 1.0, 0.5, 1.0, 1, "heavy_ball")
    with pytest.raises(InputError, match="outside the range of theorem triangle"):
        horizon(1.0, 1.0, 0.0, 0.5, 0.4, 1.0, 1, "triangle")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"error_upper": math.nan}, "finite error_upper"),
        ({"error_infimum": 2.0}, "below its own infimum"),
        ({"radius": 0.0}, "radius > 0"),
        ({"radius": math.inf}, "finite radius"),
        ({"steps": 0}, "positive integer"),
        ({"steps": 2.0}, "positive integer"),
        ({"steps": True}, "positive integer"),
        ({"L": 0.0}, "L > 0"),
    ],
)
def test_bad_numbers(change: dict[str, object], message: str) -> None:
    good = {"L": 1.0, "error_upper": 1.0, "error_infimum": 0.0, "eta": 0.5, "momentum": 0.2, "radius": 9.0, "steps": 3}
    assert horizon(**good).verdict is Verdict.PROVED
    with pytest.raises(InputError, match=message):
        horizon(**{**good, **change})


def test_largest_eta_refuses() -> None:
    with pytest.raises(InputError, match="below 1"):
        largest_eta(1.0, 1.0, 0.0, 1.0, 5, 1.0)
    with pytest.raises(InputError, match="use 'sharp', 'from_rest', 'restart' or 'heavy_ball'"):
        largest_eta(1.0, 1.0, 0.0, 1.0, 5, 0.5, "triangle")
    with pytest.raises(InputError, match="no learning rate keeps so many steps"):
        largest_eta(1.0, 1e300, 0.0, 1e-300, 5)
