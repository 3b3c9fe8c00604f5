"""``dagverify converge``: exit codes, the certificate, the folder of the run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

EXAMPLES = Path(__file__).parents[2] / "examples"
XOR = EXAMPLES / "xor_decay.toml"
Run = Callable[..., Result]


def test_a_minimum_is_certified_and_rechecked(dagverify: Run, tmp_path: Path) -> None:
    path, folder = tmp_path / "minimum.json", tmp_path / "run"
    result = dagverify("converge", XOR, "-o", path, "--out", folder, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["verdict"], found["certificate"]) == (0, "PROVED", str(path))
    assert found["claim"]["least"] > 0 and found["steps"]["newton"] > 0
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["steps"] == found["steps"]["training"]
    checked = dagverify("recheck", path, "--json")
    assert checked.exit_code == 0 and "strict minimiser" in json.loads(checked.stdout)["statement"]


def test_what_is_flat_is_undecided_and_writes_nothing(dagverify: Run, tmp_path: Path) -> None:
    spec, path = tmp_path / "flat.toml", tmp_path / "minimum.json"
    text = XOR.read_text(encoding="utf-8").replace("weight_decay = 0.001\n", "")
    spec.write_text(text.replace("[0, 0], [0, 1], [1, 0], [1, 1]", "[0, 0], [0, 0], [1, 0], [1, 0]"), encoding="utf-8")
    result = dagverify("converge", spec, "-o", path)
    assert result.exit_code == 3 and not path.exists()
    assert "column 1 of x is 0 in every sample" in " ".join(result.stdout.split())


def test_a_saddle_is_refuted(dagverify: Run, tmp_path: Path) -> None:
    spec, start = tmp_path / "saddle.toml", tmp_path / "zero.npz"
    spec.write_text(
        'name = "saddle"\noutput = "y"\n[data]\nx = [[1], [-1]]\ny = [[0.5], [-0.5]]\n[nodes.x]\nwidth = 1\n'
        '[nodes.h]\nwidth = 1\nactivation = "tanh"\ninputs = ["x"]\n'
        '[nodes.y]\nwidth = 1\nactivation = "tanh"\ninputs = ["h"]\n',
        encoding="utf-8",
    )
    np.savez(start, w=np.zeros(4))
    result = dagverify("converge", spec, "--at", start, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["verdict"]) == (1, "REFUTED")
    assert found["saddle"]["curvature"] < 0 < found["saddle"]["decrease"] and len(found["saddle"]["next"]) == 4


SOFTMAX = """
name = "small"
loss = "softmax-cross-entropy"
weight_decay = 0.02
output = "y"
[data]
x = [[-1.0], [-0.5], [0.25], [1.0], [0.0]]
y = [0, 1, 2, 1, 0]
[nodes.x]
width = 1
[nodes.y]
width = 3
inputs = ["x"]
"""


def test_a_minimum_with_cross_entropy_is_certified_and_rechecked(dagverify: Run, tmp_path: Path) -> None:
    spec, path = tmp_path / "small.toml", tmp_path / "minimum.json"
    spec.write_text(SOFTMAX, encoding="utf-8")
    result = dagverify("converge", spec, "-o", path, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["verdict"], found["reasons"]) == (0, "PROVED", [])
    assert found["certificate"] == str(path) and "exactly one stationary point" in found["certified"]
    assert dagverify("recheck", path).exit_code == 0


def test_the_answer_says_why_no_certificate_is_written(
    dagverify: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verify.certificates.checker.graph.MOST_HESSIAN_WORK", 1)
    spec, path = tmp_path / "small.toml", tmp_path / "minimum.json"
    spec.write_text(SOFTMAX, encoding="utf-8")
    result = dagverify("converge", spec, "-o", path, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["verdict"], found["certificate"]) == (0, "PROVED", None)
    assert found["reasons"][0].startswith("no certificate: the network is too large") and not path.exists()
