"""Run the blocks of one page in the folder where this program is started.

python -m tests.docs.run_page PAGE [--torch] [--slow]
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.docs.blocks import ROOT, Block, page_blocks
from tests.docs.output import agrees

_SHELL = set("|&;<>$`()*?#~{}!\n")
_PIP = re.compile(r"pip install '?dagverify(\[[a-z,]+\])?'?")


class PageError(AssertionError):
    """A block does not do what the page says."""


class Page:
    """A page that is being run.

    Parameters
    ----------
    name : str
        Relative to the repository.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.namespace: dict[str, Any] = {"__name__": "__page__"}
        self.printed = ""

    def run(self, block: Block) -> None:
        """Do what a block asks for."""
        if block.file is not None:
            self._file(block, block.file)
        elif block.language == "console":
            self._console(block.text)
        elif block.language == "sh":
            self._script(block.text)
        elif block.language == "python":
            self._python(block.text)
        elif block.language == "text" and block.title == "prints" and not agrees(block.text, self.printed):
            raise PageError(f"the page shows\n{block.text}\nprinted was\n{self.printed}")

    def _file(self, block: Block, file: str) -> None:
        if not (ROOT / file).exists():
            Path(file).parent.mkdir(parents=True, exist_ok=True)
            Path(file).write_text(block.text, encoding="utf-8")
            return
        lines = iter((ROOT / file).read_text(encoding="utf-8").splitlines())
        for line in block.text.splitlines():
            if line.strip() and line not in lines:
                raise PageError(f"{file} has no line {line!r} behind those before it")

    def _console(self, text: str) -> None:
        pieces = re.split(r"^\$ ", text, flags=re.M)
        if pieces[0].strip():
            raise PageError("a console block starts with a command")
        commands = [piece.partition("\n") for piece in pieces[1:]]
        code = 0
        for index, (command, _, shown) in enumerate(commands):
            if command == "echo $?":
                if shown.strip() != str(code):
                    raise PageError(f"exit code {code}, shown is {shown.strip()}")
                continue
            printed, code = _execute(command)
            status_shown = index + 1 < len(commands) and commands[index + 1][0] == "echo $?"
            if code and not status_shown:
                raise PageError(f"$ {command}\nends with {code}:\n{printed}")
            if not agrees(shown, printed):
                raise PageError(f"$ {command}\nthe page shows\n{shown}\nprinted was\n{printed}")

    def _script(self, text: str) -> None:
        lines = [
            re.sub(r"^(.+?)\s+# red.*", r"if \1; then echo 'this was to fail' >&2; exit 99; fi", each)
            for each in text.splitlines()
            if not _installs(each)
        ]
        done = _bash("set -euo pipefail\n" + "\n".join(lines))
        if done.returncode:
            raise PageError(f"{text}\nends with {done.returncode}:\n{done.stdout}")

    def _python(self, text: str) -> None:
        if ">>> " in text:
            parsed = doctest.DocTestParser().get_doctest(text, self.namespace, self.name, self.name, 0)
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
            report = io.StringIO()
            if runner.run(parsed, out=report.write, clear_globs=False).failed:
                raise PageError(report.getvalue())
            self.namespace.update(parsed.globs)
            return
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(text, self.name, "exec"), self.namespace)  # noqa: S102 -- the project's own pages
        self.printed = output.getvalue()


def _installs(command: str) -> bool:
    """Whether a command installs this package; which extras it may name is tested elsewhere."""
    return _PIP.fullmatch(command.strip()) is not None


def _execute(command: str) -> tuple[str, int]:
    """Return what a command prints and its exit code."""
    if _installs(command):
        return "", 0
    words = shlex.split(command, comments=True)
    if words[0] == "dagverify" and not _SHELL & set(command):
        return _forked(words[1:])
    done = _bash(command)
    return done.stdout, done.returncode


def _bash(command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for name in ("PYTEST_ADDOPTS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):
        environment.pop(name, None)
    return subprocess.run(
        ["bash", "-c", command],
        check=False,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _forked(arguments: list[str]) -> tuple[str, int]:
    """Run the command in a fork of this process, which has imported it already."""
    from verify.cli import main

    sys.stdout.flush()
    target = Path(f"/proc/self/fd/{(descriptor := os.memfd_create('output'))}")
    if (pid := os.fork()) == 0:
        code = 99
        try:
            os.dup2(descriptor, 1)
            os.dup2(descriptor, 2)
            main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 99
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.lseek(descriptor, 0, os.SEEK_SET)
    printed = target.read_text(encoding="utf-8")
    os.close(descriptor)
    return printed, code


def main(page: str, *options: str) -> int:
    """Run the page's blocks; return 1 where one does not do what the page says."""
    sys.path.insert(0, "")
    if page == "README.md":  # its reader has a clone
        shutil.copytree(ROOT / "examples", "examples")
    state = Page(page)
    for block in page_blocks(page):
        if (block.needs_torch and "--torch" not in options) or (block.slow and "--slow" not in options):
            continue
        try:
            state.run(block)
        except Exception:
            print(f"{page}:{block.line}: {traceback.format_exc()}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
