"""Convergence: the number of steps inverts the gradient bound; the conclusion needs every one of its premises."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.outcomes import InputError, Verdict
from verify.theorems.convergence import gradient_bound, steps_to_gradient, weights_converge
from verify.theorems.horizon import Horizon, horizon
from verify.theorems.ranges import RANGES
from verify.theorems.weight_decay import WeightDecay, weight_decay

LASTING = sorted(name for name in RANGES if RANGES[name].lasting)
POSITIVE = st.floats(min_value=1e-4, max_value=1e4)
PROVED, REFUTED, UNDECIDED = Verdict.PROVED, Verdict.REFUTED, Verdict.UNDECIDED
FOR_EVER = weight_decay(1.0, 2.0, 0.25, eta=1.0, momentum=0.5, radius=4.5)
NOT_BEYOND = weight_decay(1.0, 2.0, 0.25, eta=1.0, momentum=0.5, radius=4.0)
SEVEN_STEPS = horizon(1.0, 0.5, 0.0, eta=0.5, momentum=0.25, radius=3.0, steps=7)
NO_LIMIT = horizon(1.0, 0.0, 0.0, eta=0.5, momentum=0.25, radius=3.0, steps=1)


@given(st.sampled_from(LASTING), POSITIVE, POSITIVE, POSITIVE, st.floats(0.05, 0.95), st.floats(0.0, 0.9))
def test_steps_and_gradient_bound_invert_each_other(
    name: str, L: float, error: float, norm: float, part: float, share: float
) -> None:
    eta = part * RANGES[name].eta_limit(L)
    setting = (L, error, 0.0, eta, share * RANGES[name].momentum_limit(L, eta))
    steps = steps_to_gradient(*setting, norm, theorem=name)
    assert gradient_bound(*setting, steps, theorem=name) <= norm
    if steps > 1:
        assert gradient_bound(*setting, steps - 1, theorem=name) > norm


def test_gradient_bounds_of_both_rules() -> None:
    assert gradient_bound(1.0, 0.5, 0.0, 0.5, 0.5, 4, "heavy_ball") == (1.5 / 0.5) * math.sqrt(0.5 / (0.5 * 4))
    assert gradient_bound(1.0, 1.5, 0.0, 1.0, 0.5, 16, "sharp") == math.sqrt(1.5 / (0.375 * 16))


@pytest.mark.parametrize(
    ("gain", "bounded", "analytic", "isolated", "expected"),
    [
        (0.1, FOR_EVER, True, UNDECIDED, PROVED),
        (0.1, FOR_EVER, False, PROVED, PROVED),
        (0.1, NO_LIMIT, True, UNDECIDED, PROVED),
        (0.0, FOR_EVER, True, PROVED, UNDECIDED),
        (0.1, None, True, PROVED, UNDECIDED),
        (0.1, NOT_BEYOND, True, PROVED, UNDECIDED),
        (0.1, SEVEN_STEPS, True, PROVED, UNDECIDED),
        (0.1, FOR_EVER, False, UNDECIDED, UNDECIDED),
        (0.1, FOR_EVER, False, REFUTED, UNDECIDED),
    ],
)
def test_the_weights_converge_only_with_every_premise(
    gain: float, bounded: WeightDecay | Horizon | None, analytic: bool, isolated: Verdict, expected: Verdict
) -> None:
    assert weights_converge(gain, bounded, analytic, isolated) is expected


def test_a_gain_that_is_no_number_is_an_error() -> None:
    with pytest.raises(InputError, match="finite gain"):
        weights_converge(math.nan, FOR_EVER, True, PROVED)


def test_settings_that_gain_nothing() -> None:
    with pytest.raises(InputError, match="can gain nothing"):
        gradient_bound(1.0, 1.0, 0.0, 1.0, 1.0, 10)
    with pytest.raises(InputError, match="can gain nothing"):
        steps_to_gradient(1.0, 1.0, 0.0, 1.0, 1.0, 0.1)
    with pytest.raises(InputError, match="gradient_norm > 0"):
        steps_to_gradient(1.0, 1.0, 0.0, 1.0, 0.1, 0.0)
