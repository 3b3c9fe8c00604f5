"""The campaign: deterministic, continued after a kill, and able to see a violation."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import verify
from verify.campaign import trial as trial_module
from verify.campaign.figures import figures_of, rate_limit
from verify.campaign.networks import ACTIVATIONS, random_problem
from verify.campaign.run import run_campaign
from verify.campaign.trial import run_trial
from verify.cli import main
from verify.properties.cases import StepCase

SMALL: dict[str, Any] = {"networks": 4, "steps": 12, "seed": 5, "method": "norms", "workers": 1}


def test_networks_use_every_kind_of_edge_activation_and_region() -> None:
    problems = [random_problem(seed) for seed in range(120)]
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


def test_nothing_is_falsified_and_the_steps_are_covered() -> None:
    figures = figures_of([run_trial(seed, 10, "norms").to_json() for seed in range(3)])
    assert figures.clean and figures.certified == 3
    assert figures.covered >= 15
    assert figures.margin is None or figures.margin >= 1
    assert figures.tightness is not None and figures.tightness >= 1


def _weaken_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = trial_module.hessian_bound

    def too_small(problem: verify.Problem, **options: Any) -> Any:
        bound = honest(problem, **options)
        return replace(bound, value=bound.value / 1e9)

    monkeypatch.setattr(trial_module, "hessian_bound", too_small)


def test_a_bound_that_is_too_small_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    _weaken_bound(monkeypatch)
    figures = figures_of([run_trial(seed, 12, "norms").to_json() for seed in range(3)])
    assert figures.broken_bounds > 0 and figures.violations > 0 and not figures.clean


def test_cases_of_violations_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    _weaken_bound(monkeypatch)
    cases = [case for seed in range(3) for case in run_trial(seed, 12, "norms").cases if case.startswith("{")]
    assert cases and all(isinstance(StepCase.from_json(case), StepCase) for case in cases)


def test_an_interrupted_file_is_continued_to_the_same_result(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    trials = run_campaign(whole, **SMALL)
    content = whole.read_bytes()
    for end in (0, 10, len(content) // 2, len(content) - 1):
        cut.write_bytes(content[:end])
        assert run_campaign(cut, **SMALL) == trials
        assert cut.read_bytes() == content


@pytest.mark.slow
def test_a_killed_run_reaches_the_same_result(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    command = [sys.executable, "-c", "from verify.cli import main; main()", "campaign", "--networks", "4"]
    command += ["--steps", "12", "--seed", "5", "--method", "norms", "--workers", "2", "--json", "--out"]
    run_campaign(whole, **SMALL)
    process = subprocess.Popen([*command, str(cut)], stdout=subprocess.DEVNULL, start_new_session=True)
    limit = time.monotonic() + 60
    while (
        (not cut.exists() or cut.read_bytes().count(b"\n") < 2) and process.poll() is None and time.monotonic() < limit
    ):
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = subprocess.run([*command, str(cut)], capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["networks"] == 4
    assert cut.read_bytes() == whole.read_bytes()


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
    result = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "c.jsonl"), "--json"])
    answer = json.loads(result.stdout)
    assert answer["verdict"] == "PROVED" and answer["violations"] == 0 and answer["networks"] == 2
    table = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "c.jsonl")])
    assert "95 %" in table.stdout
