"""The pieces that other projects drop in: the GitHub action's script, the pre-commit hook, completion, workflows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "ci" / "sample"
BIN = Path(sys.executable).parent

yaml = pytest.importorskip("yaml")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def run(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        command, check=False, cwd=folder, env={**environment, **variables}, capture_output=True, text=True
    )


def action_step(name: str) -> dict[str, Any]:
    return next(step for step in read(ROOT / "action.yml")["runs"]["steps"] if step["name"] == name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("good", "bad"):
        shutil.copy(SAMPLE / "net.dagverify.toml", tmp_path / f"{name}.dagverify.toml")
    bad = tmp_path / "bad.dagverify.toml"
    bad.write_text(bad.read_text(encoding="utf-8").replace('"tanh"', '"relu"'), encoding="utf-8")
    return tmp_path


def check(folder: Path, specs: str, baselines: str = "") -> subprocess.CompletedProcess[str]:
    variables = {"SPECS": specs, "REPORTS": "reports", "BASELINES": baselines, "FACTOR": "1.1"}
    summary = {"GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "GITHUB_WORKSPACE": str(folder)}
    return run(["bash", "-c", action_step("Check the spec files")["run"]], folder, **variables, **summary)


def test_the_action_is_green_and_writes_reports(folder):
    result = check(folder, "good.dagverify.toml")
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in (folder / "reports").iterdir()) == [
        "good.dagverify.sarif",
        "good.dagverify.xml",
    ]


@pytest.mark.slow
def test_the_action_is_red_if_one_of_many_is(folder):
    result = check(folder, "*.dagverify.toml")
    assert result.returncode == 1
    assert "::error file=bad.dagverify.toml,line=14,title=A1 REFUTED::" in result.stdout
    assert len(list((folder / "reports").iterdir())) == 4
    assert (folder / "summary.md").read_text(encoding="utf-8").count("### dagverify check") == 2


def test_the_action_is_red_without_a_spec_file(folder):
    assert check(folder, "none/*.toml").returncode == 1


def test_the_action_compares_with_a_baseline(folder):
    (folder / "base").mkdir()
    (folder / "base" / "good.dagverify.json").write_text("{}", encoding="utf-8")
    result = check(folder, "good.dagverify.toml", "base")
    assert result.returncode == 1 and "no answer of a check" in result.stdout


def test_the_action_takes_its_inputs_from_the_environment():
    """An input that was pasted into the script could run commands."""
    action = read(ROOT / "action.yml")
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"]
        named = {re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value)[1] for value in step["env"].values()}
        assert named <= set(action["inputs"])


def test_the_hook_lints_what_it_matches(folder):
    (hook,) = read(ROOT / ".pre-commit-hooks.yaml")
    assert re.search(hook["files"], "models/net.dagverify.toml") and not re.search(hook["files"], "pyproject.toml")
    assert run([*shlex.split(hook["entry"]), "good.dagverify.toml"], folder).returncode == 0
    (folder / "bad.dagverify.toml").write_text("name = 3", encoding="utf-8")
    assert run([*shlex.split(hook["entry"]), "bad.dagverify.toml"], folder).returncode == 2


def test_the_sample_uses_what_exists():
    hooks = {hook["id"] for hook in read(ROOT / ".pre-commit-hooks.yaml")}
    used = [hook["id"] for repo in read(SAMPLE / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    assert used and set(used) <= hooks
    jobs = read(SAMPLE / ".github" / "workflows" / "dagverify.yml")["jobs"]
    (step,) = [step for step in jobs["push"]["steps"] if "dagverify@" in step.get("uses", "")]
    assert set(step["with"]) <= set(read(ROOT / "action.yml")["inputs"])
    (nightly,) = [step["run"] for step in jobs["nightly"]["steps"] if "pytest" in step.get("run", "")]
    for option in re.findall(r"--[a-z-]+", nightly):
        assert option in run([sys.executable, "-m", "pytest", "--help"], SAMPLE).stdout


def test_completion_knows_the_commands(tmp_path):
    assert "_dagverify_completion" in run(["dagverify"], tmp_path, _DAGVERIFY_COMPLETE="bash_source").stdout
    words = {"_DAGVERIFY_COMPLETE": "bash_complete", "COMP_WORDS": "dagverify ch", "COMP_CWORD": "1"}
    assert run(["dagverify"], tmp_path, **words).stdout.split() == ["plain,check"]
