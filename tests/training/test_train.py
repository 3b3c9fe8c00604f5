"""The rules of training: what they prove holds in exact arithmetic, and they stop for the right reason."""

from __future__ import annotations

from typing import Any

import flint
import numpy as np
import pytest

from tests.taylor_series import error_series
from verify import InputError, Problem, Verdict, train
from verify.arithmetic import arb
from verify.calculus.exact import error_in_arb
from verify.training.session import Session
from verify.training.train import make_rule


def exact_change(problem: Problem, w: np.ndarray, w_next: np.ndarray) -> tuple[float, float]:
    """Bounds of E(w_next) - E(w) from Arb at 300 bits."""
    with arb.precision(300):
        return arb.bounds(error_in_arb(problem, w_next) - error_in_arb(problem, w))


@pytest.mark.parametrize("rule", ["certified", "guarded"])
class TestProvedRules:
    def test_every_step_is_proved_and_the_error_falls(self, smooth_problem: Problem, rule: Any) -> None:
        run = train(smooth_problem, steps=40, rule=rule)
        assert len(run.steps) == 40
        assert set(run.verdicts) == {Verdict.PROVED}
        assert np.all(np.diff(run.errors) < 0)
        assert run.errors[-1] < 0.6 * run.errors[0]
        assert np.all(run.eta > 0)
        assert run.tau[0] == 0

    def test_proved_decreases_hold_in_arb(self, smooth_problem: Problem, rule: Any) -> None:
        session = Session(smooth_problem, make_rule(rule))
        for _ in range(6):
            before = session.weights
            record = session.step()
            assert record is not None
            assert record.decrease > 0
            assert -record.decrease >= exact_change(smooth_problem, before, session.weights)[1]
            with arb.precision(300):
                assert session.error_upper >= arb.bounds(error_in_arb(smooth_problem, session.weights))[1]

    def test_the_range_of_the_error_holds_in_arb(self, smooth_problem: Problem, rule: Any) -> None:
        session = Session(smooth_problem, make_rule(rule))
        for _ in range(4):
            before = session.weights
            assert session.step() is not None
            with arb.precision(300):
                exact = arb.bounds(error_in_arb(smooth_problem, before))
            lower, upper = session.error_range
            assert lower <= exact[0] <= exact[1] <= upper
            assert upper - lower <= 1e-10 * exact[1]

    def test_a_step_is_a_gradient_step_with_momentum_of_the_size_told(self, tanh_problem: Problem, rule: Any) -> None:
        session = Session(tanh_problem, make_rule(rule))
        for _ in range(5):
            before, gradient = session.weights, tanh_problem.gradient(session.weights)
            record = session.step()
            assert record is not None
            momentum = session.weights - before + record.eta * gradient
            assert np.linalg.norm(momentum) == pytest.approx(record.tau * np.linalg.norm(gradient), rel=1e-9, abs=1e-15)

    def test_stops_where_nothing_falls(self, parabola: Problem, rule: Any) -> None:
        run = train(parabola, np.array([0.0]), rule=rule)
        assert run.stopped == "the computed gradient is zero"
        assert len(run.errors) == 1

    def test_stops_when_nothing_can_be_proved(self, parabola: Problem, rule: Any) -> None:
        shifted = Problem(parabola.architecture, [[1.0]], [[1.0]])
        run = train(shifted, np.array([1.0 + 2.0**-52]), steps=50, rule=rule)
        assert len(run.steps) < 50
        assert set(run.verdicts) <= {Verdict.PROVED}
        assert run.stopped in {"no decrease can be proved any more", "the computed gradient is zero"}

    def test_kinked_networks(self, kinked_problem: Problem, rule: Any) -> None:
        session = Session(kinked_problem, make_rule(rule))
        for _ in range(10):
            before = session.weights
            record = session.step()
            assert record is not None
            assert record.verdict is Verdict.PROVED
            assert -record.decrease >= exact_change(kinked_problem, before, session.weights)[1]

    def test_gradient_tolerance_is_proved(self, tanh_problem: Problem, rule: Any) -> None:
        run = train(tanh_problem, steps=2000, rule=rule, gradient_tolerance=1e-2)
        assert run.stopped == "gradient tolerance"
        assert float(tanh_problem.gradient_enclosure(run.weights).norm().upper) <= 1e-2


def test_a_step_of_any_size_in_the_range_told_falls(smooth_problem: Problem) -> None:
    session = Session(smooth_problem, make_rule("certified"))
    for _ in range(4):
        before, record = session.weights, session.step()
        assert record is not None
        assert record.eta_until is not None
        assert record.eta_until >= record.eta
        direction = session.rule.directions.direction
        for share in (0.3, 0.9, 1.0):
            with arb.precision(300):
                length = flint.arb(share) * flint.arb(record.eta_until)
                other = [flint.arb(w) + length * flint.arb(d) for w, d in zip(before, direction, strict=True)]
                change = error_series(smooth_problem, other, direction)[0] - error_in_arb(smooth_problem, before)
                assert change <= 0


