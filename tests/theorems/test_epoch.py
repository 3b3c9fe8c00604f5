"""Theorem epoch: its numbers are rounded upward, what it admits never raises E in any order, and it is not vacuous."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.samples import sampled
from verify.outcomes import InputError, Verdict
from verify.theorems.epoch import Epoch
from verify.theorems.ranges import RANGES

SIZES = st.floats(min_value=1e-6, max_value=1e3)
PARTS = st.floats(min_value=0.0, max_value=1.0)


def exact(epoch: Epoch, eta: Fraction, tau: Fraction, mu: Fraction, velocity: Fraction) -> bool:
    """The hypotheses of the note, in exact arithmetic."""
    L, v, a = Fraction(epoch.L), velocity * eta, [Fraction(each) for each in epoch.gradients]
    speed = (eta + tau) / (1 - mu)
    places = [mu * v / (1 - mu)]
    for each in a:
        places.append((1 + L * speed) * places[-1] + speed * each)
    drift = L * (eta + tau) * sum(places[:-1]) + tau * sum(a) + eta * Fraction(epoch.skew)
    drift = (drift + mu * (v + speed * (a[0] + L * places[-1]))) / (1 - mu)
    h, whole = eta * Fraction(epoch.kappa) / (1 - mu), Fraction(epoch.whole)
    falls = drift <= Fraction(epoch.gradient) * min(h, 2 / whole - h)
    return places[-1] <= Fraction(epoch.radius) and falls


@settings(deadline=None, max_examples=60)
@given(st.lists(SIZES, min_size=1, max_size=6), SIZES, SIZES, SIZES, PARTS, PARTS, PARTS)
def test_what_is_admitted_obeys_the_hypotheses_exactly(
    gradients: list[float], part: float, L: float, radius: float, tau: float, mu: float, velocity: float
) -> None:
    gradient = max(1e-9, sum(gradients) / len(gradients) * min(1.0, part))
    epoch = Epoch(tuple(gradients), gradient, L, radius, L, float(len(gradients)), skew=gradient / 100)
    given_mu, given_velocity = mu / 2, velocity * gradient
    eta = epoch.largest_eta(ratio=tau / 8, mu=given_mu, velocity=given_velocity)
    if eta is None:
        return
    setting = Fraction(eta), Fraction(tau / 8) * Fraction(eta), Fraction(given_mu), Fraction(given_velocity)
    assert exact(epoch, *setting)
    assert epoch.admits(*setting) is Verdict.PROVED
    most_tau, most_mu = epoch.largest_tau(eta, given_mu, given_velocity), epoch.largest_mu(eta, 0.0, given_velocity)
    assert most_tau is not None and exact(epoch, setting[0], Fraction(most_tau), *setting[2:])
    assert most_mu is not None and exact(epoch, setting[0], Fraction(0), Fraction(most_mu), setting[3])
    beyond = setting[0] * (1 + Fraction(1, 10**9))
    assert not exact(epoch, beyond, beyond * Fraction(tau / 8), *setting[2:])


def raises_in_some_order(rng: np.random.Generator, at: float) -> bool:
    """Take epochs of four quadratic batch errors on the line, in all orders, at a multiple of the range's edge.

    E_b(w) = p_b w + c_b w^2/2, |c_b| <= 1, from w = 0; momentum pushes along or against each step at full size.
    """
    slopes = [Fraction(int(each), 64) for each in rng.integers(-16, 64, 4)]
    curves = [Fraction(int(each), 16) for each in rng.integers(-16, 17, 4)]
    slope, curve = sum(slopes), sum(curves)
    if slope == 0:
        return False
    epoch = Epoch(tuple(map(float, map(abs, slopes))), float(abs(slope) / 4), 1.0, 1e6, 1.0, 4.0, 0.0)
    ratio, mu = (Fraction(int(rng.integers(0, 3)), 16), Fraction(0)) if rng.random() < 0.5 else (
        Fraction(0), Fraction(int(rng.integers(0, 6)), 8)
    )  # fmt: skip
    carried = Fraction(int(rng.integers(-4, 5)), 64) if mu else Fraction(0)
    largest = epoch.largest_eta(ratio, mu, abs(carried))
    if largest is None:
        return False
    eta = Fraction(largest) * Fraction(at)
    for order in itertools.permutations(range(4)):
        w, step = Fraction(0), -eta * carried
        for b in order:
            pull = slopes[b] + curves[b] * w
            push = ratio * eta * abs(pull) * int(rng.integers(-1, 2))
            step = mu * step - eta * pull + push
            w += step
        if slope * w + curve * w**2 / 2 > 0:
            return True
    return False


@pytest.mark.parametrize("seed", sampled(40, 4))
def test_no_order_raises_the_error_inside_the_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert not any(raises_in_some_order(rng, 1.0) for _ in range(20))


def test_orders_that_raise_the_error_are_found_outside() -> None:
    rng = np.random.default_rng(0)
    assert any(raises_in_some_order(rng, 5.0) for _ in range(60))


def test_one_batch_of_all_data_has_the_range_of_theorem_sharp() -> None:
    epoch = Epoch((1.0,), gradient=1.0, L=2.0, radius=100.0, whole=2.0, kappa=1.0, skew=0.0)
    sharp = RANGES["sharp"]
    assert epoch.largest_eta() == pytest.approx(sharp.eta_limit(2.0), rel=1e-9)
    assert epoch.largest_tau(0.25) == pytest.approx(sharp.momentum_limit(2.0, 0.25), rel=1e-9)
    assert epoch.largest_tau(0.75) == pytest.approx(sharp.momentum_limit(2.0, 0.75), rel=1e-9)


def test_the_region_must_hold_the_epoch() -> None:
    wide = Epoch((1.0, 1.0), 1.0, L=1.0, radius=10.0, whole=1.0, kappa=2.0, skew=0.0)
    narrow = Epoch((1.0, 1.0), 1.0, L=1.0, radius=0.01, whole=1.0, kappa=2.0, skew=0.0)
    eta = narrow.largest_eta()
    assert eta is not None and eta < 0.01 / 2 < (wide.largest_eta() or 0.0)


def test_batches_that_cancel_admit_nothing() -> None:
    epoch = Epoch((1.0, 1.0), gradient=0.01, L=1.0, radius=1.0, whole=1.0, kappa=2.0, skew=0.0)
    assert epoch.largest_eta() is not None
    assert epoch.largest_eta(ratio=0.5) is None and epoch.largest_eta(mu=0.5) is None
    assert epoch.largest_tau(1.0) is None and epoch.decrease(1.0) is None


@pytest.mark.parametrize(
    "numbers",
    [
        {"gradients": ()},
        {"gradients": (-1.0,)},
        {"gradients": (math.nan,)},
        {"gradients": (math.inf,)},
        {"gradient": 0.0},
        {"L": 0.0},
        {"radius": 0.0},
        {"whole": -1.0},
        {"kappa": 0.0},
        {"skew": -1.0},
        {"skew": 10**400},
        {"gradients": (10**400,)},
        {"kappa": Fraction(1, 3)},
        {"skew": math.inf},
    ],
)
def test_hypotheses_are_checked(numbers: dict[str, Any]) -> None:
    facts = {"gradients": (1.0,), "gradient": 1.0, "L": 1.0, "radius": 1.0, "whole": 1.0, "kappa": 1.0, "skew": 0.0}
    with pytest.raises(InputError):
        Epoch(**{**facts, **numbers})


@pytest.mark.parametrize("numbers", [{"eta": 0.0}, {"tau": -1.0}, {"mu": 1.0}, {"mu": -0.1}, {"velocity": math.nan}])
def test_settings_are_checked(numbers: dict[str, float]) -> None:
    epoch = Epoch((1.0,), 1.0, L=1.0, radius=1.0, whole=1.0, kappa=1.0, skew=0.0)
    with pytest.raises(InputError):
        epoch.admits(**{"eta": 0.1, **numbers})
