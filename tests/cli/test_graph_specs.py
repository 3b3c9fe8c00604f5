"""The commands on spec files of the whole vocabulary: what they prove, and what they leave undecided in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.spec.test_vocabulary import BASE
from verify.spec import load_problem

Run = Callable[..., Result]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.toml"
    path.write_text(f'name = "words"\n{BASE}')
    return path


REGION = "[region]\nkind = 'ball'\nradius = 1e-3\n"


@pytest.mark.parametrize(
    "command", ["check", "test", *(pytest.param(name, marks=pytest.mark.slow) for name in ("range", "explain"))]
)
def test_with_a_region_every_network_is_answered(command: str, spec: Path, dagverify: Run) -> None:
    spec.write_text(spec.read_text() + REGION)
    result = dagverify(
        command, spec, "--json", *{"test": ["--examples", 3], "explain": ["--budget", 0]}.get(command, [])
    )
    assert result.exit_code in (0, 3), result.stderr
    assert json.loads(result.stdout)["verdict"] == {0: "PROVED", 3: "UNDECIDED"}[result.exit_code]


@pytest.mark.parametrize("command", ["check", "range", "test", "explain"])
def test_without_a_region_there_is_no_question(command: str, spec: Path, dagverify: Run) -> None:
    result = dagverify(command, spec)
    assert result.exit_code == 2
    assert "region" in result.stderr


def test_what_has_no_rule_is_undecided_in_one_line(spec: Path, dagverify: Run, tmp_path: Path) -> None:
    result = dagverify("certify", spec, "-o", tmp_path / "c.json", "--kind", "horizon", "--steps", 2, "--json")
    assert result.exit_code == 3
    assert result.stderr.startswith("UNDECIDED: ")
    assert result.stderr.count("\n") == 1
    answer = json.loads(result.stdout)
    assert answer["verdict"] == "UNDECIDED"
    assert "words" in answer["reasons"][0]


def test_a_ball_is_certified_and_rechecked(spec: Path, dagverify: Run, tmp_path: Path) -> None:
    spec.write_text(spec.read_text() + REGION.replace("1e-3", "1e-6"))
    made = dagverify("certify", spec, "-o", tmp_path / "c.json", "--json")
    assert (made.exit_code, json.loads(made.stdout)["verdict"]) == (0, "PROVED")
    assert dagverify("recheck", tmp_path / "c.json", "--spec", spec).exit_code == 0


def test_gradients_are_proved_and_compared(spec: Path, dagverify: Run) -> None:
    result = dagverify("gradients", spec, "--json")
    answer = json.loads(result.stdout)
    assert result.exit_code == 0
    assert answer["proof"]["verdict"] == "PROVED"
    assert answer["check"]["outcome"] == "AGREES"
    assert answer["max_relative_error"] < 1e-12
    printed = dagverify("gradients", spec, "--latex")
    assert printed.exit_code == 0
    assert set(re.findall(r"\\item \\emph\{([a-z_\\]+):\}", printed.stdout)) == {
        name.replace("_", "\\_") for name in answer["proof"]["rules"]
    }


@pytest.mark.parametrize("rule", ["guarded", "certified"])
def test_a_run_is_resumed_to_the_same_result(rule: str, spec: Path, dagverify: Run, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    answer = json.loads(dagverify("train", spec, "--rule", rule, "--steps", 6, "--out", whole, "--json").stdout)
    assert answer["verdict"] == "PROVED"
    assert answer["verdicts"]["PROVED"] > 3
    dagverify("train", spec, "--rule", rule, "--steps", 3, "--out", parts)
    resumed = dagverify("train", spec, "--rule", rule, "--steps", 6, "--out", parts, "--resume", "--json")
    found = json.loads(resumed.stdout)
    assert found["weights_sha256"] == answer["weights_sha256"]
    assert (whole / "steps.jsonl").read_bytes() == (parts / "steps.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (('activation = "tanh"', 'activation = "sigmoid"'), "subject.architecture"),
        (("x = [[0, 1.5]", "x = [[0, 1.25]"), "subject.data_sha256"),
        (('output = "y"', 'output = "y"\nweight_decay = {"y.*" = 0.1}'), "subject.weight_decay"),
        (("[nodes.y]", "[weights]\nseed = 1\n[nodes.y]"), "subject.initial_weights_sha256"),
    ],
)
def test_another_network_cannot_go_on(
    change: tuple[str, str], part: str, spec: Path, dagverify: Run, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    dagverify("train", spec, "--rule", "guarded", "--steps", 1, "--out", run)
    spec.write_text(spec.read_text().replace(*change))
    result = dagverify("train", spec, "--rule", "guarded", "--steps", 2, "--out", run, "--resume")
    assert result.exit_code == 2
    assert part in result.stderr


def test_lint_counts(spec: Path, dagverify: Run) -> None:
    assert f"vertices=7, edges=6, parameters={load_problem(spec).size}" in dagverify("lint", spec).stdout


@pytest.mark.slow
def test_an_epoch_of_batches_is_ranged(spec: Path, dagverify: Run) -> None:
    spec.write_text(spec.read_text() + REGION)
    result = dagverify("range", spec, "--epoch", "--batch", 2, "--json")
    assert result.exit_code in (0, 3), result.stderr
    found = json.loads(result.stdout)
    (row,) = found["ranges"]
    assert row["theorem"] == "epoch" and row["verdict"] == found["verdict"] and row["batch"] == 2
    assert row["steps"] == 2 and found["lipschitz"]["value"] == row["L_of_all_data"] > 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epoch"], "belong together"),
        (["--batch", 2], "belong together"),
        (["--epoch", "--batch", 0], "0"),
        (["--epoch", "--batch", 2, "--at", "w.npz"], "starts at the weights"),
        (["--epoch", "--batch", 2, "--norm", "vertex"], "only for one step"),
        (["--epoch", "--batch", 2, "--plot", "p.svg"], "no picture"),
    ],
)
def test_options_of_an_epoch_are_checked(options: list[str], words: str, spec: Path, dagverify: Run) -> None:
    result = dagverify("range", spec, *options)
    assert result.exit_code == 2 and words in result.stderr and result.stderr.count("\n") == 1
