"""Every option that names an output, with every kind of bad target: exit code 2, one line, nothing changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.files.faults import BAD_TARGETS, PRECIOUS, SPECIAL, at_most, names_in, nobody, one_line, state_of
from tests.specifications import SMALL
from verify.cli import main

SECONDS = 60.0
DATA = 'source = "npz:data.npz"\n'
INLINE = "x = [[0.0, 1.0], [0.5, -0.25]]\ny = [1.0, 0.0]\n"


def run(*arguments: object) -> Result:
    with at_most(SECONDS):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, its data, weights, a baseline and a certificate."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "spec.toml").write_text(SMALL.replace(INLINE, DATA) + '[weights]\nnpz = "w0.npz"\n')
    np.savez(folder / "data.npz", x=[[0.0, 1.0], [0.5, -0.25]], y=[1.0, 0.0])
    np.savez(folder / "w0.npz", w=np.linspace(-0.5, 0.5, 9))
    np.savez(folder / "at.npz", w=np.linspace(-0.5, 0.5, 9))
    (folder / "last.json").write_text(run("check", folder / "spec.toml", "--json").stdout)
    done = run("certify", folder / "spec.toml", "--kind", "step", "-o", folder / "step.json")
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "work"))


MINIMUM = Path(__file__).parents[2] / "examples" / "xor_decay.toml"
CAMPAIGN = ("--networks", 1, "--steps", 1, "--heavy-ball", 0, "--attacks", 2, "--workers", 1, "--method", "norms")
OUTPUTS: dict[str, Callable[[Path, Path], tuple[object, ...]]] = {
    "check --junit": lambda f, out: ("check", f / "spec.toml", "--baseline", f / "last.json", "--junit", out),
    "check --sarif": lambda f, out: ("check", f / "spec.toml", "--baseline", f / "last.json", "--sarif", out),
    "certify -o": lambda f, out: ("certify", f / "spec.toml", "--at", f / "at.npz", "-o", out),
    "certify --coq": lambda f, out: (
        *("certify", f / "spec.toml", "--kind", "step", "--at", f / "at.npz"),
        *("-o", f / "new.json", "--coq", out),
    ),
    "recheck --coq": lambda f, out: ("recheck", f / "step.json", "--spec", f / "spec.toml", "--coq", out),
    "range --plot": lambda f, out: ("range", f / "spec.toml", "--at", f / "at.npz", "--plot", out),
    "report -o": lambda f, out: ("report", f / "spec.toml", "--examples", 0, "-o", out),
    "converge -o": lambda f, out: ("converge", MINIMUM, "-o", out),
    "campaign --out": lambda f, out: ("campaign", *CAMPAIGN, "--out", out),
}
NAMES = {"certify --coq": "Step.v", "recheck --coq": "Step.v", "range --plot": "step.svg"}
EVERY = pytest.mark.parametrize("option", OUTPUTS)


@EVERY
@pytest.mark.parametrize("target", BAD_TARGETS)
def test_bad_targets(folder: Path, option: str, target: str) -> None:
    out = folder / NAMES.get(option, "out")
    BAD_TARGETS[target](out)
    before = state_of(folder)
    result = run(*OUTPUTS[option](folder, out))
    assert result.exit_code == 2 and result.stdout == ""
    assert str(out) in one_line(result.stderr)
    assert state_of(folder) == before


@EVERY
@pytest.mark.parametrize("given", ["spec.toml", "data.npz", "w0.npz", "at.npz", "last.json", "step.json"])
def test_inputs_are_never_replaced(folder: Path, option: str, given: str) -> None:
    out = folder / NAMES.get(option, "out")
    os.link(folder / given, out)
    named = any(argument == folder / given for argument in OUTPUTS[option](folder, out))
    if folder / "spec.toml" not in OUTPUTS[option](folder, out):
        pytest.skip("a command about another spec")
    if not named and given not in ("data.npz", "w0.npz"):
        pytest.skip("no input of this command")
    before = state_of(folder)
    for force in ((), ("--force",)):
        result = run(*OUTPUTS[option](folder, out), *force)
        assert result.exit_code == 2, result.output
        assert str(out) in one_line(result.stderr)
        assert "an input would be replaced" in result.stderr or not force
        assert state_of(folder) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "spec.toml", "--junit", "same", "--sarif", "same"),
        ("certify", "spec.toml", "--kind", "step", "-o", "Same.v", "--coq", "Same.v"),
        ("certify", "spec.toml", "--kind", "step", "-o", "./Same.v", "--coq", "../work/Same.v"),
    ],
)
def test_the_same_file_twice(folder: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = state_of(folder)
    result = run(*arguments)
    assert result.exit_code == 2 and "two outputs in one file" in one_line(result.stderr)
    assert state_of(folder) == before


@EVERY
def test_a_folder_that_cannot_be_written(folder: Path, option: str) -> None:
    with nobody() as mine:
        locked = mine / "locked"
        locked.mkdir()
        locked.chmod(0o500)
        out = locked / NAMES.get(option, "out")
        spec = mine / "spec.toml"
        spec.write_text(SMALL)
        at = mine / "at.npz"
        np.savez(at, w=np.linspace(-0.5, 0.5, 9))
        arguments = [spec if each == folder / "spec.toml" else each for each in OUTPUTS[option](mine, out)]
        if "recheck" in arguments:
            (mine / "step.json").write_text("{}")
        if "check" in arguments:
            (mine / "last.json").write_text("{}")
        result = run(*arguments)
        assert result.exit_code == 2 and str(out) in one_line(result.stderr)
        assert names_in(locked) == []


@EVERY
def test_older_outputs_are_replaced_and_others_by_force(folder: Path, option: str) -> None:
    out = folder / NAMES.get(option, "out")
    arguments = OUTPUTS[option](folder, out)
    assert run(*arguments).exit_code in (0, 1, 3)
    assert run(*arguments).exit_code in (0, 1, 3)
    out.write_bytes(PRECIOUS)
    assert run(*arguments).exit_code == 2 and out.read_bytes() == PRECIOUS
    assert run(*arguments, "--force").exit_code in (0, 1, 3) and out.read_bytes() != PRECIOUS


def test_a_report_of_bad_input_replaces_no_data(folder: Path) -> None:
    """The error report of a spec whose data are bad is not written over these data, and the error is one line."""
    (folder / "data.npz").write_bytes(b"")
    result = run("check", folder / "spec.toml", "--junit", folder / "data.npz")
    assert result.exit_code == 2 and "an input would be replaced" in one_line(result.stderr)
    assert (folder / "data.npz").read_bytes() == b""


def test_the_step_summary_is_not_written_through_a_link(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("link", *SPECIAL):
        summary = folder / f"summary {kind}"
        BAD_TARGETS[kind](summary)
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
        before = state_of(folder)
        result = run("check", folder / "spec.toml", "--github", "--json")
        assert result.exit_code == 2 and "GITHUB_STEP_SUMMARY: cannot write the step summary" in result.stderr
        assert state_of(folder) == before
        (folder / "elsewhere").unlink(missing_ok=True)
