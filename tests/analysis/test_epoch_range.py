"""The range of an epoch: what it says of a problem holds for executed epochs, and it says what it rests on."""

from __future__ import annotations

import itertools
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import verify
from verify import Verdict
from verify.analysis.epoch_range import _judged, epoch_range
from verify.analysis.ranges import admissible_ranges
from verify.bounds.curvature import Curvature
from verify.bounds.hessian import hessian_bound
from verify.calculus.batches import batches_of
from verify.calculus.decide import decide_decrease
from verify.importers.architecture import graph_problem
from verify.properties.suite import run_suite
from verify.theorems.epoch import Epoch


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bound every Hessian by norms alone: proved as well, and quick."""
    coarse = {"method": "norms", "cells": 1}
    monkeypatch.setattr(
        sys.modules[epoch_range.__module__],
        "hessian_bound",
        lambda problem, region: hessian_bound(problem, region, **coarse),
    )


def make(samples: int = 8, activation: str = "tanh", **options: Any) -> verify.Problem:
    rng = np.random.default_rng(3)
    nodes = {
        "x": {"width": 2},
        "h": {"width": 3, "activation": activation, "inputs": ["x"]},
        "y": {"width": 1, "activation": "identity", "inputs": ["h", "x"]},
    }
    architecture = verify.Architecture.from_data(nodes, output="y")
    x = rng.normal(size=(samples, 2))
    y = x[:, :1] - x[:, 1:] + 3
    problem = verify.Problem(architecture, x, y, **options)
    problem.region = verify.Ball(problem.initial_weights, 0.5)
    return problem


def executed(problem: verify.Problem, batch: int, order: tuple[int, ...], lr: float, mu: float) -> np.ndarray:
    parts, w = batches_of(problem, batch), problem.initial_weights
    step = np.zeros_like(w)
    for number in order:
        step = mu * step - lr * parts[number].gradient(w)
        w = w + step
    return w


@pytest.mark.parametrize("mu", [0.0, 0.5])
def test_every_order_lowers_the_error_just_inside(mu: float) -> None:
    problem = make()
    found = epoch_range(problem, 2, verify.Setting(1e-5, mu=mu))
    assert found.verdict is Verdict.PROVED and found.eta_max is not None and found.eta_max > 1e-4
    edge = found.eta_max * (1 - 1e-9)
    assert epoch_range(problem, 2, verify.Setting(edge, mu=mu)).verdict is Verdict.PROVED
    for order in list(itertools.permutations(range(4)))[::3]:
        w = executed(problem, 2, order, edge, mu)
        assert decide_decrease(problem, problem.initial_weights, w).decreases is Verdict.PROVED


@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}, {"weight_decay": 0.1}])
def test_batches_of_one_size_add_up(options: dict[str, Any]) -> None:
    found = epoch_range(make(**options), 2).numbers
    assert found["kappa"] == pytest.approx(1.0 if options.get("reduction") == "sum" else 4.0)
    assert 0 <= found["skew"] < 1e-10
    assert found["steps"] == 4 and found["batch"] == 2


@pytest.mark.parametrize(("batch", "options"), [(3, {}), (2, {"reduction": "sum", "weight_decay": 0.1})])
def test_what_does_not_add_up_is_paid_for(batch: int, options: dict[str, Any]) -> None:
    problem = make(**options)
    found = epoch_range(problem, batch).numbers
    w = problem.initial_weights
    total = sum(part.gradient(w) for part in batches_of(problem, batch))
    assert found["skew"] >= np.linalg.norm(total - found["kappa"] * problem.gradient(w)) * (1 - 1e-12) > 1e-3


def test_one_batch_is_no_worse_than_a_step() -> None:
    problem = make()
    found = epoch_range(problem, 8)
    assert found.eta_max == pytest.approx(2 / found.numbers["L"], rel=1e-6)


def test_a_remedy_helps() -> None:
    problem = make()
    outside = epoch_range(problem, 2, verify.Setting(5.0, mu=0.5))
    assert outside.verdict is Verdict.UNDECIDED and outside.remedy is not None and "lr <=" in outside.remedy
    assert epoch_range(problem, 2, verify.Setting(outside.eta_max or 0.0, mu=0.5)).verdict is Verdict.PROVED


def test_numbers_are_the_users() -> None:
    optimizer = verify.Optimizer(0.0009765625, momentum=0.5, convention="ema")
    found = epoch_range(make(), 2, optimizer)
    assert found.statement.startswith("lr=0.0009765625, momentum=0.5 is in")
    assert found.numbers["lr"] == 2.0**-10 and found.eta == 2.0**-11
    assert found.numbers["lr_max"] == pytest.approx(2 * (found.eta_max or 0.0))


def test_tau_is_a_share_of_the_learning_rate() -> None:
    found = epoch_range(make(), 2, verify.Setting(1e-4, tau=1e-5))
    assert "with tau <= 0.1 lr" in found.statement or "with tau <= 0.09999 lr" in found.statement


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (verify.Setting(0.1, mu=0.5, nesterov=True), "Nesterov"),
        (verify.Optimizer(0.1, kind="adam"), "theorem epoch speaks of SGD"),
    ],
)
def test_other_steps_are_not_judged(setting: Any, words: str) -> None:
    found = epoch_range(make(), 2, setting)
    assert found.verdict is Verdict.UNDECIDED and words in found.statement


def test_kinks_have_no_bound() -> None:
    found = epoch_range(make(activation="relu"), 2)
    assert found.verdict is Verdict.UNDECIDED and "vertex h" in found.statement


def test_a_graph_is_given_its_batches() -> None:
    problem = make()
    graph = graph_problem(problem)
    graph.region = problem.region
    with pytest.raises(verify.InputError, match="cannot be told apart"):
        epoch_range(graph, 2)
    parts = [graph_problem(part) for part in batches_of(problem, 2)]
    for part in parts:
        part.region = problem.region
    found, own = epoch_range(graph, parts), epoch_range(problem, 2)
    assert found.verdict is Verdict.PROVED
    for name in ("gradient", "kappa"):
        assert found.numbers[name] == pytest.approx(own.numbers[name], rel=1e-9)


@pytest.mark.parametrize("batch", [0, -1, 1.5, True, "2", [], [3]])
def test_batches_are_checked(batch: Any) -> None:
    with pytest.raises(verify.InputError):
        epoch_range(make(), batch)


def test_a_batch_has_the_same_weights() -> None:
    with pytest.raises(verify.InputError, match="other weights"):
        epoch_range(make(), [make(), load()])


def load() -> Any:
    architecture = verify.Architecture.from_data(
        {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}, output="y"
    )
    return verify.Problem(architecture, [[1.0]], [[0.5]])


@pytest.mark.parametrize("of_problem", [0.0, 0.5])
def test_weight_decay_of_the_optimizer_alone_is_refused(of_problem: float) -> None:
    """With it the steps go down another error: this one may rise where E without it would fall."""
    problem, asked = make(weight_decay=of_problem), verify.Optimizer(1e-5, weight_decay=10.0)
    graph = graph_problem(problem)
    graph.region = problem.region
    doors: list[Any] = [
        lambda: epoch_range(problem, 2, asked),
        lambda: epoch_range(graph, [graph], asked),
        lambda: epoch_range(make(weight_decay=10.0), [problem], asked),
        lambda: verify.check(problem, asked),
        lambda: verify.check_assumptions(problem, setting=asked),
        lambda: verify.check_assumptions(problem, setting=verify.Setting.of(asked)),
        lambda: run_suite(problem, asked, examples=1),
        lambda: admissible_ranges(problem, Curvature(1.0, None, ""), verify.Setting.of(asked)),
        lambda: verify.one_step_ranges(problem, problem.initial_weights, setting=verify.Setting.of(asked)),
    ]
    for door in doors:
        with pytest.raises(verify.InputError, match="no part of the error"):
            door()


def test_weight_decay_that_is_a_part_of_the_error_is_judged() -> None:
    found = epoch_range(make(weight_decay=0.5), 2, verify.Optimizer(1e-5, weight_decay=0.5))
    assert found.verdict is Verdict.PROVED


def test_the_decrease_is_that_of_the_learning_rate_itself() -> None:
    """The theorem's learning rate is rounded up for its verdict: what such a one gains is too much."""
    optimizer = verify.Optimizer(3e-4, momentum=0.01, convention="ema")
    assert Fraction(optimizer.eta) > optimizer.exact_eta
    epoch = Epoch((1.0, 1.0), 1.0, L=1.0, radius=1.0, whole=1.0, kappa=2.0, skew=0.0)
    found = _judged(epoch, verify.Setting.of(optimizer)).numbers["decrease"]
    assert found == epoch.decrease(optimizer.exact_eta, 0.0, 0.01) < epoch.decrease(optimizer.eta, 0.0, 0.01)
