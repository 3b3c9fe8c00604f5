"""Theorems `from_rest` and `restart` on quadratics in exact arithmetic: many steps inside, increases just outside."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.theorems.test_on_quadratics import PARTS, VECTORS, Quadratic, Vector, dot, plus, rationals
from verify.arithmetic.rational import sqrt_down
from verify.outcomes import InputError, Verdict
from verify.theorems.horizon import horizon, largest_eta
from verify.theorems.ranges import RANGES, momentum_range
from verify.theorems.weight_decay import weight_decay

FROM_REST, RESTART, SHARP = RANGES["from_rest"], RANGES["restart"], RANGES["sharp"]
ZERO: Vector = (Fraction(0), Fraction(0))


@st.composite
def bent(draw: st.DrawFn) -> tuple[float, Quadratic]:
    """Return L and a quadratic whose curvatures are at most L, one of them often, and as negative as -L."""
    L = draw(st.floats(min_value=0.1, max_value=20.0))
    first = draw(st.just(Fraction(1)) | rationals(-1, 1))
    return L, Quadratic(Fraction(L) * first, Fraction(L) * draw(rationals(-1, 1)), draw(rationals(-2, 2)))


def momentum_term(gradient: Vector, previous: Vector, tau: Fraction, share: Fraction = Fraction(1)) -> Vector:
    """Return the previous step, scaled to a length of `share` tau |g|, from below where that is irrational."""
    if previous == ZERO:
        return ZERO
    ratio = share * tau * sqrt_down(dot(gradient, gradient) / dot(previous, previous))
    rounded = ratio.limit_denominator(2**60)
    rounded = rounded if rounded <= ratio else Fraction(int(ratio * 2**60), 2**60)
    return rounded * previous[0], rounded * previous[1]


@given(bent(), VECTORS, PARTS, st.lists(rationals(0, 1), min_size=1, max_size=6))
def test_momentum_from_rest_never_points_uphill_and_the_error_falls(
    drawn: tuple[float, Quadratic], w: Vector, part: float, shares: list[Fraction]
) -> None:
    L, quadratic = drawn
    eta = Fraction(part * FROM_REST.eta_limit(L))
    tau = Fraction(FROM_REST.momentum_limit(L, eta))
    gain, bound = FROM_REST.exact_gain(Fraction(L), eta, tau), Fraction(L)
    previous, quotient = ZERO, FROM_REST.squared_step_per_decrease(bound, eta, tau)
    assert gain >= eta / 2 and quotient <= 2 / bound
    for share in shares:
        g = quadratic.gradient(w)
        assert dot(g, previous) <= 0
        step = plus(momentum_term(g, previous, tau, share), g, -eta)
        after = plus(w, step)
        change = quadratic.error(after) - quadratic.error(w)
        assert bound * dot(step, step) <= -dot(g, step)
        assert change <= -gain * dot(g, g)
        assert change * quotient <= -dot(step, step)
        w, previous = after, step


@given(bent(), VECTORS, VECTORS, PARTS, rationals(0, 1))
def test_restarted_momentum_decreases_after_every_previous_step(
    drawn: tuple[float, Quadratic], w: Vector, previous: Vector, part: float, share: Fraction
) -> None:
    L, quadratic = drawn
    eta = Fraction(part * RESTART.eta_limit(L))
    tau = Fraction(RESTART.momentum_limit(L, eta))
    g = quadratic.gradient(w)
    momentum = momentum_term(g, previous, tau, share) if dot(g, previous) <= 0 else ZERO
    after = plus(w, plus(momentum, g, -eta))
    gain = RESTART.exact_gain(Fraction(L), eta, tau)
    assert quadratic.error(after) <= quadratic.error(w) - gain * dot(g, g)


def restart_change(eta: Fraction, tau: Fraction, along: bool) -> Fraction:
    """Return the change of E = |w|^2/2 (L = 1) at w = (1, 0), with momentum along -g or across it."""
    bowl, w = Quadratic(Fraction(1), Fraction(1), Fraction(0)), (Fraction(1), Fraction(0))
    momentum = (-tau, Fraction(0)) if along else (Fraction(0), tau)
    return bowl.error(plus(w, plus(momentum, w, -eta))) - bowl.error(w)


# Where the limit of theorem `restart` is rational: eta = 2 p^2/(p^2 + q^2) for its root, every eta for its line.
@pytest.mark.parametrize(("p", "q"), [(1, 1), (1, 2), (3, 4), (1, 10), (1, 100)])
def test_no_wider_range_of_restart(p: int, q: int) -> None:
    eta, limit = Fraction(2 * p * p, p * p + q * q), Fraction(2 * p * q, p * p + q * q)
    assert RESTART.admits(Fraction(1), eta, limit)
    assert restart_change(eta, limit, along=False) == 0
    outside = limit * (1 + Fraction(1, 2**52))
    assert not RESTART.admits(Fraction(1), eta, outside)
    assert restart_change(eta, outside, along=False) > 0


@pytest.mark.parametrize("eta", [Fraction(1), Fraction(5, 4), Fraction(19, 10)])
def test_no_wider_range_of_restart_for_long_learning_rates(eta: Fraction) -> None:
    assert restart_change(eta, 2 - eta, along=True) == 0
    assert restart_change(eta, (2 - eta) * (1 + Fraction(1, 2**52)), along=True) > 0


def run_from_rest(eta: Fraction, tau: Fraction, steps: int) -> list[Fraction]:
    """Return the changes of E = w^2/2 (L = 1) from w = 1 at rest; in one dimension |m| = tau |g| is rational."""
    w, previous, changes = Fraction(1), Fraction(0), []
    for _ in range(steps):
        sign = (previous > 0) - (previous < 0)
        step = tau * abs(w) * sign - eta * w
        changes.append(((w + step) ** 2 - w**2) / 2)
        w, previous = w + step, step
    return changes


def test_increases_from_rest_just_outside_the_range_at_its_widest() -> None:
    """At eta = 1/(2L), where both limits meet, the third step from rest increases E for every larger tau."""
    half = Fraction(1, 2)
    assert FROM_REST.momentum_limit(1.0, 0.5) == 0.5
    assert max(run_from_rest(half, half, 20)) <= 0
    for excess in (Fraction(1, 2**52), Fraction(1, 100), Fraction(1, 4)):
        assert not FROM_REST.admits(Fraction(1), half, half + excess)
        assert run_from_rest(half, half + excess, 3)[-1] > 0


@given(st.floats(1e-6, 1e6), PARTS)
def test_relations_of_the_ranges(L: float, part: float) -> None:
    """`from_rest` lies in `restart`; it is wider than `sharp` up to eta = 1/(2L) and narrower beyond."""
    eta = part * FROM_REST.eta_limit(L)
    from_rest, restart, sharp = (each.momentum_limit(L, eta) for each in (FROM_REST, RESTART, SHARP))
    assert from_rest <= restart and sharp <= restart
    if 2 * Fraction(L) * Fraction(eta) <= 1:
        assert from_rest >= sharp
    else:
        assert from_rest <= sharp


@pytest.mark.parametrize(("rate", "ratio"), [(1.0, 0.0), (0.5, 1.0), (0.1, 3.0), (0.01, 9.949), (0.001, 31.606)])
def test_momentum_over_learning_rate(rate: float, ratio: float) -> None:
    assert momentum_range(1.0, rate, "from_rest")[1] / rate == pytest.approx(ratio, abs=1e-3)


def test_the_horizon_from_rest_is_at_least_the_simple_one() -> None:
    """sqrt(2 K (E(w_0) - lowest)/L) <= rho is enough."""
    for eta in (0.01, 0.1, 0.5, 0.9):
        tau = FROM_REST.momentum_limit(1.0, eta)
        for steps in (1, 10, 1000):
            simple = sqrt_down(Fraction(2 * steps)) + Fraction(1, 2**60)
            found = horizon(1.0, 1.0, 0.0, eta, tau, simple, steps, "from_rest")
            assert found.verdict is Verdict.PROVED and found.required_radius <= float(simple) * (1 + 2**-50)
    assert horizon(1.0, 1.0, 0.0, 0.1, 0.05, 1.0, 1, "from_rest").required_radius < 0.7


def test_what_lasts_and_what_does_not() -> None:
    assert weight_decay(1.0, 2.0, 0.25, 0.1, 0.3, 4.5, "from_rest").verdict is Verdict.PROVED
    assert weight_decay(1.0, 2.0, 0.25, 0.1, 0.3, 4.0, "from_rest").verdict is Verdict.UNDECIDED
    for ask in (
        lambda: weight_decay(1.0, 2.0, 0.25, 0.1, 0.3, 4.5, "nesterov"),
        lambda: horizon(1.0, 1.0, 0.0, 0.1, 0.5, 1.0, 1, "nesterov"),
    ):
        with pytest.raises(InputError, match="theorem nesterov speaks of one step only"):
            ask()


@given(bent(), VECTORS, PARTS, rationals(0, 1), st.integers(1, 5))
def test_the_horizon_from_rest_holds_on_quadratics(
    drawn: tuple[float, Quadratic], w: Vector, part: float, share: Fraction, steps: int
) -> None:
    L, quadratic = drawn
    eta = Fraction(part * FROM_REST.eta_limit(L))
    tau = share * Fraction(FROM_REST.momentum_limit(L, eta))
    path, previous = [w], ZERO
    for _ in range(steps):
        g = quadratic.gradient(path[-1])
        previous = plus(momentum_term(g, previous, tau), g, -eta)
        path.append(plus(path[-1], previous))
    lowest = quadratic.error(path[-1])
    radius = horizon(L, quadratic.error(w), lowest, eta, tau, 1.0, steps, "from_rest").required_radius
    for visited in path:
        away = plus(visited, w, Fraction(-1))
        assert dot(away, away) <= Fraction(radius) ** 2


@given(st.sampled_from(["from_rest", "restart"]), st.floats(0.01, 100.0), st.floats(0.0, 12.0), st.integers(1, 1000))
def test_the_largest_learning_rate_of_a_horizon_is_proved_and_tight(
    theorem: str, L: float, part: float, steps: int
) -> None:
    eta, tau = largest_eta(L, 1.0, 0.25, radius=2.0, steps=steps, momentum=part, theorem=theorem)
    assert horizon(L, 1.0, 0.25, eta, tau, 2.0, steps, theorem).verdict is Verdict.PROVED
    longer = 1.0001 * eta
    if RANGES[theorem].admits(Fraction(L), Fraction(longer), Fraction(longer) * Fraction(part)):
        assert horizon(L, 1.0, 0.25, longer, longer * part, 2.0, steps, theorem).verdict is Verdict.UNDECIDED
