"""An increase counts only for a step that is proved to be the algorithm's, inside the region."""

from __future__ import annotations

from dataclasses import replace

import mpmath
import numpy as np
import pytest

import verify
from verify import Architecture, Ball, BoundedWeights, Problem, Setting, Verdict, decide_decrease
from verify.bounds.regions import Region
from verify.properties.cases import StepCase
from verify.properties.increase import find_counterexample, find_increase, smallest_increasing_factor
from verify.testing import CounterexampleError, assert_admissible


def one_weight(activation: object, x: list[float], y: list[float], w: float, radius: float) -> Problem:
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": activation, "inputs": ["x"], "bias": False}}
    return Problem(
        Architecture.from_data(nodes, "y"),
        [[value] for value in x],
        [[value] for value in y],
        reduction="sum",
        initial_weights=[w],
        region=Ball([w], radius),
    )


def quadratic(radius: float) -> Problem:
    """E = (w - 1)^2/2 from w = 0: the step is eta long, and E rises for eta > 2."""
    return one_weight("identity", [1.0], [1.0], 0.0, radius)


@pytest.mark.parametrize(("radius", "is_found"), [(0.01, False), (2.4, False), (2.6, True)])
def test_the_step_must_end_in_the_region(radius: float, is_found: bool) -> None:
    found = find_increase(quadratic(radius), StepCase(0, 0.0, "none", 2.5, 0.0), np.ones(1), starts=1)
    assert (found is not None) == is_found


@pytest.mark.parametrize(("radius", "is_found"), [(0.01, False), (2.6, True)])
def test_a_setting_is_refuted_only_by_steps_inside(radius: float, is_found: bool) -> None:
    report = verify.check(quadratic(radius), Setting(eta=2.5, tau=0.0))
    a4 = next(finding for finding in report.assumptions if finding.id == "A4")
    assert (a4.verdict is Verdict.REFUTED) == is_found == (report.verdict is Verdict.REFUTED)
    assert (a4.counterexample is not None) == is_found


def valley(start: float, radius: float) -> Problem:
    """E = (w^2 - 1)^2/2, whose curvature is 4 at the minimum w = 1: there plain steps rise for eta > 1/2."""
    return one_weight({"expr": "x*x"}, [1.0], [1.0], start, radius)


FROM_REST = Setting(eta=0.6, tau=0.7)


def test_from_rest_another_start_refutes_nothing() -> None:
    problem = valley(0.5, 0.6)
    assert FROM_REST.theorem == "from_rest"
    rising = [find_increase(problem, StepCase(0, 0.0, "none", 0.6, 0.0), np.ones(1), seed=seed) for seed in range(8)]
    assert any(found is not None for found in rising)
    assert all(find_counterexample(problem, FROM_REST, np.ones(1), seed=seed) is None for seed in range(8))
    assert verify.check(problem, FROM_REST).verdict is Verdict.UNDECIDED
    with pytest.raises(CounterexampleError) as caught:
        assert_admissible(problem, eta=0.6, tau=0.7)
    assert caught.value.verdict is Verdict.UNDECIDED


@pytest.mark.parametrize("region", [Ball([1.05], 0.5), BoundedWeights(2.0)], ids=["around", "elsewhere"])
def test_from_rest_the_first_step_of_the_training_refutes(region: Region) -> None:
    """A region whose centre is not the start leaves it open: a case replays from the centre."""
    problem = valley(1.05, 0.5)
    problem.region = region
    found = find_counterexample(problem, FROM_REST, np.ones(1))
    if isinstance(region, BoundedWeights):
        assert found is None
    else:
        assert found is not None and found.case.start(problem) == problem.initial_weights


def test_a_counterexample_of_check_replays() -> None:
    problem = quadratic(2.6)
    report = verify.check(problem, Setting(eta=2.5, tau=0.0))
    example = next(finding.counterexample for finding in report.assumptions if finding.id == "A4")
    assert example is not None
    case = StepCase(**example["case"])
    w = case.start(problem)
    w_next = w + case.step(problem, problem.gradient(w), np.ones(1))
    assert problem.region is not None
    assert problem.region.contains(w) is problem.region.contains(w_next) is Verdict.PROVED
    assert decide_decrease(problem, w, w_next).sign == 1
    assert example["increase_lower"] <= ((w_next[0] - 1) ** 2 - (w[0] - 1) ** 2) / 2 <= example["increase_upper"]


