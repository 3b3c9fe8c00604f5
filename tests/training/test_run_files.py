"""The files of a run: held before they are looked at, never links or devices, never of other origin, never half."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.files.faults import (
    BAD_TARGETS,
    PRECIOUS,
    SPECIAL,
    FailingCalls,
    at_most,
    names_in,
    nobody,
    one_line,
    state_of,
)
from verify import InputError, Problem
from verify.certificates.run_checker import check_run
from verify.cli import main
from verify.reports.run_evidence import read_run
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule

SPEC = Path(__file__).parents[2] / "examples" / "xor_skip.toml"
SETTINGS: dict[str, Any] = {"rule": "fixed", "eta": 0.5, "tau": 0.25}
STEPS = 3
FILES = ["run.json", "steps.jsonl", "weights.f64", "checkpoint.npz", "result.json"]
IN_PLACE = ["steps.jsonl", "weights.f64"]


def session_of(problem: Problem) -> Session:
    return Session(problem, make_rule(SETTINGS["rule"], SETTINGS["eta"], SETTINGS["tau"]))


def started(problem: Problem, path: Path, **options: Any) -> tuple[RunFolder, Session]:
    folder, session = RunFolder(path, "steps", 2), session_of(problem)
    folder.start(session, SETTINGS, **options)
    return folder, session


def resumed(problem: Problem, path: Path) -> tuple[RunFolder, Session]:
    folder, session = RunFolder(path, "steps", 2), session_of(problem)
    folder.resume(session, SETTINGS)
    return folder, session


def complete(problem: Problem, path: Path) -> None:
    """Start, or go on, to the end."""
    folder, session = (resumed if (path / "run.json").exists() else started)(problem, path)
    folder.run(session, STEPS, every=1)


@pytest.fixture
def whole(parabola: Problem, tmp_path: Path) -> Path:
    complete(parabola, tmp_path / "whole")
    return tmp_path / "whole"


def train(*arguments: object) -> Result:
    with at_most(60):
        return CliRunner().invoke(main, ["train", str(SPEC), "--steps", "2", *map(str, arguments)])


class TestStart:
    """`train --out` into a folder that holds something."""

    @pytest.mark.parametrize("name", [*FILES, "certificates"])
    @pytest.mark.parametrize("target", BAD_TARGETS)
    def test_files_with_the_names_of_a_run(self, parabola: Problem, tmp_path: Path, name: str, target: str) -> None:
        out = tmp_path / "run"
        out.mkdir()
        BAD_TARGETS[target](out / name)
        (out / "notes.txt").write_bytes(PRECIOUS)
        if (out / "certificates").is_dir():
            (out / "certificates" / "mine").write_bytes(PRECIOUS)
        before = state_of(tmp_path)
        with at_most(10), pytest.raises(InputError, match=r"run.*; (give|put|name|resume) ") as caught:
            started(parabola, out)
        assert "\n" not in str(caught.value) and state_of(tmp_path) == before
        if not target.startswith("foreign") and not (name == "certificates" and target == "directory"):
            with pytest.raises(InputError, match="will not write here"):
                started(parabola, out, force=True)
            assert state_of(tmp_path) == before

    @pytest.mark.parametrize("name", FILES)
    def test_by_force_files_of_these_names_are_replaced(
        self, parabola: Problem, whole: Path, tmp_path: Path, name: str
    ) -> None:
        out = tmp_path / "run"
        out.mkdir()
        for each in (name, "notes.txt"):
            (out / each).write_bytes(PRECIOUS)
        folder, session = started(parabola, out, force=True)
        folder.run(session, STEPS, every=1)
        assert (out / "notes.txt").read_bytes() == PRECIOUS
        (out / "notes.txt").unlink()
        assert state_of(out) == state_of(whole)

    def test_by_force_an_older_run_is_replaced_whole(self, parabola: Problem, whole: Path, tmp_path: Path) -> None:
        out = tmp_path / "run"
        folder, session = started(parabola, out)
        folder.run(session, 4 * STEPS)
        folder, session = started(parabola, out, force=True)
        folder.run(session, STEPS, every=1)
        assert state_of(out) == state_of(whole)

    def test_by_force_no_input_is_replaced(self, parabola: Problem, whole: Path) -> None:
        before = state_of(whole)
        (whole.parent / "link.npz").symlink_to(whole / "checkpoint.npz")
        for given in (whole / "checkpoint.npz", whole.parent / "link.npz"):
            with pytest.raises(InputError, match="an input would be replaced"):
                started(parabola, whole, force=True, inputs=[given])
        assert state_of(whole) == before

    def test_empty_files_and_other_names_do_not_matter(self, parabola: Problem, tmp_path: Path) -> None:
        for name, content in (("steps.jsonl", b""), ("notes.txt", PRECIOUS)):
            (tmp_path / name).write_bytes(content)
        complete(parabola, tmp_path)
        assert (tmp_path / "notes.txt").read_bytes() == PRECIOUS

    def test_a_start_that_is_refused_writes_nothing(self, tmp_path: Path) -> None:
        result = train("--certificates", "horizon", "--out", tmp_path / "run")
        assert result.exit_code == 2 and "only rule 'fixed'" in one_line(result.stderr)
        assert names_in(tmp_path) == []

    def test_from_the_command_line(self, tmp_path: Path) -> None:
        out = tmp_path / "run"
        out.mkdir()
        for name in ("steps.jsonl", "checkpoint.npz", "result.json"):
            (out / name).write_bytes(PRECIOUS)
        before = state_of(out)
        result = train("--out", out)
        assert result.exit_code == 2 and "files=['steps.jsonl', 'checkpoint.npz', 'result.json']" in result.stderr
        assert "add --force" in one_line(result.stderr) and state_of(out) == before
        assert train("--out", out, "--force").exit_code == 0
        assert train("--out", out).exit_code == 2

    def test_a_foreign_picture_is_not_replaced(self, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        (tmp_path / "run.png").write_bytes(PRECIOUS)
        result = train("--out", tmp_path, "--plot")
        assert result.exit_code == 2 and "is not a picture of ours" in one_line(result.stderr)
        assert names_in(tmp_path) == ["run.png"]
        assert train("--out", tmp_path, "--plot", "--force").exit_code == 0
        assert train("--out", tmp_path, "--plot", "--resume").exit_code == 0

    def test_a_folder_that_cannot_be_written(self) -> None:
        with nobody() as mine:
            (mine / "locked").mkdir()
            (mine / "locked").chmod(0o500)
            for out in (mine / "locked", mine / "locked" / "run"):
                result = train("--out", out)
                assert result.exit_code == 2 and "the run cannot be written" in one_line(result.stderr)
            assert names_in(mine / "locked") == []

    @pytest.mark.parametrize("name", ["file", "file/run", "n" * 300])
    def test_impossible_folders(self, parabola: Problem, tmp_path: Path, name: str) -> None:
        (tmp_path / "file").write_bytes(PRECIOUS)
        with pytest.raises(InputError, match="the run cannot be written: reason="):
            started(parabola, tmp_path / name)
        assert (tmp_path / "file").read_bytes() == PRECIOUS


class TestResume:
    """`train --resume` where something else stands in the place of a file."""

    @pytest.mark.parametrize("name", [*FILES, "certificates", "certificates/000000.json", "certificates/subject.json"])
    @pytest.mark.parametrize("target", [*BAD_TARGETS, "link to the file", "second name"])
    def test_nothing_is_written_through_links(
        self, parabola: Problem, whole: Path, tmp_path: Path, name: str, target: str
    ) -> None:
        if target.startswith("foreign") or (name == "certificates" and target in ("directory", "second name")):
            pytest.skip("a damaged run, which other tests are about")
        path, moved = whole / name, tmp_path / "moved"
        shutil.move(path, moved)
        if target == "link to the file":
            path.symlink_to(moved)
        elif target == "second name":
            os.link(moved, path)
        else:
            BAD_TARGETS[target](path)
        before = state_of(tmp_path)
        with at_most(10), pytest.raises(InputError, match=r"will not (write here|change a file)"):
            resumed(parabola, whole)
        assert state_of(tmp_path) == before

    def test_what_kills_left_is_removed(self, parabola: Problem, whole: Path) -> None:
        expected = state_of(whole)
        for name in (".checkpoint.npz.0123456789abcdef.tmp", "certificates/.000000.json.0123456789abcdef.tmp"):
            (whole / name).write_bytes(PRECIOUS)
        (whole / "mine.tmp").write_bytes(PRECIOUS)
        complete(parabola, whole)
        (whole / "mine.tmp").unlink()
        assert state_of(whole) == expected

    @pytest.mark.parametrize("target", ["link", "dangling link", "directory"])
    def test_the_place_of_a_temporary_file_cannot_be_taken(
        self, parabola: Problem, whole: Path, tmp_path: Path, target: str
    ) -> None:
        """Its name is random and must be new."""
        BAD_TARGETS[target](whole / ".checkpoint.npz.tmp")
        (whole.parent / "elsewhere").write_bytes(PRECIOUS)
        complete(parabola, whole)
        assert (whole.parent / "elsewhere").read_bytes() == PRECIOUS

    def test_a_link_to_the_folder_is_followed(self, parabola: Problem, whole: Path, tmp_path: Path) -> None:
        (tmp_path / "latest").symlink_to(whole)
        complete(parabola, tmp_path / "latest")


class TestReading:
    """What stands in the place of a file of a run is looked at before it is opened, and nothing is waited for."""

    PARTS = (*FILES, "certificates", "certificates/000000.json", "certificates/subject.json")

    def test_every_file_of_a_run_is_among_the_parts(self, whole: Path) -> None:
        found = {path.relative_to(whole).as_posix() for path in whole.rglob("*")}
        assert found == {*self.PARTS, "certificates/000001.json"}

    @pytest.mark.parametrize("name", PARTS)
    def test_no_file_at_all(self, parabola: Problem, whole: Path, tmp_path: Path, name: str) -> None:
        for target in (*SPECIAL, "dangling link", "link in a circle", "missing"):
            run = shutil.copytree(whole, tmp_path / target)
            part = run / name
            shutil.rmtree(part) if part.is_dir() else part.unlink()
            if target == "link in a circle":
                part.symlink_to(part.name)
            elif target != "missing":
                BAD_TARGETS[target](part)
            before = state_of(run)
            assert _fault(run, lambda run: check_run(run)["reasons"]), target
            _fault(run, lambda run: (read_run(run, parabola).recheck or {}).get("reasons", []))
            if target != "missing":
                with at_most(10), pytest.raises(InputError):
                    resumed(parabola, run)
            assert state_of(run) == before

    def test_a_bomb_of_a_checkpoint_is_not_unpacked(self, parabola: Problem, whole: Path) -> None:
        with np.load(whole / "checkpoint.npz") as archive:
            state = dict(archive)
        np.savez_compressed(whole / "checkpoint.npz", **state, zeros=np.zeros(2**20))
        assert "checkpoint.npz: missing or unreadable" in check_run(whole)["reasons"]
        for read in (lambda: resumed(parabola, whole), lambda: read_run(whole, parabola)):
            with pytest.raises(InputError, match=r"checkpoint.npz.*the arrays are larger than the file: bytes=8"):
                read()


def _fault(run: Path, read: Callable[[Path], list[str]]) -> list[str]:
    """Return what is wrong with a run: the line of the error, or the reasons why it is not confirmed."""
    with at_most(10):
        try:
            return read(run)
        except InputError as error:
            assert str(run) in str(error) and "\n" not in str(error)
            return [str(error)]


class TestHolding:
    """From the first look at the folder to the end of the run."""

    def test_a_second_start_changes_nothing(self, parabola: Problem, tmp_path: Path) -> None:
        folder, session = started(parabola, tmp_path / "run")
        before = state_of(tmp_path)
        for force in (False, True):
            with pytest.raises(InputError, match="another process trains in this folder"):
                started(parabola, tmp_path / "run", force=force)
        with pytest.raises(InputError, match="another process trains in this folder"):
            resumed(parabola, tmp_path / "run")
        assert state_of(tmp_path) == before
        folder.run(session, STEPS)
        assert check_run(tmp_path / "run")["verdict"] == "PROVED"

    def test_a_resumed_run_holds_it_until_its_end(self, parabola: Problem, whole: Path) -> None:
        folder, session = resumed(parabola, whole)
        with pytest.raises(InputError, match="another process trains in this folder"):
            resumed(parabola, whole)
        folder.run(session, STEPS + 1)
        resumed(parabola, whole)[0].release()

    def test_a_refusal_lets_go(self, parabola: Problem, whole: Path) -> None:
        folder = RunFolder(whole)
        with pytest.raises(InputError, match="already holds a run"):
            folder.start(session_of(parabola), SETTINGS)
        with pytest.raises(InputError, match="another run"):
            folder.resume(session_of(parabola), {})
        complete(parabola, whole)


@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename", "ftruncate", "unlink", "mkdir"])
def test_a_write_that_fails_loses_nothing(
    parabola: Problem, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """At whichever system call of start, steps, resumption and end: one line, and afterwards the same run."""
    expected = state_of(whole)
    out = tmp_path / "run"
    number, failed = 0, 0
    while True:
        number += 1
        shutil.rmtree(out, ignore_errors=True)
        with monkeypatch.context() as patched:
            failing = FailingCalls(patched, call, number)
            try:
                folder, session = started(parabola, out)
                folder.run(session, 1, every=1)
                complete(parabola, out)
            except InputError as error:
                failed += 1
                assert os.strerror(errno.ENOSPC) in str(error) and "\n" not in str(error)
        if not failing.happened:
            break
        if out.exists() and not (out / "run.json").exists():
            assert names_in(out) == [], "a start that failed leaves nothing"
        complete(parabola, out)
        assert state_of(out) == expected
    assert state_of(out) == expected
    assert failed > 0 or call in ("unlink", "ftruncate")
