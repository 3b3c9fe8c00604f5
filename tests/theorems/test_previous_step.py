"""The heavy ball after a previous step: horizon and weight decay start from V = E + mu/(2 eta) |D_0|^2."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from verify.outcomes import InputError, Verdict
from verify.theorems.horizon import horizon, largest_eta
from verify.theorems.weight_decay import weight_decay

PROVED, UNDECIDED = Verdict.PROVED, Verdict.UNDECIDED


@pytest.mark.parametrize("length", [0.25, 1.0])
@pytest.mark.parametrize(("eta", "mu"), [(0.5, 0.25), (0.125, 0.9)])
def test_it_is_the_theorem_from_rest_with_a_larger_error(eta: float, mu: float, length: float) -> None:
    energy = Fraction(1, 2) + Fraction(mu) / (2 * Fraction(eta)) * Fraction(length) ** 2
    found = horizon(1.0, 0.5, 0.0, eta, mu, 4.0, 2, "heavy_ball", length)
    rest = horizon(1.0, energy, 0.0, eta, mu, 4.0, 2, "heavy_ball")
    assert (found.verdict, found.largest_steps, found.required_radius) == (
        rest.verdict,
        rest.largest_steps,
        rest.required_radius,
    )
    decided = weight_decay(1.0, 0.5, 0.25, eta, mu, 5.0, "heavy_ball", length)
    assert decided.sublevel_radius == weight_decay(1.0, energy, 0.25, eta, mu, 5.0, "heavy_ball").sublevel_radius
    assert decided.previous_step == found.previous_step == length


@pytest.mark.parametrize("seed", range(20))
def test_runs_stay_and_the_energy_falls(seed: int) -> None:
    """Quadratics with eigenvalues in [-1, 1], in rational numbers: the first steps stay in the ball."""
    rng = np.random.default_rng(seed)
    eigenvalues = [Fraction(int(k), 64) for k in rng.integers(-64, 65, 3)]
    w = start = [Fraction(int(k), 8) for k in rng.integers(-16, 17, 3)]
    d = [Fraction(int(k), 32) for k in rng.integers(-16, 17, 3)]
    eta, mu, length = 0.25, 0.5, float(np.linalg.norm([float(x) for x in d])) * (1 + 1e-9)

    def error(u: list[Fraction]) -> Fraction:
        return sum((a * x * x for a, x in zip(eigenvalues, u, strict=True)), Fraction(0)) / 2

    def energy(u: list[Fraction], step: list[Fraction]) -> Fraction:
        return error(u) + Fraction(mu) / (2 * Fraction(eta)) * sum(x * x for x in step)

    radius = 6.0
    farthest = sum(abs(x) for x in start) + Fraction(radius)
    least = -(farthest**2) / 2
    found = horizon(1.0, error(w), least, eta, mu, radius, 1, "heavy_ball", length)
    for _ in range(found.largest_steps or 0):
        before = energy(w, d)
        d = [Fraction(mu) * x - Fraction(eta) * a * y for x, a, y in zip(d, eigenvalues, w, strict=True)]
        w = [x + y for x, y in zip(w, d, strict=True)]
        assert energy(w, d) <= before
        assert sum((x - y) ** 2 for x, y in zip(w, start, strict=True)) <= Fraction(radius) ** 2


def test_without_it_the_first_step_may_leave() -> None:
    """E = 0: nothing slows the heavy ball down, which travels mu |D_0| with its first step."""
    eta, mu, length = 1.0, 0.5, 4.0
    assert horizon(1e-9, 0.0, 0.0, eta, mu, 1.0, 1, "heavy_ball").verdict is PROVED
    assert horizon(1e-9, 0.0, 0.0, eta, mu, 1.0, 1, "heavy_ball", length).verdict is UNDECIDED
    assert mu * length > 1.0


@pytest.mark.parametrize("length", [0.0, 0.125])
@pytest.mark.parametrize("steps", [1, 20])
def test_the_largest_learning_rate_is_proved_and_tight(length: float, steps: int) -> None:
    eta, mu = largest_eta(1.0, 0.5, 0.0, 3.0, steps, 0.5, "heavy_ball", length)
    assert horizon(1.0, 0.5, 0.0, eta, mu, 3.0, steps, "heavy_ball", length).verdict is PROVED
    beyond = eta * (1 + 1e-9)
    assert horizon(1.0, 0.5, 0.0, beyond, mu, 3.0, steps, "heavy_ball", length).verdict is UNDECIDED


def test_no_learning_rate_where_the_previous_step_leads_out() -> None:
    with pytest.raises(InputError, match="no learning rate"):
        largest_eta(1.0, 0.5, 0.0, 1.0, 10, 0.5, "heavy_ball", 8.0)


@pytest.mark.parametrize("theorem", ["sharp", "from_rest", "restart"])
@pytest.mark.parametrize("decide", [horizon, largest_eta, weight_decay])
def test_other_theorems_take_none(theorem: str, decide: Any) -> None:
    arguments = {
        horizon: (1.0, 0.5, 0.0, 0.25, 0.125, 4.0, 2),
        largest_eta: (1.0, 0.5, 0.0, 4.0, 2, 0.5),
        weight_decay: (1.0, 0.5, 0.25, 0.25, 0.125, 5.0),
    }[decide]
    decide(*arguments, theorem)
    with pytest.raises(InputError, match="a previous step is for theorem heavy_ball alone"):
        decide(*arguments, theorem, 0.5)


@pytest.mark.parametrize("length", [-1.0, float("nan"), float("inf")])
def test_a_length_is_a_number(length: float) -> None:
    with pytest.raises(InputError):
        horizon(1.0, 0.5, 0.0, 0.25, 0.5, 4.0, 2, "heavy_ball", length)
