"""The help of every command ends with examples, which run as printed in an empty folder: their files are packaged."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from verify.cli.app import COMMANDS


def printed_examples(text: str) -> list[str]:
    """Return the lines below the last heading, which must be that of the examples."""
    heading, *lines = text.rstrip().rpartition("\n\n")[2].splitlines()
    assert heading.strip() in ("Example:", "Examples:")
    return [line.strip() for line in lines]


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_ends_with_examples(command: str | None, dagverify: Callable[..., Result]) -> None:
    result = dagverify(*([] if command is None else [command]), "--help")
    assert result.exit_code == 0
    examples = printed_examples(result.stdout)
    assert any(line.startswith(f"dagverify {command or ''}") for line in examples)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_examples_run_as_printed(command: str, dagverify: Callable[..., Result], tmp_path: Path) -> None:
    program = tmp_path / "bin" / "dagverify"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nfrom verify.cli.entry import run\n\nif __name__ == '__main__':\n    run()\n",
        encoding="utf-8",
    )
    program.chmod(0o755)
    (first, *_) = printed_examples(dagverify("--help").stdout)
    assert first == "dagverify init --examples examples/"
    for line in [first, *printed_examples(dagverify(command, "--help").stdout)]:
        script = f'PATH="{program.parent}:$PATH"; {line}'
        run = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
        compiled = "--coq" in line and command == "recheck" and shutil.which("coqc") is None
        assert run.returncode == (3 if compiled else 0), (line, run.stderr)
        assert run.stderr == ""
