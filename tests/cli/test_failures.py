"""Whatever goes wrong is one line and an exit code that is never a verdict's."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from verify.cli.app import COMMANDS
from verify.spec import structure

EXAMPLES = Path(__file__).parents[2] / "examples"
XOR = str(EXAMPLES / "xor_skip.toml")
RUN = [sys.executable, "-c", "from verify.cli.entry import run; run()"]
INTERRUPTIBLE = """import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores it
from verify.cli.entry import run
run()"""
Run = Callable[..., Result]


def one_line(text: str) -> str:
    assert re.fullmatch(r"error: [^\n]+\n", text), text
    return text


def in_shell(tail: str, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command line whose redirections are `tail`."""
    command = ["bash", "-c", f'"$@" {tail}', "bash", *RUN, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)


class TestErrorsOfOurs:
    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[BaseException], None]:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

        def break_it(error: BaseException) -> None:
            def raises(path: Path) -> None:
                raise error

            monkeypatch.setattr(structure, "lint", raises)

        return break_it

    @pytest.mark.parametrize(
        "error",
        [
            ZeroDivisionError("secret"),
            KeyError("secret"),
            RecursionError("secret"),
            UnicodeEncodeError("utf-8", "secret\ud800", 6, 7, "surrogates"),
            AssertionError(),
            SystemError("a\nb"),
            EOFError("secret"),
            OSError(errno.EIO, "secret"),
            ExceptionGroup("secret", [ValueError("secret")]),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_one_line_and_a_file(
        self, error: Exception, broken: Callable[..., None], dagverify: Run, tmp_path: Path
    ) -> None:
        broken(error)
        result = dagverify("lint", "secret.toml")
        assert (result.exit_code, result.stdout) == (70, "")
        line = one_line(result.stderr)
        found = re.search(r"; please report it with (\S+)\n", line)
        assert line.startswith("error: internal error: ") and found is not None
        file = Path(found[1])
        assert file.parent == tmp_path and file.stat().st_mode & 0o077 == 0
        report = file.read_text(encoding="utf-8")
        assert "dagverify 0.1.0, Python 3" in report and "command: dagverify lint\n" in report
        assert "verify/cli/lint.py:" in report and "in command" in report
        assert "secret" not in report and str(Path.home()) not in report

    def test_without_a_place_for_the_file(
        self, broken: Callable[..., None], dagverify: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken(ZeroDivisionError("x"))
        monkeypatch.setattr("tempfile.tempdir", "/nowhere")
        result = dagverify("lint", "a.toml")
        assert result.exit_code == 70
        assert "please report it with the output of --debug (no file could be written: No such" in one_line(
            result.stderr
        )

    def test_without_room_for_the_file(
        self, broken: Callable[..., None], dagverify: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        broken(ZeroDivisionError("x"))
        file = tmp_path / "report"

        def full(**_: str) -> tuple[int, str]:
            file.touch()
            return os.open("/dev/full", os.O_WRONLY), str(file)

        monkeypatch.setattr("tempfile.mkstemp", full)
        result = dagverify("lint", "a.toml")
        assert result.exit_code == 70 and not file.exists()
        assert "(no file could be written: No space left on device)" in one_line(result.stderr)

    def test_debug_keeps_the_exit_code(self, broken: Callable[..., None], dagverify: Run) -> None:
        broken(ZeroDivisionError("x"))
        result = dagverify("--debug", "lint", "a.toml")
        assert result.exit_code == 70
        assert result.stderr.startswith("Traceback") and result.stderr.splitlines()[-1].startswith("error: internal")

    @pytest.mark.parametrize(
        ("error", "code", "words"),
        [
            (MemoryError(), 2, "not enough memory; make the problem smaller"),
            (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 74, "cannot write: reason='No space left on device'; "),
            (OSError(errno.ENAMETOOLONG, "File name too long", "a" * 300), 2, "reason='File name too long'; give"),
            (IsADirectoryError(errno.EISDIR, "Is a directory", "."), 2, ".: cannot use this path: reason='Is a dir"),
            (KeyboardInterrupt(), 130, "error: interrupted\n"),
        ],
    )
    def test_what_is_no_error_of_ours(
        self, error: BaseException, code: int, words: str, broken: Callable[..., None], dagverify: Run
    ) -> None:
        broken(error)
        result = dagverify("lint", "a.toml")
        assert (result.exit_code, result.stdout) == (code, "")
        assert words in one_line(result.stderr)


class TestStreams:
    @pytest.mark.parametrize("arguments", [("lint", XOR), ("lint", XOR, "--json"), ("--help",), ("check", "--help")])
    def test_full_stdout(self, arguments: tuple[str, ...]) -> None:
        run = in_shell(">/dev/full", *arguments)
        assert run.returncode == 74
        assert "cannot write" in one_line(run.stderr) and "reason='No space left on device'; " in run.stderr

    @pytest.mark.parametrize("command", ["gradients", pytest.param("range", marks=pytest.mark.slow)])
    def test_a_table_into_a_full_stdout(self, command: str) -> None:
        run = in_shell(">/dev/full", command, XOR)
        assert run.returncode == 74 and "reason='No space left on device'; " in one_line(run.stderr)

    @pytest.mark.parametrize("tail", ["2>/dev/full", pytest.param("2>&-", marks=pytest.mark.slow)])
    def test_stderr_that_takes_nothing(self, tail: str) -> None:
        assert in_shell(tail, "check", "absent.toml").returncode == 2
        assert in_shell(tail, "--debug", "check", "absent.toml").returncode == 2
        assert in_shell(tail, "lint", XOR).returncode == 0

    def test_closed_stdout(self) -> None:
        run = in_shell(">&-", "lint", XOR)
        assert run.returncode == 74 and "the stream is closed" in one_line(run.stderr)

    def test_a_reader_that_leaves(self) -> None:
        run = in_shell("| exec 0<&-; exit ${PIPESTATUS[0]}", "lint", str(EXAMPLES))
        assert run.returncode in (0, 74) and run.stderr == ""

    def test_a_narrow_encoding(self, tmp_path: Path) -> None:
        (tmp_path / "ä€.toml").write_bytes(Path(XOR).read_bytes())
        run = in_shell("", "lint", "ä€.toml", cwd=tmp_path)
        assert run.returncode == 0
        env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
        got = subprocess.run([*RUN, "lint", "ä€.toml"], cwd=tmp_path, env=env, capture_output=True, check=False)
        assert got.returncode == 0 and got.stdout.startswith("ä\\u20ac.toml: valid".encode("latin-1"))


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = ["bash", "-c", 'rmdir "$PWD"; exec "$@"', "bash", *RUN, "check", XOR]
    found = subprocess.run(command, cwd=gone, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (2, "")
    assert "the working directory cannot be used: reason='No such file or directory'; change to" in one_line(
        found.stderr
    )


@pytest.mark.parametrize(
    "setting", ["error", *(pytest.param(each, marks=pytest.mark.slow) for each in ("error::RuntimeWarning", "always"))]
)
def test_warnings_that_the_user_made_errors_change_nothing(setting: str) -> None:
    found = [
        subprocess.run([*RUN, "range", XOR], env={**os.environ, **more}, capture_output=True, text=True, check=False)
        for more in ({}, {"PYTHONWARNINGS": setting})
    ]
    assert found[0].returncode == found[1].returncode == 0
    assert found[0].stdout == found[1].stdout and found[1].stderr == ""


def _within(seconds: float, holds: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not (found := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def _is_gone(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("delay", [0.0, 1.0, pytest.param(4.0, marks=pytest.mark.slow)])
def test_ctrl_c_with_workers(delay: float, tmp_path: Path) -> None:
    numbers = ["--networks", "50", "--steps", "500", "--attacks", "500", "--workers", "2"]
    command = [sys.executable, "-c", INTERRUPTIBLE, "campaign", *numbers, "--out", str(tmp_path / "c.jsonl")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert _within(60, (tmp_path / "c.jsonl").exists)
    time.sleep(delay)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out, err) == (130, "", "error: interrupted\n")
    assert _within(10, lambda: _is_gone(run.pid))


def options() -> list[tuple[str, str]]:
    import importlib

    found = []
    for name in COMMANDS:
        command = importlib.import_module(f"verify.cli.{name}").command
        found += [(name, parameter.opts[-1]) for parameter in command.params if parameter.param_type_name == "option"]
    return found


@pytest.mark.parametrize(("command", "option"), options())
def test_a_bad_value_of_any_option_is_named_with_its_remedy(command: str, option: str, dagverify: Run) -> None:
    import importlib

    import click

    parameters = {p.opts[-1]: p for p in importlib.import_module(f"verify.cli.{command}").command.params}
    flag = getattr(parameters[option], "is_flag", False)
    kind = parameters[option].type
    values = ["x"] if flag else [""]
    if isinstance(kind, click.IntRange):
        values += ["many", "-7", "1.5", "9" * 5000, "nan"]
    elif isinstance(kind, click.types.FloatParamType):
        values += ["many", "nan", "inf", "-inf"]
    elif isinstance(kind, click.Choice):
        values += ["many", "A" * 10**5]
    needed = {
        "certify": ["--output=c.json"],
        "report": ["--output=r.html"],
        "train": ["--out=r"],
        "campaign": ["--out=c.jsonl"],
        "sweep": ["--lr=1"],
    }.get(command, [])
    target = [] if command == "campaign" else [XOR]
    for value in values:
        result = dagverify(command, *target, *needed, f"{option}={value}")
        assert (result.exit_code, result.stdout) == (2, "")
        line = one_line(result.stderr)
        assert line.startswith(f"error: dagverify {command}") and "; " in line and len(line) < 1000
        shown = f"option={option!r}" if flag else f"{option.lstrip('-').replace('-', '_')}={value[:40]!r}"[:-1]
        assert shown in line


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "dagverify: Missing command; see dagverify --help"),
        (("check", XOR, "b"), "dagverify check: unexpected argument: argument='b'; leave it out"),
        (("check", "--jnuit", "x", XOR), "dagverify check: no such option: option='--jnuit'; did you mean '--junit'?"),
        (("check", XOR, "--junit"), "dagverify check: option and value do not fit: option='--junit'; write --junit V"),
        (("train", XOR), "dagverify train: Missing option '--out'; see dagverify train --help"),
        (("x" * 10**6,), "no such command: command='xxx"),
        (("check", "--" + "x" * 10**6), "dagverify check: no such option: option='--xxx"),
    ],
)
def test_usage(arguments: tuple[str, ...], line: str, dagverify: Run) -> None:
    result = dagverify(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert one_line(result.stderr).startswith(f"error: {line}") and len(result.stderr) < 2000


def test_a_refused_run_writes_nothing(tmp_path: Path, dagverify: Run) -> None:
    result = dagverify("train", XOR, "--out", tmp_path / "h", "--certificates", "horizon")
    assert result.exit_code == 2 and "only rule 'fixed'" in one_line(result.stderr)
    assert list(tmp_path.iterdir()) == []
