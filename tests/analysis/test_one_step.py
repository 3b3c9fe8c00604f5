"""The settings of one step: points of every ray and line, decided rigorously, and where the error rises."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.samples import sampled
from verify import Architecture, InputError, Problem, Setting, Verdict, decide_decrease, one_step_ranges
from verify.analysis import lines
from verify.analysis.lines import Surroundings, Vector
from verify.analysis.step_result import StepRanges
from verify.arithmetic.intervals import Interval
from verify.calculus.exact_step import exact_momentum
from verify.calculus.objective import Objective
from verify.training.momentum import adaptive_momentum


def step_of(problem: Problem, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    w = problem.initial_weights + 0.3 * rng.standard_normal(problem.architecture.size)
    return w, w + 0.05 * rng.standard_normal(problem.architecture.size)


def rises(problem: Objective, w: np.ndarray, previous: np.ndarray, found: StepRanges) -> int:
    """Count the points of rays and lines at which the error of the stored weights is proved to rise."""
    gradient = problem.gradient(w)
    architecture = problem.architecture if isinstance(problem, Problem) else None
    push = adaptive_momentum(gradient, w - previous, 1.0, found.norm, architecture)
    points = []
    for ray in found.rays:
        low, high = ray.stored if ray.stored is not None else (0.0, 0.0)
        direction = ray.ratio * push - gradient
        points += [w + t * direction for t in (low, *(part * high for part in (1e-6, 0.1, 0.5, 0.9, 0.999)), high)]
    for line in found.lines:
        if line.tau_max is not None:
            base = w - line.eta * gradient
            points += [
                base + (line.tau_min + part * (line.tau_max - line.tau_min)) * push for part in (0.01, 0.5, 0.99)
            ]
    signs = [decide_decrease(problem, w, point).sign for point in points]
    assert None not in signs
    return sum(sign == 1 for sign in signs)


@pytest.mark.parametrize("norm", ["global", "vertex"])
@pytest.mark.parametrize("seed", sampled(4, 2))
def test_nothing_inside_rises(problem, seed, norm):
    w, previous = step_of(problem, seed)
    found = one_step_ranges(problem, w, previous, norm=norm, ratios=(0.5, 2.0))
    assert rises(problem, w, previous, found) == 0
    assert [ray.ratio for ray in found.rays] == [0.0, 0.5, 2.0]
    assert found.rays[0].verdict is Verdict.PROVED


@pytest.mark.parametrize("seed", range(3))
def test_limits_are_tight(problem, seed):
    w, previous = step_of(problem, seed)
    found = one_step_ranges(problem, w, previous, ratios=(0.25,), etas=(0.5,))
    for row in (*found.rays, *found.lines):
        if row.tightness is not None:
            assert 0.9 < row.tightness < 1


def test_a_bound_too_small_is_caught(quadratic, monkeypatch):
    """Segment bounds with half the curvature reach too far, and the points above say so."""
    honest = lines.segment_bound

    def halved(*arguments):
        bound = honest(*arguments)
        return replace(bound, polynomials=tuple((p[0], *(0.5 * c for c in p[1:])) for p in bound.polynomials))

    w, previous = np.array([1.0, 1.0]), np.array([0.0, 2.0])
    assert rises(quadratic, w, previous, one_step_ranges(quadratic, w, previous)) == 0
    monkeypatch.setattr(lines, "segment_bound", halved)
    assert rises(quadratic, w, previous, one_step_ranges(quadratic, w, previous)) > 0


class TestQuadratic:
    """E = 1/2 (w1^2 + 4 w2^2) from (1, 1): g = (1, 4)."""

    def test_plain_descent(self, quadratic):
        (ray,) = one_step_ranges(quadratic, [1.0, 1.0]).rays
        limit = 2 * 17 / 65
        assert limit * (1 - 1e-6) < ray.eta_max < limit < ray.rises_at < limit * 1.01
        assert ray.best_eta == pytest.approx(limit / 2)
        assert 0 < ray.decrease <= 0.5 * 17**2 / 65

    @pytest.mark.parametrize("norm", ["global", "vertex"])
    def test_momentum(self, quadratic, norm):
        """The previous step was (1, -1): the pushes are |g|/sqrt 2 (1, -1), and (1, -4) with norms per vertex."""
        push = np.sqrt(17 / 2) * np.array([1, -1]) if norm == "global" else np.array([1.0, -4.0])
        found = one_step_ranges(quadratic, [1.0, 1.0], [0.0, 2.0], norm=norm, ratios=(0.5,), etas=(0.1,))
        gradient, hessian = np.array([1.0, 4.0]), np.diag([1.0, 4.0])
        direction = 0.5 * push - gradient
        limit = -2 * (gradient @ direction) / (direction @ hessian @ direction)
        assert limit * (1 - 1e-6) < found.rays[1].eta_max < limit
        assert found.rays[1].tau_max <= 0.5 * found.rays[1].eta_max
        start = np.array([1.0, 1.0]) - 0.1 * gradient
        a, b = push @ hessian @ push / 2, start @ hessian @ push
        c = (start @ hessian @ start - 5) / 2
        limit = (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)
        assert limit * (1 - 1e-6) < found.lines[0].tau_max < limit and found.lines[0].tau_min == 0

    def test_momentum_that_makes_good_for_a_large_eta(self):
        """From w = 0 the step 3 ends at 3, and E = 1/2 (w - 1)^2 needs tau in [1, 3] against it."""
        nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
        problem = Problem(Architecture.from_data(nodes, "y"), [[1.0]], [[1.0]])
        (line,) = one_step_ranges(problem, [0.0], [1.0], ratios=(), etas=(3.0,)).lines
        assert 1 < line.tau_min < 1.001 and 2.999 < line.tau_max < 3
        assert line.best_tau == pytest.approx(2)


def test_the_setting_asked(problem):
    w, previous = step_of(problem, 0)
    inside = one_step_ranges(problem, w, previous, Setting(eta=0.01, tau=0.003), ratios=(), etas=())
    assert [ray.ratio for ray in inside.rays] == [0.0, 0.003 / 0.01]
    assert [line.eta for line in inside.lines] == [0.01]
    assert "eta=0.01 is in" in inside.rays[1].statement and "tau=0.003 is in" in inside.lines[0].statement
    outside = one_step_ranges(problem, w, previous, Setting(eta=1e7, tau=3e6), ratios=(), etas=())
    assert {row.verdict for row in (outside.rays[1], *outside.lines)} == {Verdict.UNDECIDED}
    assert outside.rays[1].remedy == f"use eta <= {outside.rays[1].eta_max!r}"


def test_heavy_ball(problem):
    w, previous = step_of(problem, 1)
    found = one_step_ranges(problem, w, previous, Setting(eta=0.1, mu=0.5), ratios=(), etas=())
    assert found.rays[-1].direction == "-g + (mu/eta) D" and found.rays[-1].ratio is None
    asked = one_step_ranges(problem, w, None, Setting(eta=0.1, mu=0.5))
    assert "eta=0.1 is in" in asked.rays[0].statement


@pytest.mark.parametrize("norm", ["global", "vertex"])
def test_push_is_enclosed(problem, norm):
    w, previous = step_of(problem, 2)
    previous[problem.architecture.blocks["y"]] = w[problem.architecture.blocks["y"]]
    step = Interval.point(w) - Interval.point(previous)
    exact = exact_momentum(problem.gradient_enclosure(w), step, w != previous, norm, problem.architecture)
    stored = adaptive_momentum(problem.gradient(w), w - previous, 1.0, norm, problem.architecture)
    assert Vector.of(exact, stored).error < 1e-12
    assert not exact.mid[problem.architecture.blocks["y"]].any()


def test_a_kink_leaves_the_stored_direction():
    nodes = {
        "x": {"width": 2},
        "h": {"width": 3, "activation": "relu", "inputs": ["x"]},
        "y": {"width": 1, "activation": "identity", "inputs": ["h"]},
    }
    rng = np.random.default_rng(0)
    problem = Problem(Architecture.from_data(nodes, "y"), rng.standard_normal((5, 2)), rng.standard_normal((5, 1)))
    (ray,) = one_step_ranges(problem, problem.initial_weights).rays
    assert ray.eta_max > 0 and not ray.exact and ray.stored is None
    step = -0.5 * ray.eta_max * problem.gradient(problem.initial_weights)
    assert decide_decrease(problem, problem.initial_weights, problem.initial_weights + step).sign == -1


def test_no_previous_step(problem):
    w = problem.initial_weights
    for found in (one_step_ranges(problem, w), one_step_ranges(problem, w, w)):
        assert [ray.ratio for ray in found.rays] == [0.0] and found.lines == () and found.cosine is None


def test_huge_weights_prove_nothing(quadratic):
    with pytest.raises(InputError, match="the error overflows at these weights"):
        one_step_ranges(quadratic, [1e200, 1.0])
    assert Surroundings(quadratic, np.array([1.0, 1.0])).steepness(np.inf) == np.inf


def test_refusals(quadratic):
    with pytest.raises(InputError, match="the gradient is zero or not finite"):
        one_step_ranges(quadratic, [0.0, 0.0])
    for numbers in ({"ratios": (-1.0,)}, {"ratios": (np.nan,)}, {"etas": (0.0,)}, {"etas": (np.inf,)}):
        with pytest.raises(InputError, match="not a number that a step can have"):
            one_step_ranges(quadratic, [1.0, 1.0], [0.0, 2.0], **numbers)


@pytest.mark.parametrize("norm", ["global", "vertex"])
@pytest.mark.parametrize("previous", [1.0, 3.0, 1e-150])
def test_a_momentum_that_cancels_the_gradient_is_no_step(norm, previous):
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    problem = Problem(Architecture.from_data(nodes, "y"), [[1.0]], [[1.0]])
    found = one_step_ranges(problem, [0.0], [previous], norm=norm)
    cancelled = next(ray for ray in found.rays if ray.ratio == 1.0)
    assert (cancelled.verdict, cancelled.eta_max) == (Verdict.UNDECIDED, 0.0)
    assert cancelled.remedy == "take the step along -g"
    assert found.rays[0].verdict is Verdict.PROVED


def test_one_answer_takes_few_bounds(problem, monkeypatch):
    bounds = []
    segment = lines.segment_bound
    monkeypatch.setattr(lines, "segment_bound", lambda *arguments: bounds.append(1) or segment(*arguments))
    w, previous = step_of(problem, 0)
    found = one_step_ranges(problem, w, previous)
    assert len(bounds) <= 25 * (len(found.rays) + 2 * len(found.lines))


def test_a_limit_of_time_ends_every_row_after_what_is_proved(problem, monkeypatch):
    w, previous = step_of(problem, 0)
    bounds, seconds = [], itertools.count()
    bound = lines.segment_bound
    monkeypatch.setattr(lines, "segment_bound", lambda *given: bounds.append(1) or bound(*given))
    whole = one_step_ranges(problem, w, previous, ratios=(0.5,), etas=(0.01,))
    most = len(bounds)
    monkeypatch.setattr(time, "process_time", lambda: float(next(seconds)))
    bounds.clear()
    found = one_step_ranges(problem, w, previous, ratios=(0.5,), etas=(0.01,), seconds=1.0)
    assert len(bounds) < most
    assert all(0 < ray.eta_max <= other.eta_max for ray, other in zip(found.rays, whole.rays, strict=True))
    assert rises(problem, w, previous, found) == 0


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), "5"])
def test_a_limit_of_time_is_some_seconds(problem, seconds):
    with pytest.raises(InputError, match="seconds"):
        one_step_ranges(problem, problem.initial_weights, seconds=seconds)


@pytest.mark.parametrize("previous", [1.0, -1.0])
def test_restart_is_judged_by_its_own_step(previous: float) -> None:
    """From w = 0 with g = -1: after the step -1, uphill, the momentum is dropped, after the step 1 it is kept."""
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    problem = Problem(Architecture.from_data(nodes, "y"), [[1.0]], [[1.0]])
    kept = previous < 0
    for tau in (0.25, 1.75):
        setting = Setting(0.5, tau=tau, rule="restart")
        found = one_step_ranges(problem, [0.0], [previous], setting, ratios=(), etas=())
        asked = [ray for ray in found.rays if "eta=0.5 is" in ray.statement]
        assert [ray.ratio for ray in asked] == [2 * tau if kept else 0.0]
        wanted = Verdict.PROVED if tau == 0.25 or not kept else Verdict.UNDECIDED
        assert asked[0].verdict is wanted and found.lines[0].verdict is wanted


def test_restart_has_no_norms_per_vertex(problem: Problem) -> None:
    with pytest.raises(InputError, match="norms over all weights"):
        setting = Setting(0.1, tau=0.1, rule="restart")
        one_step_ranges(problem, problem.initial_weights, setting=setting, norm="vertex")