@pytest.mark.parametrize("previous", ["none", "with-gradient", "against-gradient", "random"])
@pytest.mark.parametrize("norm", ["global", "vertex"])
def test_bounds_of_an_increase_hold_for_the_exact_step(previous: str, norm: str) -> None:
    """E = (w - 1)^2/2: along the gradient and against it the exact step is -(eta +- tau) g."""
    problem = quadratic(8.0)
    case = StepCase(3, 0.5, previous, 2.5, 0.25, norm=norm)  # type: ignore[arg-type]
    found = find_increase(problem, replace(case, distance=0.0), np.ones(1), starts=1)
    assert found is not None and 0 < found.decision.lower <= found.decision.upper
    w = float(found.case.start(problem)[0])
    sign = {"none": 0.0, "with-gradient": 1.0, "against-gradient": -1.0}.get(found.case.previous)
    if sign is not None:
        end = w - 2.5 * (w - 1) + sign * 0.25 * abs(w - 1) * np.sign(w - 1)
        change = (end - 1) ** 2 / 2 - (w - 1) ** 2 / 2
        assert found.decision.lower <= change <= found.decision.upper


SATURATED = ("sigmoid", [40.0, -41.0], [2.0, 1.0], 1.0)


def test_a_gradient_of_the_wrong_sign_refutes_nothing() -> None:
    """The float64 gradient of the saturated unit is 6.4e-17, the exact one -1.06e-16: the exact step lowers E."""
    problem = one_weight(*SATURATED, radius=10.0)
    assert problem.gradient(np.array([1.0]))[0] > 0
    eta = 1.6e16
    assert find_increase(problem, StepCase(0, 0.0, "none", eta, 0.0), np.ones(1), starts=1) is None
    assert verify.check(problem, Setting(eta=eta, tau=0.0)).verdict is Verdict.UNDECIDED
    ray = verify.one_step_ranges(problem, [1.0]).rays[0]
    assert ray.exact and ray.rises_at is None and "increases" not in ray.statement


def test_what_cancels_in_a_formula_refutes_nothing() -> None:
    """Increases are compared with the exact step, from 60 digits."""
    mpmath.mp.dps = 60
    exact = {
        "1e15*(sin(x+1e-15)-sin(x))": lambda z: (
            mpmath.mpf(10) ** 15 * (mpmath.sin(z + mpmath.mpf(10) ** -15) - mpmath.sin(z))
        ),
        "1e12*(cos(0.000001*x)-1)": lambda z: mpmath.mpf(10) ** 12 * (mpmath.cos(z / 10**6) - 1),
    }
    found = 0
    for formula, h in exact.items():
        rng = np.random.default_rng(0)
        for _ in range(100):
            w, y, eta = float(rng.uniform(-3, 20)), float(rng.uniform(-1.5, 1.5)), float(rng.uniform(0.5, 12))
            problem = one_weight({"expr": formula}, [1.0], [y], w, 1e6)
            increase = find_increase(problem, StepCase(0, 0.0, "none", eta, 0.0), np.ones(1), starts=1)
            if increase is None:
                continue
            found += 1

            def error(v: mpmath.mpf, h: object = h, y: float = y) -> mpmath.mpf:
                return (h(v) - mpmath.mpf(y)) ** 2 / 2  # type: ignore[operator]

            start = mpmath.mpf(w)
            gradient = (h(start) - mpmath.mpf(y)) * mpmath.diff(h, start)
            change = error(start - mpmath.mpf(eta) * gradient) - error(start)
            assert increase.decision.lower <= change <= increase.decision.upper
    assert found > 10


def test_a_margin_counts_only_steps_of_the_algorithm() -> None:
    problem = one_weight(*SATURATED, radius=0.1)
    assert smallest_increasing_factor(problem, StepCase(0, 0.0, "none", 1e10, 0.0), np.ones(1), starts=1) is None
    found = smallest_increasing_factor(quadratic(0.01), StepCase(0, 0.0, "none", 1.0, 0.0), np.ones(1), starts=1)
    assert found is not None and 2.0 < found[0] < 2.01
