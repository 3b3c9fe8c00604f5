"""A grid of learning rates and momenta: every run is SGD with momentum, and every count is decided."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import verify
from tests.networks import residual_nodes
from tests.training.conftest import small_problem
from verify.calculus.decide import decide_decrease
from verify.outcomes import InputError, Verdict
from verify.training.sweep import MOST_PAIRS, SweptGrid, SweptRun, sweep

RUN = SweptRun(0.1, 0.0, 3, 0, None, 0.5, 0.5, "step budget")


def problem() -> verify.Problem:
    return small_problem(residual_nodes("tanh", "identity"))


def sgd(problem: verify.Problem, lr: float, momentum: float, steps: int) -> list[np.ndarray]:
    """Return the weights of SGD with momentum: w' = w - lr g + momentum (w - w_before), stored after each step."""
    w, moved = problem.initial_weights, np.zeros(problem.size)
    path = [w]
    for _ in range(steps):
        w_next = w + (-lr * problem.gradient(w) + momentum * moved)
        w, moved = w_next, w_next - w
        path.append(w)
    return path


@pytest.mark.parametrize(("lr", "momentum"), [(0.05, 0.0), (0.05, 0.9), (3.0, 0.0), (3.0, 0.9)])
def test_counts_are_those_of_sgd_decided_step_by_step(lr: float, momentum: float) -> None:
    subject = problem()
    path = sgd(subject, lr, momentum, 12)
    signs = [decide_decrease(subject, w, w_next).sign for w, w_next in pairwise(path)]
    (run,) = sweep(subject, [lr], [momentum], steps=12).runs
    assert (run.decreased, run.increased) == (signs.count(-1), signs.count(1))
    assert run.first_increase == (signs.index(1) + 1 if 1 in signs else None)
    low, high = subject.error_enclosure(path[-1])
    assert low <= run.error_upper
    assert run.error == pytest.approx(high, rel=1e-9)


def test_some_of_these_runs_rise_and_some_do_not() -> None:
    found = sweep(problem(), [0.005, 3.0], [0.0, 0.9], steps=12)
    assert [(run.lr, run.momentum) for run in found.runs] == [(0.005, 0.0), (0.005, 0.9), (3.0, 0.0), (3.0, 0.9)]
    assert [run.verdict for run in found.runs] == [Verdict.PROVED] * 2 + [Verdict.REFUTED] * 2
    assert found.best == found.runs[1]


def test_graphs_are_swept() -> None:
    found = sweep(verify.load_problem("examples/text_attention.toml"), [0.1], [0.5], steps=2)
    assert found.runs[0].verdict is Verdict.PROVED


def test_processes_give_the_same_runs() -> None:
    subject = problem()
    alone = sweep(subject, [0.05, 0.1, 3.0], [0.0, 0.9], steps=4)
    seen: list[Any] = []
    assert sweep(subject, [0.05, 0.1, 3.0], [0.0, 0.9], steps=4, workers=2, progress=seen.append) == alone
    assert seen == list(alone.runs)


def test_overflow_ends_a_run() -> None:
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"]}}
    subject = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[1.0]], [[3.0]], initial_weights=[1.0, 1.0])
    (run,) = sweep(subject, [1e200], steps=50).runs
    assert run.stopped == "overflow"
    assert run.verdict is not Verdict.PROVED


@pytest.mark.parametrize(
    ("runs", "verdict"),
    [
        ([RUN, replace(RUN, increased=1, first_increase=2)], Verdict.PROVED),
        ([replace(RUN, increased=1, first_increase=2)], Verdict.REFUTED),
        ([replace(RUN, stopped="a step's decrease is undecided")], Verdict.UNDECIDED),
        ([replace(RUN, decreased=0, stopped="overflow"), replace(RUN, increased=1)], Verdict.UNDECIDED),
        ([replace(RUN, decreased=0, stopped="the computed gradient is zero")], Verdict.UNDECIDED),
    ],
)
def test_verdict_of_a_grid(runs: list[SweptRun], verdict: Verdict) -> None:
    found = SweptGrid("net", 3, tuple(runs))
    assert found.verdict is verdict
    assert (found.best is not None) == (verdict is Verdict.PROVED)
    assert found.to_json()["runs"][0]["verdict"] == runs[0].verdict.value
    assert "lr=0.1" in found._repr_html_()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lr": []}, "a grid needs a number: lr=\\[\\]"),
        ({"lr": 0.1}, "a grid needs lists of numbers: lr=0.1; give lr=\\[0.1\\]"),
        ({"lr": "0.1"}, "a grid needs lists of numbers"),
        ({"lr": [0.0]}, "out of range: lr=0.0"),
        ({"lr": [float("inf")]}, "out of range: lr=inf"),
        ({"lr": [float("nan")]}, "lr=nan"),
        ({"lr": [0.1], "momentum": [1.0]}, "out of range: momentum=1.0"),
        ({"lr": [0.1], "momentum": [-0.1]}, "out of range: momentum=-0.1"),
        ({"lr": [0.1], "steps": 0}, "steps must be a positive whole number: steps=0"),
        ({"lr": [0.1], "steps": True}, "steps=True"),
        ({"lr": [0.1] * (MOST_PAIRS + 1)}, f"too many pairs: pairs={MOST_PAIRS + 1}"),
        ({"lr": [0.1], "workers": 0}, "workers=0"),
    ],
)
def test_bad_grids(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        sweep(problem(), **given)
