"""A disk without room, a limit on the size of files, a file system that is read-only: one line, nothing lost."""

from __future__ import annotations

import resource
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner, Result

from tests.files.faults import one_line, state_of
from tests.specifications import SMALL
from verify.cli import main

CAMPAIGN = ("--networks", 2, "--steps", 1, "--heavy-ball", 0, "--attacks", 2, "--workers", 1, "--method", "norms")
MINIMUM = Path(__file__).parents[2] / "examples" / "xor_decay.toml"
TRAIN = ("--steps", 30, "--checkpoint-every", 1)
COMMANDS: dict[str, Callable[[Path, Path], tuple[object, ...]]] = {
    "train": lambda spec, out: ("train", spec, *TRAIN, "--out", out / "run"),
    "train, certified": lambda spec, out: ("train", spec, *TRAIN, "--certificates", "steps", "--out", out / "run"),
    "train, drawn": lambda spec, out: ("train", spec, "--steps", 2, "--plot", "--out", out / "run"),
    "check": lambda spec, out: ("check", spec, "--junit", out / "junit.xml", "--sarif", out / "log.sarif"),
    "check, summary": lambda spec, out: ("check", spec, "--github"),
    "certify": lambda spec, out: ("certify", spec, "--kind", "step", "-o", out / "c.json", "--coq", out / "Step.v"),
    "recheck": lambda spec, out: ("recheck", spec.with_name("step.json"), "--coq", out / "Step.v"),
    "range": lambda spec, out: ("range", spec, "--at", spec.with_name("at.npz"), "--plot", out / "step.svg"),
    "report": lambda spec, out: ("report", spec, "-o", out / "report.html", "--examples", 0),
    "converge": lambda spec, out: ("converge", MINIMUM, "-o", out / "minimum.json"),
    "converge, run": lambda spec, out: ("converge", MINIMUM, "--steps", 3, "--newton-steps", 1, "--out", out / "run"),
    "init": lambda spec, out: ("init", out / "new.toml", "--data", spec.with_name("data.csv"), "--target", "length"),
    "init, examples": lambda spec, out: ("init", "--examples", out / "examples"),
    "campaign": lambda spec, out: ("campaign", *CAMPAIGN, "--out", out / "campaign.jsonl"),
}
"""Every kind of file that a command writes."""
OUTPUTS = {"out", "output", "junit", "sarif", "coq", "plot"}
NAMED = {"init": {"spec", "examples"}}
DISK = 512 * 1024
RUNS = ("train", "train, certified")
ROOM = {"train": 12 * 1024, "train, certified": 12 * 1024, "train, drawn": 12 * 1024, "converge, run": 12 * 1024}
"""Bytes after which the disk is full; 0 for files that are written once."""
EVERY = pytest.mark.parametrize("command", COMMANDS)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec, weights, a certificate and a table."""
    folder = tmp_path_factory.mktemp("prepared")
    (folder / "spec.toml").write_text(SMALL, encoding="utf-8")
    (folder / "data.csv").write_text("load,length\n1,2\n2,3\n3,5\n", encoding="utf-8")
    np.savez(folder / "at.npz", w=np.linspace(-0.5, 0.5, 9))
    assert run("certify", folder / "spec.toml", "--kind", "step", "-o", folder / "step.json").exit_code == 0
    return folder


@pytest.fixture
def spec(prepared: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(prepared, tmp_path / "inputs")) / "spec.toml"


def test_every_output_of_every_command_is_among_them(tmp_path: Path) -> None:
    found = set()
    for name in main.list_commands(click.Context(main)):
        command = main.get_command(click.Context(main), name)
        assert command is not None
        known = OUTPUTS | NAMED.get(name, set())
        found |= {(name, each) for parameter in command.params if (each := parameter.name) in known}
    written = {each for given in COMMANDS.values() for each in _outputs(given(tmp_path / "spec.toml", tmp_path))}
    assert found == written


def _outputs(arguments: tuple[object, ...]) -> set[tuple[str, str]]:
    """Return the command and its parameters that name an output, of a command line."""
    command = main.get_command(click.Context(main), str(arguments[0]))
    assert command is not None
    given = command.make_context(str(arguments[0]), [str(each) for each in arguments[1:]]).params
    known = OUTPUTS | NAMED.get(str(arguments[0]), set())
    return {(str(arguments[0]), name) for name, value in given.items() if name in known and value}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of `DISK` bytes; only root may make one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
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


def again(arguments: tuple[object, ...], out: Path) -> Result:
    """Do it once more, when it can be done."""
    resume = arguments[0] == "train" and (out / "run" / "run.json").exists()
    force = arguments[0] == "converge" and (out / "run" / "run.json").exists()
    return run(*arguments, *(("--resume",) if resume else ()), *(("--force",) if force else ()))


def whole(folder: Path) -> bool:
    """Whether no file was left half-written under a name of ours."""
    return not [path for path in folder.rglob("*") if path.name.endswith(".tmp")]


@pytest.fixture(autouse=True)
def summary(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Where `--github` writes its summary: on the disk that is small, if there is one."""
    folder = tmp_path / "disk" if "small_disk" in request.fixturenames else tmp_path
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))


@EVERY
def test_a_full_disk(spec: Path, small_disk: Path, command: str) -> None:
    filler = small_disk / "filler"
    arguments = COMMANDS[command](spec, small_disk)
    filler.write_bytes(bytes(DISK - ROOM.get(command, 0)))
    fails(run(*arguments), "No space left on device")
    assert whole(small_disk)
    filler.unlink()
    if command.startswith("init"):
        assert not [path for path in small_disk.rglob("*") if path.is_file()], "a part of what belongs together"
    assert again(arguments, small_disk).exit_code in (0, 1, 3)


@EVERY
def test_files_that_may_not_grow(spec: Path, tmp_path: Path, command: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    arguments = COMMANDS[command](spec, out)
    with files_of_at_most(400):
        fails(run(*arguments), "File too large")
    assert whole(out)
    assert again(arguments, out).exit_code in (0, 1, 3)


@EVERY
def test_a_read_only_file_system(spec: Path, small_disk: Path, command: str) -> None:
    arguments = COMMANDS[command](spec, small_disk)
    (small_disk / "mine").write_bytes(b"mine")
    before = state_of(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    fails(run(*arguments), "GITHUB_STEP_SUMMARY" if command == "check, summary" else str(small_disk))
    assert state_of(small_disk) == before


@pytest.mark.parametrize("command", RUNS)
def test_a_disk_that_becomes_read_only_in_the_middle_of_a_run(spec: Path, small_disk: Path, command: str) -> None:
    arguments = COMMANDS[command](spec, small_disk)
    assert run(*arguments).exit_code == 0
    before = state_of(small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    fails(run(*arguments, "--resume"), "Read-only file system")
    assert state_of(small_disk) == before
