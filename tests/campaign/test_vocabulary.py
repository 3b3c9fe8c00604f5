"""The campaign over the whole vocabulary: graphs, bounds along segments, and files of both formats."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import verify
from verify.campaign import run as run_module
from verify.campaign import segments as segments_module
from verify.campaign import trial as trial_module
from verify.campaign.figures import figures_of
from verify.campaign.segments import PARTS, Segments, attack_segments
from verify.campaign.trial import Plan, Trial, run_trial
from verify.campaign.vocabulary import kind_of, problem_of, random_graph_problem
from verify.cli import main
from verify.graph.problem import GraphProblem

PLAN = Plan(steps=3, heavy_ball_steps=3, attacks=3, segment_attacks=10, vocabulary="graphs", method="norms")
SMALL: dict[str, Any] = {"networks": 2, "steps": 2, "attacks": 4, "method": "norms", "workers": 1}


def test_graphs_have_every_kind_of_region_and_a_seed_makes_one_problem() -> None:
    problems = [random_graph_problem(seed) for seed in range(12)]
    assert {type(problem.region) for problem in problems} == {verify.Ball, verify.BlockBall, verify.BoundedWeights}
    for seed, problem in enumerate(problems):
        region: Any = problem.region
        assert region.contains(problem.initial_weights) is verify.Verdict.PROVED
        assert problem.graph == random_graph_problem(seed).graph


def test_kinds_take_turns() -> None:
    assert [kind_of(seed, "all") for seed in range(3)] == ["classical", "graphs", "classical"]
    assert kind_of(0, "graphs") == "graphs" and isinstance(problem_of(0, "graphs"), GraphProblem)
    assert isinstance(problem_of(0, "classical"), verify.Problem)


def test_graphs_are_attacked_and_nothing_is_falsified() -> None:
    figures = figures_of([run_trial(seed, PLAN).to_json() for seed in range(3)])
    assert figures.graphs == 3 and figures.certified >= 2 and figures.verdict is verify.Verdict.PROVED
    assert figures.segments.attacks >= 20 and figures.segments.successes == 0
    assert figures.adaptive.covered > 0 and figures.heavy_ball.covered > 0


def test_bounds_of_graphs_that_are_too_small_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = trial_module.hessian_bound

    def too_small(problem: Any, **options: Any) -> Any:
        bound = honest(problem, **options)
        return replace(bound, value=bound.value / 1e3)

    monkeypatch.setattr(trial_module, "hessian_bound", too_small)
    figures = figures_of([run_trial(seed, PLAN).to_json() for seed in (0, 8)])
    assert figures.successes > 0 and figures.adaptive.violations > 0 and figures.heavy_ball.violations > 0


@pytest.mark.parametrize("kind", ["classical", "graphs"])
def test_bounds_along_segments_that_are_too_small_are_seen(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousandth of the curvature is missing."""
    honest = segments_module.segment_bound

    def too_small(problem: Any, *arguments: Any, **options: Any) -> Any:
        bound = honest(problem, *arguments, **options)
        lowered = tuple((p[0], p[1] - 1e-3 * abs(p[1]), *p[2:]) for p in bound.polynomials)
        return replace(bound, polynomials=lowered)

    seeds = range(4)
    before = [attack_segments(p := problem_of(seed, kind), 10, seed, np.ones(p.size)) for seed in seeds]
    assert not any(found.successes for found in before) and sum(found.attacks for found in before) >= 30
    monkeypatch.setattr(segments_module, "segment_bound", too_small)
    after = [attack_segments(p := problem_of(seed, kind), 10, seed, np.ones(p.size)) for seed in seeds]
    assert sum(found.successes for found in after) >= 2


def test_points_of_attacked_segments_are_float64_numbers() -> None:
    for seed in range(8):
        problem = problem_of(seed, kind_of(seed, "all"))
        w, direction, length = segments_module._segment(problem, np.random.default_rng(seed), np.ones(problem.size))
        assert np.any(direction)
        for part in (1, 7, PARTS - 1, PARTS):
            t = length * part / PARTS
            exact = [Fraction(a) + Fraction(t) * Fraction(b) for a, b in zip(w, direction, strict=True)]
            assert [Fraction(c) for c in w + t * direction] == exact


@pytest.fixture
def instant_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    def trial(seed: int, plan: Plan) -> Trial:
        known: dict[str, Any] = {"kind": kind_of(seed, plan.vocabulary), "segments": Segments(2, 2, 20, 0)}
        return Trial(seed, **(known if plan.format > 2 else {}))

    monkeypatch.setattr(run_module, "run_trial", trial)


@pytest.mark.usefixtures("instant_trials")
def test_classical_campaigns_write_and_continue_files_of_format_2(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    run_module.run_campaign(path, **SMALL, vocabulary="classical")
    header, *trials = (json.loads(text) for text in path.read_text().splitlines())
    assert header["campaign"] == 2 and set(header["per_network"]) == {"steps", "heavy_ball_steps", "attacks", "method"}
    assert all("kind" not in trial and "segments" not in trial for trial in trials)
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\n", 0, -1) + 1])
    run_module.run_campaign(path, **SMALL, vocabulary="classical")
    assert path.read_bytes() == content
    with pytest.raises(verify.InputError, match="another campaign"):
        run_module.run_campaign(path, **SMALL)


@pytest.mark.usefixtures("instant_trials")
def test_lines_of_format_3_are_continued_and_edited_ones_named(tmp_path: Path) -> None:
    path = tmp_path / "new.jsonl"
    trials = run_module.run_campaign(path, **SMALL, segment_attacks=20)
    assert [trial["kind"] for trial in trials] == ["classical", "graphs"]
    content = path.read_bytes()
    path.write_bytes(content[: content.rindex(b"\n", 0, -1) + 5])
    assert run_module.run_campaign(path, **SMALL, segment_attacks=20) == trials
    for old, new in ((b'"kind": "graphs"', b'"kind": "other"'), (b'"bounds": ', b'"bounds": 0.5, "more": ')):
        path.write_bytes(content.replace(old, new))
        with pytest.raises(verify.InputError, match="not a trial"):
            run_module.run_campaign(path, **SMALL, segment_attacks=20)


def test_the_command_prints_the_segments(tmp_path: Path) -> None:
    arguments = ["campaign", "--networks", "2", "--steps", "2", "--workers", "1", "--method", "norms"]
    arguments += ["--attacks", "4", "--heavy-ball", "0", "--segments", "20", "--out", str(tmp_path / "c.jsonl")]
    result = CliRunner().invoke(main, [*arguments, "--json"])
    answer = json.loads(result.stdout)
    assert answer["graphs"] == 1 and answer["segments"]["attacks"] > 0 and answer["segments"]["successes"] == 0
    table = CliRunner().invoke(main, arguments)
    assert "bounds along segments" in table.stdout and "of the whole vocabulary" in table.stdout
