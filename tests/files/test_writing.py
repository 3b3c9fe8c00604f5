"""Outputs: files that are new, empty or ours; whatever fails, the old file or the new one stands there, whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.files.faults import BAD_TARGETS, PRECIOUS, FailingCalls, names_in, nobody, state_of
from verify import InputError
from verify.files import kinds
from verify.files.folders import Folder
from verify.files.writing import Outputs, append_text, write_file

OURS = {
    "JUnit": (kinds.JUNIT, b'<?xml version="1.0" encoding="utf-8"?>\n<!-- dagverify -->\n<testsuites/>'),
    "SARIF": (kinds.SARIF, b'{"runs": [{"tool": {"driver": {"name": "dagverify"}}}]}'),
    "certificate": (kinds.CERTIFICATE_FILE, b'{\n "format": "dagverify-certificate"}'),
    "Coq": (kinds.COQ_PROOF, b"(* The step from the weights Before to the weights After decreases"),
    "page": (kinds.PAGE, b'<!doctype html>\n<html lang="en">\n<meta name="generator" content="dagverify report">'),
    "picture": (kinds.PICTURE, b"\x89PNG\r\n tEXtSoftware\0dagverify"),
}
EVERY = pytest.mark.parametrize(("kind", "ours"), OURS.values(), ids=OURS)


@EVERY
@pytest.mark.parametrize("target", BAD_TARGETS)
def test_bad_targets_stay_as_they_are(tmp_path: Path, kind: kinds.OutputKind, ours: bytes, target: str) -> None:
    path = tmp_path / "file"
    BAD_TARGETS[target](path)
    before = state_of(tmp_path)
    with pytest.raises(InputError, match=r"file: .*; give "):
        write_file(path, ours, kind)
    assert state_of(tmp_path) == before


@EVERY
@pytest.mark.parametrize("target", sorted(set(BAD_TARGETS) - {"foreign file", "foreign lines"}))
def test_force_replaces_regular_files_only(tmp_path: Path, kind: kinds.OutputKind, ours: bytes, target: str) -> None:
    path = tmp_path / "file"
    BAD_TARGETS[target](path)
    before = state_of(tmp_path)
    with pytest.raises(InputError, match="not a regular file"):
        write_file(path, ours, kind, force=True)
    assert state_of(tmp_path) == before


@EVERY
@pytest.mark.parametrize("old", [None, b"", "ours", "foreign"])
def test_good_targets_are_written(tmp_path: Path, kind: kinds.OutputKind, ours: bytes, old: bytes | str | None) -> None:
    path = tmp_path / "file"
    if old is not None:
        path.write_bytes({"ours": ours, "foreign": PRECIOUS}.get(old, b"") if isinstance(old, str) else old)
        path.chmod(0o640)
    write_file(path, ours + b" new", kind, force=old == "foreign")
    assert path.read_bytes() == ours + b" new"
    assert names_in(tmp_path) == ["file"]
    if old is not None:
        assert path.stat().st_mode & 0o777 == 0o640


@EVERY
def test_each_kind_is_recognised_by_itself_alone(kind: kinds.OutputKind, ours: bytes) -> None:
    for other, example in OURS.values():
        assert other.recognises(ours, ours) == (other is kind), example
    assert not kind.recognises(PRECIOUS, PRECIOUS) and kind.recognises(b"", b"")


def test_a_link_to_a_file_of_ours_is_not_followed(tmp_path: Path) -> None:
    kind, ours = OURS["SARIF"]
    (tmp_path / "real").write_bytes(ours)
    (tmp_path / "file").symlink_to("real")
    with pytest.raises(InputError, match="kind='symbolic link'"):
        write_file(tmp_path / "file", ours, kind)


def test_a_folder_may_be_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    kind, ours = OURS["SARIF"]
    write_file(tmp_path / "link" / "file", ours, kind)
    assert (tmp_path / "real" / "file").read_bytes() == ours


@pytest.mark.parametrize("name", ["-", "/dev/stdout", "/dev/stderr", "/dev/fd/1"])
def test_streams_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="stdout is for the answer"):
        write_file(Path(name), b"", kinds.SARIF)


@pytest.mark.parametrize("name", [".", "..", "/", "missing/file", "plain/file", "n" * 300, "nul\0"])
def test_impossible_places_are_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "plain").write_bytes(PRECIOUS)
    before = state_of(tmp_path)
    with pytest.raises(InputError) as caught:
        write_file(tmp_path / name, b"{}", kinds.SARIF)
    assert "\n" not in str(caught.value) and state_of(tmp_path) == before


def _same(path: Path) -> Path:
    return path


def _linked(path: Path) -> Path:
    link = path.with_name("link")
    link.symlink_to(path.name)
    return link


def _second_name(path: Path) -> Path:
    second = path.with_name("second")
    os.link(path, second)
    return second


def _roundabout(path: Path) -> Path:
    (path.parent / "in").mkdir()
    return path.parent / "in" / ".." / path.name


@pytest.mark.parametrize("way", [_same, _linked, _second_name, _roundabout])
def test_an_input_is_never_replaced(tmp_path: Path, way: Callable[[Path], Path]) -> None:
    """Not even with --force, and when its content looks like an older output."""
    kind, ours = OURS["SARIF"]
    given = tmp_path / "given"
    given.write_bytes(ours)
    target = way(given)
    for inputs, output in (([given], target), ([target], given)):
        outputs = Outputs(inputs, force=True)
        with pytest.raises(InputError, match=r"an input would be replaced|kind='symbolic link'"):
            outputs.add(output, kind)
        later = Outputs(force=True)
        if not output.is_symlink():
            later.add(output, kind)
            with pytest.raises(InputError, match="an input would be replaced"):
                later.protect(inputs)
            with pytest.raises(InputError, match="an input would be replaced"):
                later.write(output, ours)
    assert given.read_bytes() == ours


def test_two_outputs_are_two_files(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    for other in (tmp_path / "file", tmp_path / "link" / "file", tmp_path / "." / "file"):
        outputs = Outputs()
        outputs.add(tmp_path / "file", kinds.SARIF)
        with pytest.raises(InputError, match="two outputs in one file"):
            outputs.add(other, kinds.JUNIT)


@pytest.mark.parametrize("force", [False, True])
def test_protected_files_and_folders(force: bool) -> None:
    kind, ours = OURS["SARIF"]
    with nobody() as folder:
        (folder / "file").write_bytes(ours)
        (folder / "file").chmod(0o400)
        with pytest.raises(InputError, match="file: the file is write-protected: name='file'; change its permissions"):
            write_file(folder / "file", ours, kind, force=force)
        (folder / "secret").write_bytes(ours)
        (folder / "secret").chmod(0o000)
        with pytest.raises(InputError, match="secret: "):
            write_file(folder / "secret", ours, kind, force=force)
        (folder / "locked").mkdir()
        (folder / "locked").chmod(0o500)
        with pytest.raises(InputError, match=r"new: the folder cannot be written: folder=.*; give a file in another"):
            write_file(folder / "locked" / "new", ours, kind, force=force)
        (folder / "locked").chmod(0o000)
        with pytest.raises(InputError, match="new: "):
            write_file(folder / "locked" / "new", ours, kind, force=force)
        assert names_in(folder) == ["file", "locked", "secret"]


@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename", "close"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("old", [None, "ours"])
@EVERY
def test_a_write_that_fails_loses_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: kinds.OutputKind,
    ours: bytes,
    call: str,
    code: int,
    old: str | None,
) -> None:
    """At whichever system call: one line, no temporary file, the old content or the new one."""
    path = tmp_path / "file"
    new = ours + b" new" * 5000
    failures = 0
    for number in range(1, 30):
        if old is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(ours)
        with monkeypatch.context() as patched:
            failing = FailingCalls(patched, call, number, code)
            try:
                write_file(path, new, kind)
            except InputError as error:
                failures += 1
                assert os.strerror(code) in str(error) and "\n" not in str(error)
        assert names_in(tmp_path) in ([], ["file"])
        if path.exists():
            assert path.read_bytes() in ({new} if old is None else {ours, new})
        else:
            assert old is None
        if not failing.happened:
            break
    assert not failing.happened and (failures > 0 or call == "close")


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.replace("file", lambda stream: stream.write(b"old"))

    def interrupt(stream: object) -> None:
        stream.write(b"ne")  # type: ignore[attr-defined]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder.replace("file", interrupt)
    assert names_in(tmp_path) == ["file"] and (tmp_path / "file").read_bytes() == b"old"


def test_names_of_the_longest_length_are_written(tmp_path: Path) -> None:
    write_file(tmp_path / ("n" * 255), b"{}", kinds.SARIF)
    write_file(tmp_path / ("é" * 127), b"{}", kinds.SARIF)
    assert len(names_in(tmp_path)) == 2


class TestAppending:
    """The summary of a GitHub step, which grows."""

    def test_at_the_end(self, tmp_path: Path) -> None:
        append_text(tmp_path / "file", "one\n")
        append_text(tmp_path / "file", "two\n")
        assert (tmp_path / "file").read_text() == "one\ntwo\n"

    @pytest.mark.parametrize("target", sorted(set(BAD_TARGETS) - {"foreign file", "foreign lines"}))
    def test_not_to_anything_else(self, tmp_path: Path, target: str) -> None:
        BAD_TARGETS[target](tmp_path / "file")
        before = state_of(tmp_path)
        with pytest.raises(InputError, match="not a regular file"):
            append_text(tmp_path / "file", "one\n")
        assert state_of(tmp_path) == before

    def test_not_to_a_file_of_two_names(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(PRECIOUS)
        os.link(tmp_path / "file", tmp_path / "second")
        with pytest.raises(InputError, match="has another name too"):
            append_text(tmp_path / "file", "one\n")
        assert (tmp_path / "second").read_bytes() == PRECIOUS
