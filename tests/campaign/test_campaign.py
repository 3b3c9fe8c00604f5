"""The campaign: deterministic, continued after a kill, and able to see a violation."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import verify
from verify.campaign import trial as trial_module
from verify.campaign.attacks import attack_bound
from verify.campaign.figures import figures_of, rate_limit
from verify.campaign.graphs import ACTIVATIONS
from verify.campaign.networks import random_problem
from verify.campaign.run import run_campaign
from verify.campaign.trial import EDGE, HEAVY_BALL, Plan, heavy_ball_case, run_trial
from verify.cli import main
from verify.properties.cases import StepCase
from verify.properties.control import quadratic_problem
from verify.properties.lyapunov import take_heavy_ball_step

SMALL: dict[str, Any] = {"networks": 3, "steps": 6, "heavy_ball_steps": 3, "attacks": 9, "seed": 5}
SMALL |= {"method": "norms", "workers": 1, "vocabulary": "classical"}
PLAN = Plan(steps=12, heavy_ball_steps=6, attacks=8, method="norms")


@pytest.fixture(scope="module")
def problems() -> list[verify.Problem]:
    return [random_problem(seed) for seed in range(250)]


def test_networks_use_every_kind_of_edge_activation_and_region(problems: list[verify.Problem]) -> None:
    edges = {
        edge.kind
        for problem in problems
        for v in problem.architecture.order
        for edge in problem.architecture.in_edges(v)
    }
    vertices = [vertex for problem in problems for vertex in problem.architecture.vertices.values()]
    assert edges == {"dense", "identity", "concat", "avgpool2d", "flatten", "conv2d"}
    assert len({vertex.activation.name for vertex in vertices if vertex.activation}) == len(ACTIVATIONS)
    assert {type(problem.region).__name__ for problem in problems} == {"Ball", "BlockBall", "BoundedWeights"}
    assert all(problem.region.contains(problem.initial_weights) is verify.Verdict.PROVED for problem in problems)


@pytest.mark.parametrize(
    "kind",
    [
        lambda problem: len(problem.architecture.inputs) > 1,
        lambda problem: len(problem.architecture.outputs) > 1,
        lambda problem: len(problem.architecture.order) > 7,
        lambda problem: max(vertex.width for vertex in problem.architecture.vertices.values()) >= 12,
        lambda problem: 0 < np.max(np.abs(problem.inputs)) < 1e-5,
        lambda problem: np.max(np.abs(problem.inputs)) > 1e3,
        lambda problem: problem.weight_decay == 10.0,
        lambda problem: problem.reduction == "sum" and problem.samples > 10,
        lambda problem: any(problem.architecture.vertices[v].bias is None for v in problem.architecture.order),
    ],
)
def test_networks_are_diverse(problems: list[verify.Problem], kind: Callable[[verify.Problem], bool]) -> None:
    assert 3 <= sum(kind(problem) for problem in problems) < len(problems)


def test_nothing_is_falsified_and_the_steps_are_covered() -> None:
    figures = figures_of([run_trial(seed, PLAN).to_json() for seed in range(5)])
    assert figures.verdict is verify.Verdict.PROVED and figures.certified == 5
    assert figures.attacks == 5 * PLAN.attacks and figures.successes == 0
    assert figures.adaptive.covered >= 40 and figures.heavy_ball.covered >= 20
    assert figures.margin is not None and figures.margin <= 1
    assert figures.tightness is not None and figures.tightness >= 1


def _weaken_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = trial_module.hessian_bound

    def too_small(problem: verify.Problem, **options: Any) -> Any:
        bound = honest(problem, **options)
        return replace(bound, value=bound.value / 1e9)

    monkeypatch.setattr(trial_module, "hessian_bound", too_small)


def test_a_bound_that_is_too_small_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    _weaken_bound(monkeypatch)
    trials = [run_trial(seed, PLAN) for seed in range(3)]
    figures = figures_of([trial.to_json() for trial in trials])
    assert figures.successes > 2 * len(trials)
    assert figures.adaptive.violations > 0 and figures.heavy_ball.violations > 0
    assert figures.verdict is verify.Verdict.REFUTED and figures.falsified > figures.successes
    cases = [StepCase.from_json(case) for trial in trials for case in trial.cases if case.startswith("{")]
    assert {case.rule for case in cases} == {"adaptive", "heavy_ball"}


def test_attacks_alone_see_a_bound_that_is_slightly_too_small() -> None:
    nodes = {"x": {"width": 2}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    architecture = verify.Architecture.from_data(nodes, output="y")
    problem = verify.Problem(architecture, [[3.0, 4.0]], [[1.0]], region=verify.Ball(np.zeros(2), 1.0))
    assert attack_bound(problem, 25.0, 10, seed=0).successes == 0
    found = attack_bound(problem, 25.0 * (1 - 1e-12), 10, seed=0)
    assert found.successes > 2 and 25.0 * (1 - 1e-12) < found.strongest <= 25.0


def test_a_curvature_whose_square_underflows_is_attacked() -> None:
    nodes = {"x": {"width": 2}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    architecture = verify.Architecture.from_data(nodes, output="y")
    problem = verify.Problem(architecture, [[3e-100, 4e-100]], [[1.0]], region=verify.Ball(np.zeros(2), 1.0))
    found = attack_bound(problem, 25.1e-200, 10, seed=0)
    assert (found.count, found.successes) == (10, 0)
    assert attack_bound(problem, 24.9e-200, 10, seed=0).successes > 2


def test_open_signs_are_undecided_not_proved() -> None:
    trial = run_trial(1, PLAN).to_json()
    trial["heavy_ball"]["undecided"] = 1
    assert figures_of([trial]).verdict is verify.Verdict.UNDECIDED
    assert figures_of([run_trial(1, replace(PLAN, steps=0)).to_json()]).verdict is verify.Verdict.UNDECIDED


@pytest.mark.slow
def test_an_interrupted_file_is_continued_to_the_same_result(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    trials = run_campaign(whole, **SMALL)
    content = whole.read_bytes()
    for end in (10, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:end])
        assert run_campaign(cut, **SMALL) == trials
        assert cut.read_bytes() == content


@pytest.mark.slow
def test_a_run_killed_again_and_again_reaches_the_same_result(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    settings = {**SMALL, "networks": 24, "steps": 96, "heavy_ball_steps": 24, "attacks": 96}
    run_campaign(whole, **settings)
    command = [sys.executable, "-c", "from verify.cli import main; main()", "campaign", "--networks", "24"]
    command += ["--steps", "96", "--attacks", "96", "--heavy-ball", "24", "--seed", "5", "--method", "norms"]
    command += ["--vocabulary", "classical", "--segments", "0", "--workers", "2", "--json", "--out", str(cut)]
    rng = np.random.default_rng(0)
    kills = 0
    for _ in range(8):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + rng.uniform(1, 9)
        while process.poll() is None and time.monotonic() < limit:
            time.sleep(0.01)
        kills += process.poll() is None
        process.kill()
        process.wait()
    assert kills >= 3
    done = subprocess.run(command, capture_output=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["networks"] == 24
    assert cut.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_workers_end_when_the_campaign_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from verify.cli import main; main()", "campaign", "--networks", "4000"]
    command += ["--workers", "2", "--out", str(tmp_path / "campaign.jsonl")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    while len(_group(process.pid)) < 5:  # with the workers, the server that forks them, and its tracker of resources
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    limit = time.monotonic() + 30
    while _group(process.pid) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not _group(process.pid)


def _group(group: int) -> list[int]:
    """Processes of a session that live."""
    members = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError):
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                if int(fields[2]) == group and fields[0] != "Z":
                    members.append(int(entry.name))
    return members


def test_file_of_another_campaign_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "campaign.jsonl"
    run_campaign(path, **SMALL)
    with pytest.raises(verify.InputError, match="another campaign"):
        run_campaign(path, **{**SMALL, "seed": 6})
    path.write_text("no json\n", encoding="utf-8")
    with pytest.raises(verify.InputError, match="no campaign"):
        run_campaign(path, **SMALL)


def test_rate_limit_is_the_exact_binomial_limit() -> None:
    assert (1 - rate_limit(0, 50)) ** 50 == pytest.approx(0.05)
    p = rate_limit(2, 30)
    at_most_two = sum(math.comb(30, k) * p**k * (1 - p) ** (30 - k) for k in range(3))
    assert at_most_two == pytest.approx(0.05)


def test_command_prints_one_json_object(tmp_path: Path) -> None:
    arguments = ["campaign", "--networks", "2", "--steps", "6", "--workers", "1", "--method", "norms"]
    arguments += ["--attacks", "6", "--heavy-ball", "4"]
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "c.jsonl"), "--json"])
    answer = json.loads(result.stdout)
    assert answer["verdict"] == "PROVED" and answer["violations"] == 0 and answer["networks"] == 2
    assert answer["attacks"] == 6 and answer["adaptive"]["steps"] == 6 and answer["heavy_ball"]["steps"] == 4
    table = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "c.jsonl")])
    assert "95 %" in table.stdout and "increases of V" in table.stdout


def test_heavy_ball_steps_on_a_quadratic_are_where_v_stays_as_it_is() -> None:
    problem = quadratic_problem()
    eta = HEAVY_BALL.eta_limit(2.0) * 0.5
    case = StepCase(3, 0.0, "against-gradient", eta * EDGE, 0.5, rule="heavy_ball")
    inside = take_heavy_ball_step(problem, case, 2.0, np.zeros(2))
    assert inside.covered and inside.decision.decreases is verify.Verdict.PROVED and inside.scale == 1.0
    assert abs(inside.decision.lower) < 1e-5 * problem.error(inside.w)
    beyond = take_heavy_ball_step(problem, replace(case, eta=eta * (1 + 1e-6)), 2.0, np.zeros(2))
    assert not beyond.covered and beyond.decision.decreases is verify.Verdict.REFUTED
    assert not beyond.violates


def test_edge_cases_of_the_heavy_ball_are_in_its_range() -> None:
    for index in range(50):
        case = heavy_ball_case(1, index, 3.7)
        assert HEAVY_BALL.contains(3.7, case.eta, case.momentum) is verify.Verdict.PROVED
