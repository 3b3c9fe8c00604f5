"""Assertions for users' code: each passes, fails with a counterexample, and the counterexample replays."""

from __future__ import annotations

import numpy as np
import pytest

import verify
from verify.testing import (
    CounterexampleError,
    assert_admissible,
    assert_gradient_correct,
    assert_monotone_decrease,
)

NODES = {
    "x": {"width": 2},
    "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
    "y": {"width": 1, "activation": "sigmoid", "inputs": ["h", "x"]},
}


@pytest.fixture(scope="module")
def problem() -> verify.Problem:
    architecture = verify.Architecture.from_data(NODES, "y")
    rng = np.random.default_rng(0)
    w0 = architecture.initial_weights("glorot", seed=1)
    return verify.Problem(
        architecture,
        rng.uniform(-1, 1, (4, 2)),
        rng.uniform(0, 1, (4, 1)),
        initial_weights=w0,
        region=verify.Ball(w0, 0.2),
    )


def run(replay: str, **names: object) -> None:
    """Run the line that a failure printed, as a user who pastes it."""
    exec(compile(replay, "replay", "exec"), {"verify": verify, **names})  # noqa: S102 -- our own line, nobody's input


def test_the_right_gradient_passes(problem):
    finding = assert_gradient_correct(problem.gradient, problem)
    assert finding.numbers["outcome"] == "AGREES" and finding.numbers["points"] == 3


def test_a_lost_skip_edge_fails_and_replays(problem):
    def gradient(w):
        parts = {key: value.copy() for key, value in problem.architecture.unflatten(problem.gradient(w)).items()}
        parts["x", "y"][:] = 0
        return problem.architecture.flatten(parts)

    with pytest.raises(CounterexampleError, match=r"wrong at \('x', 'y'\)\[0, [01]\]") as caught:
        assert_gradient_correct(gradient, problem)
    assert caught.value.verdict is verify.Verdict.REFUTED
    assert "lost edge" in str(caught.value)
    names = {"assert_gradient_correct": assert_gradient_correct, "problem": problem}
    with pytest.raises(CounterexampleError) as again:
        run(caught.value.replay, gradient=gradient, **names)
    assert again.value.counterexample == caught.value.counterexample
    run(caught.value.replay, gradient=problem.gradient, **names)


def test_a_gradient_that_is_nan_is_undecided_not_proved(problem):
    with pytest.raises(CounterexampleError) as caught:
        assert_gradient_correct(lambda w: np.full_like(w, np.nan), problem)
    assert caught.value.verdict is verify.Verdict.UNDECIDED and caught.value.counterexample is None


def test_an_admissible_setting_passes(problem):
    row = assert_admissible(problem, 0.1, 0.05)
    assert row.theorem == "sharp" and row.eta_max > 0.1
    assert assert_admissible(problem, 0.1, mu=0.5).theorem == "heavy_ball"


def test_an_increasing_setting_fails_and_replays(problem):
    w0 = problem.initial_weights
    wide = verify.Problem(
        problem.architecture, problem.inputs, problem.targets, initial_weights=w0, region=verify.Ball(w0, 100.0)
    )
    with pytest.raises(CounterexampleError, match="raises E by at least") as caught:
        assert_admissible(wide, 500.0, 0.0)
    assert caught.value.verdict is verify.Verdict.REFUTED
    ends = [caught.value.counterexample[name] for name in ("w", "w_next")]
    assert verify.decide_decrease(wide, *ends).sign == 1
    assert all(wide.region.contains(end) is verify.Verdict.PROVED for end in ends)
    with pytest.raises(AssertionError):
        run(caught.value.replay, problem=wide)


def test_a_step_that_leaves_the_region_is_no_counterexample(problem):
    with pytest.raises(CounterexampleError) as caught:
        assert_admissible(problem, 500.0, 0.0)
    assert (caught.value.verdict, caught.value.counterexample) == (verify.Verdict.UNDECIDED, None)


def test_outside_the_range_without_an_increase_is_undecided(problem):
    eta = assert_admissible(problem, 0.1, 0.0).eta_max
    with pytest.raises(CounterexampleError) as caught:
        assert_admissible(problem, float(np.nextafter(eta, 10)), 0.0)
    assert caught.value.verdict is verify.Verdict.UNDECIDED
    assert f"use eta <= {eta!r}" in str(caught.value)
    with pytest.raises(CounterexampleError):
        run(caught.value.replay, problem=problem, assert_admissible=assert_admissible)


def test_a_setting_without_a_bound_is_not_admissible():
    nodes = {**NODES, "h": {**NODES["h"], "activation": "relu"}}
    architecture = verify.Architecture.from_data(nodes, "y")
    region = verify.Ball(architecture.initial_weights(), 0.1)
    problem = verify.Problem(architecture, [[1.0, 2.0]], [[0.5]], region=region)
    with pytest.raises(CounterexampleError, match="no bound L"):
        assert_admissible(problem, 1e-6)


def test_a_certified_run_passes_and_a_wild_one_fails(problem):
    assert assert_monotone_decrease(verify.train(problem, steps=4)) == 4
    with pytest.raises(CounterexampleError, match=r"step \d with eta=500.0, tau=0.0") as caught:
        assert_monotone_decrease(verify.train(problem, steps=4, rule="fixed", eta=500.0, tau=0.0))
    assert caught.value.counterexample["next_error"] > caught.value.counterexample["error"]


def test_own_weights_are_decided_rigorously(problem):
    w = problem.initial_weights
    step = problem.gradient(w)
    assert assert_monotone_decrease([w, w - 0.1 * step], problem) == 1
    with pytest.raises(CounterexampleError, match="step 2") as caught:
        assert_monotone_decrease([w, w - 0.1 * step, w + 0.1 * step], problem)
    assert caught.value.verdict is verify.Verdict.REFUTED
    with pytest.raises(AssertionError):
        run(caught.value.replay, problem=problem)


@pytest.mark.parametrize("errors", [[0.5, 0.5000000000000001], [1.0, 0.5, float("nan")], [float("inf"), 1.0]])
def test_errors_alone_are_compared_without_slack(errors):
    with pytest.raises(CounterexampleError):
        assert_monotone_decrease(errors)


@pytest.mark.parametrize("values", [[], [1.0], [[1.0, 2.0], [1.0, 2.0]], 3.0])
def test_nothing_to_compare_is_an_error(values):
    with pytest.raises(verify.InputError):
        assert_monotone_decrease(values)