@pytest.mark.parametrize("rule", ["certified", "guarded"])
@pytest.mark.parametrize("scale", [1e150, 1e200, 1e307])
def test_weights_near_overflow_prove_nothing_false(tanh_problem: Problem, rule: Any, scale: float) -> None:
    session = Session(tanh_problem, make_rule(rule), np.full(tanh_problem.architecture.size, scale))
    for _ in range(3):
        before = session.weights
        record = session.step()
        if record is None:
            assert session.stopped
            break
        if record.verdict is Verdict.PROVED:
            assert exact_change(tanh_problem, before, session.weights)[1] <= 0


@pytest.mark.parametrize("rule", ["certified", "guarded"])
@pytest.mark.parametrize("start", [1e-160, 1e-170, 1e-300, 5e-324])
def test_gradients_whose_squares_underflow(parabola: Problem, rule: Any, start: float) -> None:
    session = Session(parabola, make_rule(rule), [start])
    record = session.step()
    assert session.gradient_norm == start
    assert session.stopped if record is None else record.verdict is Verdict.PROVED


@pytest.mark.parametrize("start", [1e160, 1e300])
def test_gradients_whose_squares_overflow_are_no_reason_to_fail(parabola: Problem, start: float) -> None:
    run = train(parabola, [start], steps=2)
    assert run.stopped == "overflow"
    assert not np.isnan(run.errors).any()


class TestFixedRule:
    def test_inside_the_range_every_step_is_proved(self, parabola: Problem) -> None:
        run = train(parabola, np.array([1.0]), steps=20, rule="fixed", eta=1.0, tau=0.5)
        assert set(run.verdicts) == {Verdict.PROVED}
        assert np.all(np.diff(run.errors) < 0)

    def test_outside_the_range_increases_are_refuted(self, parabola: Problem) -> None:
        run = train(parabola, np.array([1.0]), steps=20, rule="fixed", eta=2.5, tau=0.0)
        assert set(run.verdicts) == {Verdict.REFUTED}
        assert np.all(np.diff(run.errors) > 0)
        assert run.error_upper >= run.errors[-1]

    def test_verdicts_agree_with_arb(self, tanh_problem: Problem) -> None:
        session = Session(tanh_problem, make_rule("fixed", 1.5, 1.0))
        found = set()
        for _ in range(30):
            before = session.weights
            record = session.step()
            assert record is not None
            lower, upper = exact_change(tanh_problem, before, session.weights)
            assert record.verdict is (Verdict.PROVED if upper <= 0 else Verdict.REFUTED)
            assert lower <= -record.decrease
            found.add(record.verdict)
        assert found == {Verdict.PROVED, Verdict.REFUTED}

    def test_divergence_stops_the_run(self, parabola: Problem) -> None:
        run = train(parabola, np.array([1e100]), steps=100, rule="fixed", eta=1e150, tau=0.0)
        assert run.stopped in {"overflow", "a step's decrease is undecided"}

    def test_norms_per_vertex(self, tanh_problem: Problem) -> None:
        runs = [train(tanh_problem, steps=5, rule="fixed", eta=0.1, tau=0.05, norm=n) for n in ("global", "vertex")]
        assert not np.array_equal(runs[0].weights, runs[1].weights)
        assert all(set(run.verdicts) == {Verdict.PROVED} for run in runs)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"rule": "newton"}, "rule='newton'"),
        ({"rule": "fixed"}, "eta=None"),
        ({"rule": "fixed", "eta": 0.0, "tau": 0.1}, "eta=0.0"),
        ({"rule": "fixed", "eta": 0.1, "tau": float("nan")}, "tau=nan"),
        ({"rule": "fixed", "eta": 0.1, "tau": 0.1, "norm": "edge"}, "norm='edge'"),
        ({"rule": "guarded", "eta": 0.1}, "eta=0.1"),
        ({"rule": "restart"}, "eta=None"),
        ({"rule": "restart", "eta": 0.1, "tau": 0.1, "norm": "vertex"}, "norm='vertex'"),
        ({"rule": "restart", "eta": 0.1, "tau": 0.1, "theorem": "from_rest"}, "theorem='from_rest'"),
        ({"rule": "restart", "eta": 0.1, "tau": 0.1, "mu": 0.5}, "mu=0.5"),
        ({"steps": -1}, "steps=-1"),
        ({"steps": 1.5}, "steps=1.5"),
        ({"gradient_tolerance": -1.0}, "gradient_tolerance=-1.0"),
        ({"w0": [0.0, 1.0]}, "expected=(1,)"),
    ],
)
def test_bad_settings_are_one_line(parabola: Problem, settings: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError) as caught:
        train(parabola, **settings)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_steps(parabola: Problem) -> None:
    run = train(parabola, np.array([1.0]), steps=0)
    assert (run.errors.tolist(), run.verdicts, run.stopped) == ([0.5], [], "step budget")
