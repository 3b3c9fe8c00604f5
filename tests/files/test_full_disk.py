"""A disk without room, a limit on the size of files, a file system that is read-only: one line, nothing lost."""

from __future__ import annotations

import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.files.faults import names_in, one_line, state_of
from tests.specifications import SMALL
from verify.cli import main

CAMPAIGN = ("--networks", 3, "--steps", 1, "--heavy-ball", 0, "--attacks", 2, "--workers", 1, "--method", "norms")
COMMANDS: dict[str, Callable[[Path, Path], tuple[object, ...]]] = {
    "train": lambda spec, out: ("train", spec, "--steps", 30, "--checkpoint-every", 1, "--out", out / "run"),
    "check": lambda spec, out: ("check", spec, "--junit", out / "junit.xml", "--sarif", out / "log.sarif"),
    "certify": lambda spec, out: ("certify", spec, "--kind", "step", "-o", out / "c.json", "--coq", out / "Step.v"),
    "campaign": lambda spec, out: ("campaign", *CAMPAIGN, "--out", out / "campaign.jsonl"),
}
EVERY = pytest.mark.parametrize("command", COMMANDS)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "spec.toml"
    path.write_text(SMALL, encoding="utf-8")
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB; only root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("no right to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def fails(result: Result, reason: str) -> None:
    assert result.exit_code == 2 and reason in one_line(result.stderr)


@EVERY
def test_a_full_disk(spec: Path, small_disk: Path, command: str) -> None:
    filler = small_disk / "filler"
    arguments = COMMANDS[command](spec, small_disk)
    room = {"train": 12 * 1024}.get(command, 0)
    filler.write_bytes(bytes(64 * 1024 - room))
    fails(run(*arguments), "No space left on device")
    assert not [name for name in names_in(small_disk) if name.endswith(".tmp")]
    filler.unlink()
    again = ("--resume",) if (small_disk / "run" / "run.json").exists() else ()
    assert run(*arguments, *again).exit_code in (0, 3)


@EVERY
def test_files_that_may_not_grow(spec: Path, tmp_path: Path, command: str) -> None:
    arguments = COMMANDS[command](spec, tmp_path)
    with files_of_at_most(600):
        fails(run(*arguments), "File too large")
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")]
    again = ("--resume",) if (tmp_path / "run" / "run.json").exists() else ()
    assert run(*arguments, *again).exit_code in (0, 3)


@EVERY
def test_a_read_only_file_system(spec: Path, small_disk: Path, command: str) -> None:
    arguments = COMMANDS[command](spec, small_disk)
    (small_disk / "mine").write_bytes(b"mine")
    before = state_of(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    fails(run(*arguments), str(small_disk))
    assert state_of(small_disk) == before


def test_a_disk_that_becomes_read_only_in_the_middle_of_a_run(spec: Path, small_disk: Path) -> None:
    arguments = COMMANDS["train"](spec, small_disk)
    assert run(*arguments).exit_code == 0
    before = state_of(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    fails(run(*arguments, "--resume"), "Read-only file system")
    assert state_of(small_disk) == before
