"""Theorem `nesterov` on quadratics in exact arithmetic, and the two quadratics that break it just outside its range."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.theorems.test_downhill import bent
from tests.theorems.test_on_quadratics import PARTS, VECTORS, Quadratic, Vector, dot, plus
from verify.theorems.ranges import RANGES

NESTEROV = RANGES["nesterov"]


def energies(quadratic: Quadratic, w: Vector, previous: Vector, eta: Fraction, mu: Fraction) -> tuple[Fraction, ...]:
    """Return V before and after a step of Nesterov's variant, and |grad E(y)|^2."""
    g = quadratic.gradient(plus(w, previous, mu))
    step = plus((mu * previous[0], mu * previous[1]), g, -eta)
    before = quadratic.error(w) + dot(previous, previous) / (2 * eta)
    after = quadratic.error(plus(w, step)) + dot(step, step) / (2 * eta)
    return before, after, dot(g, g)


@given(bent(), VECTORS, VECTORS, PARTS, st.floats(0.0, 1.0))
def test_the_energy_falls_by_the_gain(
    drawn: tuple[float, Quadratic], w: Vector, previous: Vector, part: float, share: float
) -> None:
    L, quadratic = drawn
    eta = Fraction(part * NESTEROV.eta_limit(L))
    mu = Fraction(share * NESTEROV.momentum_limit(L, eta))
    before, after, squared = energies(quadratic, w, previous, eta, mu)
    assert after <= before - NESTEROV.exact_gain(Fraction(L), eta, mu) * squared


# 1 + L eta is the square of s, so that the limit 1/s of mu is rational.
@pytest.mark.parametrize("s", [Fraction(101, 100), Fraction(6, 5), Fraction(7, 5)])
def test_no_larger_coefficient(s: Fraction) -> None:
    eta, limit = s**2 - 1, 1 / s
    hill = Quadratic(Fraction(-1), Fraction(-1), Fraction(0))
    previous = (Fraction(1), Fraction(2))
    outside = limit * (1 + Fraction(1, 2**52))
    for mu, sign in ((limit, 0), (outside, 1)):
        assert NESTEROV.admits(Fraction(1), eta, mu) == (sign == 0)
        before, after, _ = energies(hill, (-mu * previous[0], -mu * previous[1]), previous, eta, mu)
        assert (after > before) - (after < before) == sign


def test_no_larger_learning_rate() -> None:
    bowl, w, rest = Quadratic(Fraction(1), Fraction(1), Fraction(0)), (Fraction(1), Fraction(0)), (Fraction(0),) * 2
    for eta, sign in ((Fraction(1), 0), (1 + Fraction(1, 2**52), 1)):
        assert NESTEROV.admits(Fraction(1), eta, Fraction(0)) == (sign == 0)
        before, after, _ = energies(bowl, w, rest, eta, Fraction(0))
        assert (after > before) - (after < before) == sign


def test_the_error_itself_may_rise() -> None:
    bowl = Quadratic(Fraction(1), Fraction(1), Fraction(0))
    w, previous, eta, mu = (Fraction(0), Fraction(0)), (Fraction(1), Fraction(0)), Fraction(1, 10), Fraction(9, 10)
    assert NESTEROV.admits(Fraction(1), eta, mu)
    before, after, _ = energies(bowl, w, previous, eta, mu)
    step = plus((mu * previous[0], mu * previous[1]), bowl.gradient(plus(w, previous, mu)), -eta)
    assert after <= before and bowl.error(plus(w, step)) > bowl.error(w)
