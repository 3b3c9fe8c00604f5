"""Every theorem on random quadratics in exact arithmetic, and quadratics that break it just outside its range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.outcomes import Verdict
from verify.theorems.convergence import gradient_bound
from verify.theorems.horizon import error_lower_bound, horizon, largest_eta
from verify.theorems.ranges import RANGES
from verify.theorems.weight_decay import weight_decay

Vector = tuple[Fraction, Fraction]


def rationals(low: int, high: int) -> st.SearchStrategy[Fraction]:
    return st.fractions(min_value=low, max_value=high, max_denominator=64)


def dot(a: Vector, b: Vector) -> Fraction:
    return a[0] * b[0] + a[1] * b[1]


def plus(a: Vector, b: Vector, scale: Fraction = Fraction(1)) -> Vector:
    return a[0] + scale * b[0], a[1] + scale * b[1]


def turned(a: Vector, t: Fraction) -> Vector:
    """Rotate by the angle whose half has the tangent t: exact."""
    cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
    return cosine * a[0] - sine * a[1], sine * a[0] + cosine * a[1]


@dataclass(frozen=True)
class Quadratic:
    """E(w) = 1/2 w.Hw, H = R diag(first, second) R^T with a rational rotation R."""

    first: Fraction
    second: Fraction
    angle: Fraction

    def gradient(self, w: Vector) -> Vector:
        own = turned(w, -self.angle)
        return turned((self.first * own[0], self.second * own[1]), self.angle)

    def error(self, w: Vector) -> Fraction:
        return dot(w, self.gradient(w)) / 2


@st.composite
def quadratics(draw: st.DrawFn, lowest: int = 0) -> tuple[float, Quadratic]:
    """Return L and a quadratic whose curvatures are in [lowest * L, L], L among them half of the time."""
    L = draw(st.floats(min_value=0.1, max_value=20.0))
    first = draw(st.just(Fraction(1)) | rationals(lowest, 1))
    return L, Quadratic(Fraction(L) * first, Fraction(L) * draw(rationals(lowest, 1)), draw(rationals(-2, 2)))


VECTORS = st.tuples(rationals(-3, 3), rationals(-3, 3)).filter(lambda w: w != (0, 0))
PARTS = st.floats(min_value=0.01, max_value=1.0)
ADAPTIVE = st.sampled_from(["sharp", "triangle"])
TURNS = st.lists(rationals(-4, 4), min_size=1, max_size=6)


def inner_setting(name: str, L: float, part: float, share: float) -> tuple[float, float]:
    eta = part * RANGES[name].eta_limit(L)
    return eta, share * RANGES[name].momentum_limit(L, eta)


def adaptive_step(gradient: Vector, eta: float, tau: float, turn: Fraction) -> Vector:
    """Return -eta g + m with |m| = tau |g| in any direction."""
    return plus(turned((tau * gradient[0], tau * gradient[1]), turn), gradient, -Fraction(eta))


def exact(*numbers: float) -> tuple[Fraction, ...]:
    return tuple(map(Fraction, numbers))


@given(ADAPTIVE, quadratics(lowest=-1), VECTORS, PARTS, st.floats(0.0, 1.0), rationals(-4, 4))
def test_inside_the_range_every_step_gains(
    name: str, problem: tuple[float, Quadratic], w: Vector, part: float, share: float, turn: Fraction
) -> None:
    L, quadratic = problem
    eta, tau = inner_setting(name, L, part, share)
    g = quadratic.gradient(w)
    following = plus(w, adaptive_step(g, Fraction(eta), Fraction(tau), turn))
    c = Fraction(RANGES[name].gain(L, eta, tau))
    assert quadratic.error(following) <= quadratic.error(w) - c * dot(g, g)


@given(st.floats(min_value=1e-3, max_value=1e3), PARTS, VECTORS)
def test_just_outside_the_sharp_range_a_step_increases(L: float, part: float, w: Vector) -> None:
    eta, limit = inner_setting("sharp", L, part, 1.0)
    tau = Fraction(math.nextafter(limit, math.inf))
    bowl = Quadratic(Fraction(L), Fraction(L), Fraction(0))
    g = bowl.gradient(w)
    uphill = 1 if Fraction(L) * Fraction(eta) <= 1 else -1
    following = plus(w, g, uphill * tau - Fraction(eta))
    assert bowl.error(following) > bowl.error(w)


@given(st.floats(min_value=1e-3, max_value=1e3), VECTORS)
def test_just_above_two_over_curvature_plain_descent_increases(L: float, w: Vector) -> None:
    bowl = Quadratic(Fraction(L), Fraction(L), Fraction(0))
    for name in ("sharp", "heavy_ball"):
        eta = Fraction(RANGES[name].eta_limit(L))
        while L * eta <= 2:
            eta = Fraction(math.nextafter(float(eta), math.inf))
        assert bowl.error(plus(w, bowl.gradient(w), -eta)) > bowl.error(w)


def lyapunov(quadratic: Quadratic, w: Vector, D: Vector, eta: Fraction, mu: Fraction) -> Fraction:
    return quadratic.error(w) + mu / (2 * eta) * dot(D, D)


@given(quadratics(lowest=-1), VECTORS, VECTORS, PARTS, st.floats(0.0, 1.0))
def test_heavy_ball_never_increases_its_lyapunov_function(
    problem: tuple[float, Quadratic], w: Vector, D: Vector, part: float, share: float
) -> None:
    L, quadratic = problem
    eta, mu = exact(*inner_setting("heavy_ball", L, part, share))
    S = Fraction(RANGES["heavy_ball"].gain(L, eta, mu))
    for _ in range(4):
        following = plus((mu * D[0], mu * D[1]), quadratic.gradient(w), -eta)
        before, w = lyapunov(quadratic, w, D, eta, mu), plus(w, following)
        kept = mu / (2 * eta) * dot(plus(following, D, Fraction(-1)), plus(following, D, Fraction(-1)))
        D = following
        assert lyapunov(quadratic, w, D, eta, mu) <= before - S * dot(D, D) - kept


@given(st.floats(min_value=1e-3, max_value=1e3), st.floats(min_value=0.01, max_value=0.99), VECTORS)
def test_just_outside_the_heavy_ball_range_the_lyapunov_function_increases(L: float, part: float, D: Vector) -> None:
    eta, limit = inner_setting("heavy_ball", L, part, 1.0)
    rate, mu = exact(eta, math.nextafter(limit, math.inf))
    bowl = Quadratic(Fraction(L), Fraction(L), Fraction(0))
    back = -(1 - mu) / (rate * Fraction(L))
    w = (back * D[0], back * D[1])
    assert plus((mu * D[0], mu * D[1]), bowl.gradient(w), -rate) == D
    assert lyapunov(bowl, plus(w, D), D, rate, mu) > lyapunov(bowl, w, D, rate, mu)


@given(ADAPTIVE, quadratics(), VECTORS, PARTS, st.floats(0.0, 0.95), TURNS)
def test_horizon_keeps_the_steps_in_the_ball(
    name: str, problem: tuple[float, Quadratic], start: Vector, part: float, share: float, turns: list[Fraction]
) -> None:
    L, quadratic = problem
    eta, tau = inner_setting(name, L, 0.95 * part, share)
    statement = horizon(L, quadratic.error(start), 0.0, eta, tau, 1.0, len(turns), name)
    radius = Fraction(statement.required_radius)
    w, smallest = start, None
    for turn in turns:
        g = quadratic.gradient(w)
        smallest = dot(g, g) if smallest is None else min(smallest, dot(g, g))
        following = plus(w, adaptive_step(g, Fraction(eta), Fraction(tau), turn))
        assert quadratic.error(following) <= quadratic.error(w)
        w = following
        moved = plus(w, start, Fraction(-1))
        assert dot(moved, moved) <= radius**2
    reached = Fraction(gradient_bound(L, quadratic.error(start), 0.0, eta, tau, len(turns), name))
    assert smallest is not None
    assert smallest <= reached**2


@given(quadratics(), VECTORS, PARTS, st.floats(0.0, 0.95), st.integers(1, 6))
def test_heavy_ball_horizon_keeps_the_steps_in_the_ball(
    problem: tuple[float, Quadratic], start: Vector, part: float, share: float, steps: int
) -> None:
    L, quadratic = problem
    eta, mu = exact(*inner_setting("heavy_ball", L, 0.95 * part, share))
    statement = horizon(L, quadratic.error(start), 0.0, eta, mu, 1.0, steps, "heavy_ball")
    w, D, smallest = start, (Fraction(0), Fraction(0)), None
    for _ in range(steps):
        g = quadratic.gradient(w)
        smallest = dot(g, g) if smallest is None else min(smallest, dot(g, g))
        D = plus((mu * D[0], mu * D[1]), g, -eta)
        w = plus(w, D)
        moved = plus(w, start, Fraction(-1))
        assert dot(moved, moved) <= Fraction(statement.required_radius) ** 2
    reached = Fraction(gradient_bound(L, quadratic.error(start), 0.0, eta, mu, steps, "heavy_ball"))
    assert smallest is not None
    assert smallest <= reached**2


@given(quadratics(), VECTORS, st.floats(0.01, 2.0), st.integers(1, 6), st.floats(0.0, 0.9), st.booleans())
def test_the_largest_learning_rate_keeps_the_steps_in_a_ball_with_its_own_infimum(
    problem: tuple[float, Quadratic], start: Vector, radius: float, steps: int, part: float, heavy: bool
) -> None:
    L, quadratic = problem
    name = "heavy_ball" if heavy else "sharp"
    g = quadratic.gradient(start)
    slope = abs(g[0]) + abs(g[1])
    infimum = error_lower_bound(quadratic.error(start), slope, radius, L)
    eta, momentum = largest_eta(L, quadratic.error(start), infimum, radius, steps, part, name)
    statement = horizon(L, quadratic.error(start), infimum, eta, momentum, radius, steps, name)
    assert statement.verdict is Verdict.PROVED
    w, D = start, (Fraction(0), Fraction(0))
    for _ in range(steps):
        g = quadratic.gradient(w)
        carried = D if heavy else g
        D = plus((Fraction(momentum) * carried[0], Fraction(momentum) * carried[1]), g, -Fraction(eta))
        w = plus(w, D)
        moved = plus(w, start, Fraction(-1))
        assert dot(moved, moved) <= Fraction(radius) ** 2
        assert quadratic.error(w) >= Fraction(infimum)


@given(quadratics(), VECTORS, st.floats(0.05, 2.0), PARTS, st.floats(0.0, 1.0), TURNS)
def test_weight_decay_keeps_the_weights_in_the_sublevel_ball(
    problem: tuple[float, Quadratic], start: Vector, decay: float, part: float, share: float, turns: list[Fraction]
) -> None:
    L, bare = problem
    lam = Fraction(decay)
    decayed = Quadratic(bare.first + lam, bare.second + lam, bare.angle)
    curvature = Fraction(L) + lam
    eta, tau = inner_setting("sharp", curvature, part, share)
    statement = weight_decay(curvature, decayed.error(start), decay, eta, tau, radius=1e6)
    assert statement.verdict is Verdict.PROVED
    w = start
    for turn in turns:
        following = plus(w, adaptive_step(decayed.gradient(w), Fraction(eta), Fraction(tau), turn))
        assert decayed.error(following) <= decayed.error(w)
        w = following
        assert dot(w, w) <= Fraction(statement.sublevel_radius) ** 2


@pytest.mark.parametrize("L", [0.5, 1.0, 3.0])
def test_the_gradient_bound_is_attained_by_one_plain_step(L: float) -> None:
    bowl = Quadratic(Fraction(L), Fraction(L), Fraction(0))
    w = (Fraction(1), Fraction(0))
    eta = RANGES["sharp"].recommended(L)[0]
    bound = gradient_bound(L, bowl.error(w), 0.0, eta, 0.0, 1)
    assert L <= bound <= math.nextafter(L, math.inf)
