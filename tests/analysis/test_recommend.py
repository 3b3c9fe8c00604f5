"""Learning rates without a region: what is proved holds in runs and in the theorems, what is seen to fail fails."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import verify
from verify.analysis.lasting import horizon_row
from verify.analysis.proved_balls import Balls
from verify.analysis.recommend import Recommendation, recommend
from verify.analysis.safe_setting import SEGMENT, SafeSetting
from verify.arithmetic import rational
from verify.assumptions.small_momentum import Setting
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_result import HessianBound
from verify.calculus.decide import Decision, decide_decrease
from verify.importers.architecture import graph_problem
from verify.outcomes import InputError, Verdict
from verify.properties.first_rises import Algorithm
from verify.theorems.optimizers import Optimizer

STEPS, MOMENTA = (1, 8), (0.0, 0.9)


def network(name: str) -> verify.Problem:
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((5, 2)), rng.standard_normal((5, 1))
    nodes: dict[str, Any] = {
        "x": {"width": 2},
        "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 1, "activation": "identity", "inputs": ["h", "x"]},
    }
    decay = 0.0
    if name == "relu":
        nodes["h"]["activation"] = "relu"
    if name == "decay":
        nodes["y"]["activation"] = "sigmoid"
        decay = 0.1
    return verify.Problem(verify.Architecture.from_data(nodes, "y"), x, y, weight_decay=decay, name=name)


@pytest.fixture(scope="module", params=["skip", "decay"])
def found(request: pytest.FixtureRequest) -> tuple[verify.Problem, Recommendation]:
    problem = network(request.param)
    return problem, recommend(problem, steps=STEPS, momenta=MOMENTA, seconds=6.0)


def algorithm(setting: SafeSetting, lr: float) -> Algorithm:
    """The algorithm of a setting with the convention of torch."""
    tau = setting.momentum * lr if setting.rule == "clipped" else None
    return Algorithm(lr, setting.momentum, tau)


def changes(problem: verify.Problem | verify.GraphProblem, rule: Algorithm, steps: int, energy: bool) -> list[Decision]:
    """Decide E, or V = E + mu/(2 eta)|D|^2, over the stored weights of every step of a run from rest."""
    w = before = problem.initial_weights
    decisions = []
    for _ in range(steps):
        following = w + rule.step(problem.gradient(w), w - before)
        weight = Fraction(rule.momentum) / (2 * Fraction(rule.eta)) if energy else Fraction(0)
        plus = weight * (squared(w, following) - squared(before, w))
        decisions.append(decide_decrease(problem, w, following, plus=plus))
        before, w = w, following
    return decisions


def squared(start: np.ndarray, end: np.ndarray) -> Fraction:
    return rational.dot(end, end) - 2 * rational.dot(start, end) + rational.dot(start, start)


def test_every_number_of_steps_has_a_proved_learning_rate(found: tuple[verify.Problem, Recommendation]) -> None:
    _, answer = found
    assert answer.verdict is Verdict.PROVED
    assert {(each.steps, each.momentum) for each in answer.settings} == {(k, m) for k in STEPS for m in MOMENTA}
    assert all(each.lr is not None and each.lr > 0 for each in answer.settings)
    for momentum in MOMENTA:
        rates = [answer.best(count, momentum).lr or 0.0 for count in STEPS]
        assert rates == sorted(rates, reverse=True)


def test_the_theorems_admit_what_is_called_proved(found: tuple[verify.Problem, Recommendation]) -> None:
    problem, answer = found
    level = float(np.nextafter(problem.error_enclosure(problem.initial_weights)[1], np.inf))
    bounds: dict[float, HessianBound] = {}
    for each in answer.settings:
        if each.theorem == SEGMENT:
            continue
        assert each.lr is not None and each.radius is not None
        region = verify.Ball(problem.initial_weights, each.radius)
        if each.radius not in bounds:
            bounds[each.radius] = hessian_bound(problem, region, level=level)
        bound = bounds[each.radius]
        in_ball = verify.Problem(
            problem.architecture,
            problem.inputs,
            problem.targets,
            weight_decay=problem.weight_decay,
            region=region,
        )
        sizes = {"mu": each.momentum} if each.rule == "classical" else {"tau": each.tau or 0.0}
        row = horizon_row(in_ball, bound.whole, Setting(each.lr, **sizes), bound.value)
        if each.theorem == "from_rest" and row is not None and row.verdict is not Verdict.PROVED:
            continue  # a row asks theorem from_rest only where sharp does not admit the setting at all
        assert row is not None and row.verdict is Verdict.PROVED, each
        assert row.numbers["steps"] is None or row.numbers["steps"] >= each.steps or each.theorem == "from_rest"


def test_runs_inside_never_rise(found: tuple[verify.Problem, Recommendation]) -> None:
    problem, answer = found
    for each in answer.settings:
        assert each.lr is not None
        energy = each.rule == "classical" and each.decreasing != "E"
        decisions = changes(problem, algorithm(each, each.lr), each.steps, energy)
        assert [decision.decreases for decision in decisions] == [Verdict.PROVED] * each.steps, each


def test_runs_that_were_seen_to_rise_rise(found: tuple[verify.Problem, Recommendation]) -> None:
    problem, answer = found
    assert any(each.seen for each in answer.settings)
    for each in answer.settings:
        for seen, energy in ((each.seen, each.decreasing != "E"), (each.error_seen, False)):
            if seen is None:
                continue
            assert seen.step <= each.steps
            assert energy is False or each.rule == "classical"
            decisions = changes(problem, algorithm(each, seen.lr), seen.step, energy)
            assert decisions[-1].decreases is Verdict.REFUTED
            if seen is each.seen:
                assert each.lr is not None and seen.lr > each.lr


@pytest.mark.slow
def test_networks_of_the_whole_vocabulary_get_an_answer() -> None:
    problem = graph_problem(network("skip"))
    answer = recommend(problem, steps=(1, 4), momenta=(0.0,), seconds=30.0)
    assert answer.verdict is Verdict.PROVED
    for each in answer.settings:
        assert each.lr is not None and each.seen is not None and each.seen.lr > each.lr
        w = problem.initial_weights
        for _ in range(each.steps):
            following = w - each.lr * problem.gradient(w)
            assert decide_decrease(problem, w, following).decreases is Verdict.PROVED
            w = following


@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_an_error_below_zero_has_its_own_infimum(shift: float) -> None:
    builder = verify.GraphBuilder()
    w = builder.parameter("w", (2,))
    problem = verify.GraphProblem(builder.build(w.square().sum() - shift), {}, [1.0, -1.0])
    for quarter in (-16, 0, 4):
        for effort in ("cheap", "good", "best"):
            ball = Balls(problem).at(quarter, effort)
            assert ball is not None
            r = Fraction(ball.radius)
            below = 2 - 3 * r + r**2 if r < 1 else Fraction(0)  # of (sqrt(2) - r)^2, the least |w|^2 there
            assert Fraction(ball.error_infimum) <= below - Fraction(shift)
    answer = recommend(problem, steps=(5,), momenta=(0.0,), seconds=10.0)
    assert 0.1 < (answer.best(5).lr or 0.0) < 1.0
    decisions = changes(problem, Algorithm(answer.best(5).lr or 0.0), 5, energy=False)
    assert [decision.decreases for decision in decisions] == [Verdict.PROVED] * 5


def test_a_kink_proves_nothing_and_still_shows_what_fails() -> None:
    answer = recommend(network("relu"), steps=(1, 3), momenta=(0.0,), seconds=5.0)
    assert answer.verdict is Verdict.UNDECIDED
    assert answer.reason is not None and "vertex h" in answer.reason
    assert all(each.lr is None and each.seen is not None for each in answer.settings)
    with pytest.raises(InputError, match="nothing is proved") as refused:
        answer.best(1)
    assert "certified" in str(refused.value)


def test_the_time_is_kept_and_what_is_missing_is_said() -> None:
    messages: list[str] = []
    answer = recommend(network("skip"), seconds=0.05, progress=messages.append)
    assert not answer.complete
    assert answer.verdict is Verdict.UNDECIDED
    assert "time was up" in repr(answer)
    assert all("s left" in message for message in messages)


def test_the_answer_as_data_and_as_text(found: tuple[verify.Problem, Recommendation]) -> None:
    _, answer = found
    data = json.loads(json.dumps(answer.to_json(), allow_nan=False))
    assert data["verdict"] == "PROVED"
    assert len(data["settings"]) == len(answer.settings)
    text = repr(answer)
    assert "1 step, any momentum" in text
    assert "train certified" in text
    assert "radius" in text


@pytest.mark.slow
def test_averages_of_gradients_have_their_own_learning_rates() -> None:
    problem = network("skip")
    asked: dict[str, Any] = {"steps": (1, 2), "momenta": (0.9,), "seconds": 600.0}
    torch, ema = recommend(problem, **asked), recommend(problem, convention="ema", **asked)
    for count in (1, 2):
        own, other = torch.best(count, 0.9, "classical"), ema.best(count, 0.9, "classical")
        assert own.eta == other.eta
        assert other.lr is not None and other.eta is not None and own.lr is not None
        assert Optimizer(other.lr, 0.9, convention="ema").eta <= other.eta
        assert other.lr > 9 * own.lr


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"steps": ()}, "nothing is asked"),
        ({"steps": (0,)}, "steps"),
        ({"momenta": (1.0,)}, "momentum"),
        ({"momenta": (-0.5,)}, "momentum"),
        ({"seconds": 0.0}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"convention": "jax"}, "convention"),
    ],
)
def test_questions_without_an_answer_are_refused(numbers: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        recommend(network("skip"), **numbers)


def test_the_larger_learning_rate_is_the_better_answer() -> None:
    none = SafeSetting(1, "plain", 0.0)
    some, more = replace(none, lr=0.1), replace(none, lr=0.2)
    assert none.better(some) is some
    assert some.better(none) is some
    assert some.better(more) is more
    assert more.better(some) is more
