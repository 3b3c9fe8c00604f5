"""`dagverify train`: answers, exit codes, refusals in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import verify
from verify.cli import main
from verify.cli import train as command
from verify.training.train import RULES

SPEC = Path(__file__).parents[2] / "examples" / "xor_skip.toml"


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(main, ["train", str(SPEC), *map(str, arguments)])


def test_proved_run(tmp_path: Path) -> None:
    result = run("--steps", 8, "--out", tmp_path / "run", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    answer = json.loads(result.stdout)
    assert (answer["verdict"], answer["steps"], answer["verdicts"]["PROVED"]) == ("PROVED", 8, 8)
    last = np.load(tmp_path / "run" / "checkpoint.npz")["w"]
    assert verify.load_problem(SPEC).error_enclosure(last)[0] <= answer["error_upper"]
    again = run("--steps", 12, "--out", tmp_path / "run", "--resume", "--json")
    assert json.loads(again.stdout)["steps"] == 12


def test_a_resumed_run_says_which_steps_it_did_not_prove(tmp_path: Path) -> None:
    out = ("--out", tmp_path / "run")
    assert json.loads(run("--steps", 3, *out, "--json").stdout)["recorded_steps"] == 0
    further = " ".join(run("--steps", 5, *out, "--resume").stdout.split())
    assert "did every step of this session, and the run in all, decrease the error?: PROVED" in further
    assert "in this session 2: 2 PROVED" in further
    assert "by earlier sessions 3: 3 PROVED; not proved again" in further
    none = run("--steps", 5, *out, "--resume")
    assert none.exit_code == 0
    assert "did the run in all decrease the error?: PROVED" in " ".join(none.stdout.split())
    assert json.loads(run("--steps", 5, *out, "--resume", "--json").stdout)["recorded_steps"] == 5


@pytest.mark.parametrize(
    ("rule", "settings"), [("restart", ("--tau", "0.15")), ("clipped", ("--mu", "0.9")), ("fixed", ("--tau", "0.05"))]
)
def test_rules_with_constant_momentum(rule: str, settings: tuple[str, ...], tmp_path: Path) -> None:
    options = ("--rule", rule, "--eta", "0.1", *settings, "--out", tmp_path / "run", "--json")
    answer = json.loads(run("--steps", 4, *options).stdout)
    assert (answer["verdict"], answer["rule"], answer["steps"]) == ("PROVED", rule, 4)
    assert json.loads(run("--steps", 6, *options, "--resume").stdout)["steps"] == 6
    other = run("--steps", 8, *options[:2], "--eta", "0.2", *options[4:], "--resume")
    assert other.exit_code == 2 and "the folder holds another run" in other.stderr


def test_the_rules_of_the_command_are_those_of_training() -> None:
    assert command.RULES == RULES


def test_increases_are_refuted(tmp_path: Path) -> None:
    result = run("--rule", "fixed", "--eta", 500, "--tau", 400, "--steps", 10, "--out", tmp_path / "run", "--json")
    assert result.exit_code == 1, result.output
    assert json.loads(result.stdout)["verdicts"]["REFUTED"] > 0


@pytest.mark.parametrize("kind", ["steps", "horizon"])
def test_certified_runs_are_rechecked(kind: str, tmp_path: Path) -> None:
    out, fixed = tmp_path / "run", ("--rule", "fixed", "--eta", 0.005, "--tau", 0.001)
    certified = ("--certificates", kind, "--certify-every", 4, "--out", out)
    assert run("--steps", 6, *fixed, *certified, "--json").exit_code == 0
    recheck = ["recheck", str(out), "--spec", str(SPEC)]
    result = CliRunner().invoke(main, [*recheck, "--json"])
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    assert (answer["verdict"], answer["steps"], answer["reasons"]) == ("PROVED", 6, [])
    assert answer["under_theorem"] == (6 if kind == "horizon" else 0)
    assert "6, each decreases the error" in CliRunner().invoke(main, recheck).stdout
    (out / "certificates" / "000001.json").unlink()
    assert CliRunner().invoke(main, recheck).exit_code == 3
    (out / "certificates" / "000000.json").write_text("{")
    assert CliRunner().invoke(main, recheck).exit_code == 2


def test_table(tmp_path: Path) -> None:
    result = run("--steps", 3, "--rule", "guarded", "--out", tmp_path / "run")
    assert result.exit_code == 0
    assert "3 PROVED" in result.stdout


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    result = run("--steps", 3, "--out", tmp_path / "run", "--plot", "--json")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "run" / "run.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--rule", "fixed"], "eta=None"),
        (["--rule", "guarded", "--eta", "0.1"], "eta=0.1"),
        (["--resume"], "start it without --resume"),
        (["--gradient-tolerance", "nan"], "gradient_tolerance='nan'"),
    ],
)
def test_bad_settings(tmp_path: Path, arguments: list[str], named: str) -> None:
    result = run("--out", tmp_path / "run", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert named in result.stderr


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    run("--steps", 2, "--out", tmp_path / "run")
    result = run("--steps", 2, "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "already holds a run" in result.stderr
