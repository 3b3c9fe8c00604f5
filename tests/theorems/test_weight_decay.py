"""Weight decay: the sublevel radius is rounded up, the region must reach beyond it."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.outcomes import InputError, Verdict
from verify.theorems.weight_decay import sublevel_radius, weight_decay

POSITIVE = st.floats(min_value=1e-100, max_value=1e100)


@given(POSITIVE, POSITIVE)
def test_sublevel_radius_is_rounded_up_by_less_than_one_float(error: float, decay: float) -> None:
    radius = sublevel_radius(error, decay)
    assert Fraction(decay) * Fraction(radius) ** 2 >= 2 * Fraction(error)
    assert Fraction(decay) * Fraction(math.nextafter(radius, 0.0)) ** 2 < 2 * Fraction(error)


@pytest.mark.parametrize(("theorem", "momentum"), [("sharp", 0.5), ("triangle", 0.1), ("heavy_ball", 0.5)])
def test_the_region_must_reach_beyond_the_sublevel_set(theorem: str, momentum: float) -> None:
    inside = weight_decay(1.0, 2.0, 0.25, 0.5, momentum, math.nextafter(4.0, 5.0), theorem)
    touching = weight_decay(1.0, 2.0, 0.25, 0.5, momentum, 4.0, theorem)
    assert (inside.verdict, touching.verdict) == (Verdict.PROVED, Verdict.UNDECIDED)
    assert inside.sublevel_radius == 4.0
    assert inside.gain >= 0


def test_the_edge_of_the_range_is_enough() -> None:
    assert weight_decay(1.0, 2.0, 0.25, 1.0, 1.0, 5.0).gain == 0.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight_decay": 0.0}, "weight_decay > 0"),
        ({"weight_decay": math.nan}, "finite weight_decay"),
        ({"error_upper": -1.0}, "error_upper >= 0"),
        ({"momentum": 0.6}, "outside the range of theorem sharp"),
        ({"radius": -1.0}, "radius > 0"),
        ({"theorem": "adam"}, "unknown theorem"),
    ],
)
def test_bad_numbers(change: dict[str, object], message: str) -> None:
    good = {"L": 1.0, "error_upper": 2.0, "weight_decay": 0.25, "eta": 0.5, "momentum": 0.25, "radius": 5.0}
    with pytest.raises(InputError, match=message):
        weight_decay(**{**good, **change})
