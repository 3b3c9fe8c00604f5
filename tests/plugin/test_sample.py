"""The sample repository: green as it is, red after a change that hurts, with reports that are read back."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import verify

EXAMPLES = Path(__file__).parents[2] / "examples" / "ci"
BIN = Path(sys.executable).parent
MOST_LINES = 15


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES / "sample", tmp_path / "sample"))


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "OPENBLAS_NUM_THREADS": "1"}
    for name in ("PYTEST_ADDOPTS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        environment.pop(name, None)
    return subprocess.run(
        ["bash", "-c", command], check=False, cwd=folder, env=environment, capture_output=True, text=True
    )


def failures(file: Path) -> dict[str, str]:
    cases = ET.parse(file).getroot().iter("testcase")
    return {case.get("name"): found.text for case in cases if (found := case.find("failure")) is not None}


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_the_sample_is_green(sample):
    result = run(sample, "python -m pytest --junitxml=out.xml")
    assert result.returncode == 0, result.stdout
    names = [case.get("name") for case in ET.parse(sample / "out.xml").getroot().iter("testcase")]
    assert {"gradients", "A1", "A4", "range", "decrease"} < set(names) and len(names) == 10
    assert failures(sample / "out.xml") == {}


def test_a_dropped_skip_edge_is_red_and_replays(sample):
    replace(sample / "network.py", "d_skip = at_output.T @ x", "d_skip = 0 * skip")
    assert run(sample, "python -m pytest --junitxml=out.xml test_network.py").returncode == 1
    (name, text), *others = failures(sample / "out.xml").items()
    assert name.startswith("test_gradient") and not others
    assert "REFUTED: the gradient given is wrong at ('x', 'y')[0, " in text and "lost edge" in text
    point = re.search(r"replay: assert_gradient_correct\(gradient, problem, points=\[(\[.*?\])\]\)", text)
    w = np.array(json.loads(point[1]))
    problem = verify.load_problem(sample / "net.dagverify.toml")
    sys.path.insert(0, str(sample))
    try:
        from network import gradient
    finally:
        sys.path.remove(str(sample))
        sys.modules.pop("network")
    parts = problem.architecture.unflatten(w)
    keys = [("x", "h"), "h", ("h", "y"), ("x", "y"), "y"]
    derivatives = gradient(problem.inputs, problem.targets, *(parts[key] for key in keys))
    expected = problem.architecture.unflatten(problem.gradient(w))
    wrong = [key for key, own in zip(keys, derivatives, strict=True) if not np.allclose(own, expected[key], atol=1e-12)]
    assert wrong == [("x", "y")]


def test_a_learning_rate_too_large_is_red(sample):
    replace(sample / "network.py", "ETA, TAU = 0.2, 0.1", "ETA, TAU = 500.0, 0.1")
    assert run(sample, "python -m pytest --junitxml=out.xml test_network.py").returncode == 1
    assert {name.split("[")[0] for name in failures(sample / "out.xml")} == {"test_setting", "test_training"}


@pytest.mark.slow
def test_a_kink_in_the_spec_is_red_in_pytest_and_in_sarif(sample):
    replace(sample / "net.dagverify.toml", '"tanh"', '"relu"')
    assert run(sample, "python -m pytest --junitxml=out.xml -m dagverify").returncode == 1
    assert set(failures(sample / "out.xml")) == {"A1", "A4", "range", "decrease"}
    assert run(sample, "dagverify check net.dagverify.toml --sarif out.sarif").returncode == 1
    results = json.loads((sample / "out.sarif").read_text(encoding="utf-8"))["runs"][0]["results"]
    assert [(each["ruleId"], each["level"]) for each in results] == [
        ("dagverify/A1", "error"),
        ("dagverify/A4", "warning"),
        ("dagverify/range", "warning"),
    ]


def test_the_readme_leads_from_nothing_to_red_and_green(tmp_path):
    block = re.search(r"```sh\n(.*?)```", (EXAMPLES / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    lines = block[1].splitlines()
    assert len(lines) <= MOST_LINES and lines[0] == "pip install dagverify"
    runs = [index for index, line in enumerate(lines) if line.startswith("pytest")]
    assert len(runs) == 2 and runs[1] == len(lines) - 1
    red = run(tmp_path, "\n".join(["set -e", *lines[1 : runs[0] + 1]]))
    assert red.returncode == 1
    assert "A1 REFUTED: vertex h: g' jumps at z = 0 (relu)" in red.stdout and "softplus" in red.stdout
    green = run(tmp_path / "my-net", "\n".join(["set -e", *lines[runs[0] + 1 :]]))
    assert green.returncode == 0, green.stdout
    assert "failed" not in green.stdout.splitlines()[-1]


def test_the_main_readme_shows_the_same_path() -> None:
    pattern = re.compile(r"```sh\n(.*?)```", re.DOTALL)
    texts = [(folder / "README.md").read_text(encoding="utf-8") for folder in (EXAMPLES, EXAMPLES.parent.parent)]
    shown = [pattern.search(text) for text in texts]
    assert all(shown) and len({match[1] for match in shown if match}) == 1
