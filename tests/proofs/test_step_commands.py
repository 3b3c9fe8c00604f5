"""``certify --coq`` and ``recheck --coq``: the files they write, their exit codes, and their one-line errors."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.proofs.steps import AXIOMS, install_coqc
from verify import load_problem
from verify.certificates.coq import compile_proof
from verify.cli import main
from verify.outcomes import Verdict

MANY = f"x = {[[0.0, 1.0]] * 340}\ny = {[0.5] * 340}"
X = "x = [[0.0, 1.0], [0.5, -0.25]]\ny = [1.0, 0.0]"


@pytest.fixture
def dagverify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return a function that runs a command in the folder of the spec file."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def step(write_spec, dagverify) -> Path:
    """A step certificate of the small spec file and its Coq file Step.v."""
    write_spec()
    result = dagverify("certify", "spec.toml", "-o", "step.json", "--kind", "step", "--coq", "Step.v", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["coq"] == "Step.v"
    return Path("step.json")


def refused(result: Result, *fragments: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr
    for fragment in fragments:
        assert fragment in result.stderr


def test_given_steps_are_written_exactly(write_spec, dagverify):
    problem = load_problem(write_spec())
    points = sorted((np.full(9, 0.25), np.full(9, 0.1875)), key=problem.error)
    np.savez("before.npz", w=points[1])
    np.savez("after.npz", w=points[0])
    command = ["certify", "spec.toml", "-o", "step.json", "--kind", "step", "--coq", "Step.v"]
    result = dagverify(*command, "--at", "before.npz", "--next", "after.npz")
    assert result.exit_code == 0, result.stderr
    before, after = Path("Step.v").read_text(encoding="utf-8").split("Module Before.")[1].split("Module After.")
    for text, point in ((before, points[1]), (after, points[0])):
        exact = "(1 / 4)" if point[0] == 0.25 else "(3 / 16)"
        assert re.findall(r"Definition w\d : R := (.*)\.\n", text) == [exact] * 9


def test_an_uphill_step_writes_nothing(step, dagverify):
    certificate = json.loads(step.read_text(encoding="utf-8"))
    for name, texts in (("before", certificate["claim"]["next"]), ("after", certificate["weights"])):
        np.savez(f"{name}.npz", w=[float.fromhex(text) for text in texts])
    command = ["certify", "spec.toml", "-o", "up.json", "--kind", "step", "--coq", "Up.v"]
    result = dagverify(*command, "--at", "before.npz", "--next", "after.npz", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["verdict"] == "UNDECIDED"
    assert not Path("up.json").exists()
    assert not Path("Up.v").exists()


@pytest.mark.parametrize("kind", ["region", "horizon", "weight_decay"])
def test_certify_refuses_other_kinds(kind, write_spec, dagverify):
    write_spec()
    result = dagverify("certify", "spec.toml", "-o", "c.json", "--kind", kind, "--coq", "Step.v")
    refused(result, "only a step", f"kind='{kind}'", "use --kind step")
    assert not Path("c.json").exists()


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (('activation = "tanh"', 'activation = "erf"'), ("vertex h", "activation='erf'", "use one of identity, tanh")),
        (('activation = "tanh"', 'activation = "gelu"'), ("activation='gelu'",)),
        (
            (X, f"x = {[[0.0, 1.0]] * 340}\ny = {[0.5] * 340}"),
            ("too large for a Coq proof", "size=2040", "at most 2000"),
        ),
    ],
    ids=["erf", "gelu", "large"],
)
def test_certify_refuses_what_coq_cannot_follow(change, fragments, write_spec, dagverify):
    write_spec(change)
    result = dagverify("certify", "spec.toml", "-o", "step.json", "--kind", "step", "--coq", "Step.v")
    refused(result, *fragments)
    assert not Path("step.json").exists()
    assert not Path("Step.v").exists()


@pytest.mark.parametrize("command", ["certify spec.toml -o new.json --kind step", "recheck step.json"])
@pytest.mark.parametrize(
    ("name", "fragments"),
    [
        ("missing/Step.v", ("missing/Step.v: no such folder: folder='missing'", "create it")),
        ("a-b.v", ("cannot compile a file of this name", "use a name such as Step.v")),
        ("Folder.v", ("Folder.v: will not write here: not a regular file", "kind='directory'")),
        ("locked/Step.v", ("locked/Step.v: the folder cannot be written",)),
    ],
)
def test_files_that_cannot_be_written(command, name, fragments, step, dagverify):
    Path("Folder.v").mkdir()
    Path("locked").mkdir(mode=0o500)
    if name.startswith("locked") and os.access("locked", os.W_OK):
        pytest.skip("this user may write everywhere")
    refused(dagverify(*command.split(), "--coq", name), *fragments)
    assert not Path("new.json").exists()


def test_one_name_for_both_files_is_refused(write_spec, dagverify):
    write_spec()
    refused(dagverify("certify", "spec.toml", "-o", "A.v", "--kind", "step", "--coq", "A.v"), "A.v", "use two names")


def test_recheck_writes_the_same_file_from_the_certificate_alone(step, dagverify, tmp_path, monkeypatch):
    Path("spec.toml").unlink()
    install_coqc(f"cat <<END\n{AXIOMS}END", tmp_path, monkeypatch)
    result = dagverify("recheck", "step.json", "--coq", "Again.v", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["verdict"], found["reasons"]) == ("PROVED", [])
    assert (found["coq"]["file"], found["coq"]["verdict"]) == ("Again.v", "PROVED")
    assert found["coq"]["seconds"] >= 0
    assert Path("Again.v").read_text(encoding="utf-8") == Path("Step.v").read_text(encoding="utf-8")
    table = dagverify("recheck", "step.json", "--coq", "Again.v")
    assert "from the axioms of the real numbers alone" in " ".join(table.stdout.split())


def test_recheck_without_coq_writes_the_file_and_is_undecided(step, dagverify, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    result = dagverify("recheck", "step.json", "--coq", "Again.v", "--json")
    assert result.exit_code == 3
    found = json.loads(result.stdout)
    assert found["coq"]["verdict"] == found["verdict"] == "UNDECIDED"
    assert "coqc is not installed" in found["reasons"][0]
    assert Path("Again.v").exists()
    assert dagverify("recheck", "step.json").exit_code == 0


def test_without_room_for_a_temporary_folder_it_is_undecided(monkeypatch, tmp_path):
    install_coqc("exit 0", tmp_path, monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    compilation = compile_proof("")
    assert compilation.verdict is Verdict.UNDECIDED and "No such file or directory" in compilation.reason


def test_recheck_is_undecided_when_coq_refuses(step, dagverify, tmp_path, monkeypatch):
    install_coqc("echo 'Error: Cannot find witness.' >&2; exit 1", tmp_path, monkeypatch)
    result = dagverify("recheck", "step.json", "--coq", "Again.v")
    assert result.exit_code == 3
    assert "Cannot find witness" in " ".join(result.stdout.split())


def test_recheck_writes_no_claim_that_is_not_confirmed(step, dagverify):
    certificate = json.loads(step.read_text(encoding="utf-8"))
    certificate["claim"]["decrease"] = "10"
    step.write_text(json.dumps(certificate), encoding="utf-8")
    result = dagverify("recheck", "step.json", "--coq", "Again.v", "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["coq"]["reason"] == "not written: the claim is not confirmed"
    assert not Path("Again.v").exists()


def test_recheck_refuses_other_kinds(write_spec, dagverify):
    write_spec()
    assert dagverify("certify", "spec.toml", "-o", "region.json").exit_code == 0
    refused(dagverify("recheck", "region.json", "--coq", "Step.v"), "only a step", "kind='region'")


@pytest.mark.proofs
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
class TestCompiled:
    def test_both_commands(self, step, dagverify):
        outcome = compile_proof(Path("Step.v").read_text(encoding="utf-8"))
        assert outcome.verdict is Verdict.PROVED, outcome.reason
        result = dagverify("recheck", "step.json", "--coq", "Again.v", "--json")
        assert result.exit_code == 0, result.stdout
        assert json.loads(result.stdout)["coq"]["verdict"] == "PROVED"

    def test_one_percent_more_than_the_written_claim(self, step, dagverify):
        """The written claim is the true decrease but for rounding; 101% of it is false."""
        text = Path("Step.v").read_text(encoding="utf-8")
        head, tail = text.rsplit("BeforeNetwork.error - (", 1)
        number, rest = tail.split(").\n", 1)
        outcome = compile_proof(f"{head}BeforeNetwork.error - (101 / 100 * ({number})).\n{rest}")
        assert outcome.verdict is Verdict.UNDECIDED
        assert "Cannot find witness" in outcome.reason
