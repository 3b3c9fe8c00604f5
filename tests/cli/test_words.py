"""What a user's file says is shown, never obeyed: by a terminal, by GitHub, by a reader of logs."""

from __future__ import annotations

import ast
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from verify.cli import tables
from verify.cli.output import print_annotations, print_error, print_json, print_line
from verify.escaping import terminal
from verify.reports.github import workflow_commands

ROOT = Path(__file__).parents[2]
RUN = [sys.executable, "-c", "from verify.cli.entry import run; run()"]
ACTS = re.compile(r"(?m)^\s*::|##|[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
"""What GitHub obeys (blanks before ``::`` aside, ``##[`` anywhere), and what moves the cursor or reorders the line."""
WORDS = [
    "::stop-commands::token",
    "a\n::error file=x::b",
    "  ::warning::c",
    "x " * 200 + "::error::d",
    "x" * 119 + "::error::folded",
    ":",
    "##[error]e",
    "##vso[task.complete]",
    "\x1b[2J\x1b]0;title\x07",
    "\r\x1b[1A\x1b[2Kforged: PROVED",
    "\u202eDEVORP",
    "a\u2028b\u2029c\x85d",
    "\ud800",
    "\u2066\u200b\ufeff",
    "A" * 2 * 10**6,
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: ascii(words)[:24])
class TestWriters:
    def test_line(self, words: str, capsys: pytest.CaptureFixture[str]) -> None:
        print_line(f"{words}: valid")
        print_error(f"{words}: wrong")
        shown = capsys.readouterr()
        for text in shown:
            assert text.count("\n") == 1 and not ACTS.search(text) and len(text) < 4000

    @pytest.mark.parametrize("columns", ["", "1", "40", "77", "1000"])
    def test_table(
        self, words: str, columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COLUMNS", columns)
        cell = words[:5000]
        tables.print_table(words, "PROVED", [tables.TableLine(cell[:50], "REFUTED", cell, remedy=cell)], [cell])
        shown = capsys.readouterr().out
        assert not ACTS.search(shown)
        assert max(map(len, shown.splitlines())) <= max(40, int(columns or 120))

    def test_json(self, words: str, capsys: pytest.CaptureFixture[str]) -> None:
        print_json({words: words})
        shown = capsys.readouterr().out
        assert not ACTS.search(shown) and shown.isascii()
        assert json.loads(shown) == {words: words}

    def test_annotation(self, words: str, capsys: pytest.CaptureFixture[str]) -> None:
        from verify.reports.rows import FilePlace

        print_annotations(workflow_commands(words, [], FilePlace(1, words)), to_stderr=False)
        shown = capsys.readouterr().out
        assert re.fullmatch(r"::error file=[^\n:,]*,line=1,title=input::[^\n]*\n", shown)
        assert not ACTS.search(shown.removeprefix("::").replace("##", "")) and len(shown) < 10_000


def test_a_harmless_line_stays_as_it_is() -> None:
    line = "décodeur: L in [0.9399, 2.032] on <Ball: 11 weights>; see a.toml:12: nodes.h1 (100%) — 数"
    assert terminal(line) == line


NAME = "::stop-commands::t\\n::error::pwned\\u001b[2J##[error]x"


@pytest.mark.parametrize("command", ["check", "range", "gradients", "test", "train", "certify", "lint"])
def test_every_command(command: str, write_spec: Callable[..., Path], dagverify: Callable[..., Result]) -> None:
    path = write_spec(('name = "small"', f'name = "{NAME}"'))
    bad = path.rename(path.parent / "::error::f.toml")
    more = {"train": ["--steps", 2, "--out", path.parent / "r"], "certify": ["-o", path.parent / "c.json"]}
    result = dagverify(command, bad, *more.get(command, []))
    assert result.exit_code in (0, 3)
    assert not ACTS.search(result.stdout) and not ACTS.search(result.stderr)
    result = dagverify(command, bad.parent / "##[error]\x1b[2J::error::.toml", *more.get(command, []))
    assert result.exit_code == 2 and not ACTS.search(result.stderr)


def calls(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_nothing_else_prints() -> None:
    """The writers of the terminal are `output`, `tables` and the entry point; bars show figures alone."""
    writers = {"verify/cli/output.py", "verify/cli/tables.py", "verify/cli/entry.py"}
    printing = re.compile(r"^(print|(click|typer)\.(secho|echo)|echo|.*console\.print|sys\.std(out|err)\.write)$")
    found = set()
    for folder in ("verify", "dagverify_pytest"):
        for file in (ROOT / folder).rglob("*.py"):
            names = calls(ast.parse(file.read_text(encoding="utf-8")))
            if any(printing.match(name) or name == "Console" for name in names):
                found.add(file.relative_to(ROOT).as_posix())
    assert found == writers


def spec_error(tmp_path: Path, **environment: str) -> tuple[int, str]:
    (tmp_path / "bad.toml").write_text("name = 3", encoding="utf-8")
    command, env = [*RUN, "check", "bad.toml"], {**os.environ, **environment}
    run = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert run.stdout == ""
    return run.returncode, run.stderr


def test_colours_that_are_forced_spoil_no_error(tmp_path: Path) -> None:
    plain = spec_error(tmp_path)
    assert plain[0] == 2 and re.fullmatch(r"error: bad\.toml[^\n\x1b]+\n", plain[1])
    assert spec_error(tmp_path, FORCE_COLOR="1", CLICOLOR_FORCE="1", TTY_COMPATIBLE="1") == plain


def test_a_terminal_gets_the_words_as_words(write_spec: Callable[..., Path]) -> None:
    path = write_spec(('name = "small"', f'name = "{NAME}"'))
    parent, child = pty.openpty()
    run = subprocess.Popen([*RUN, "range", str(path)], stdout=child, stderr=subprocess.DEVNULL)
    os.close(child)
    shown = b""
    while True:
        try:
            part = os.read(parent, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(parent)
    assert run.wait() == 0
    assert rb":\x3astop-commands:\x3at\n:\x3aerror:\x3apwned\x1b[2J" in shown.replace(b"\r\n", b"")
    assert b"\x1b[2J" not in shown and not re.search(rb"(?m)^\s*::", shown)
