"""Commands in processes that are forked after everything is imported: cheap enough to be killed by the hundred."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from verify.cli import main


def import_everything(*commands: list[str]) -> None:
    """Run commands in this process, silently, so that forks import nothing."""
    for arguments in commands:
        with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
            main(arguments)


class Command:
    """A running command.

    Parameters
    ----------
    arguments : list of str
    output : Path
        Where its stdout and, with the suffix ``.err``, its stderr go.
    """

    def __init__(self, arguments: list[str], output: Path) -> None:
        self.output, self.errors = output, output.with_name(output.name + ".err")
        self.code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            self._run(arguments)

    def poll(self) -> int | None:
        """Return the exit code, None while it runs."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def wait(self, longest: float = 300.0) -> int:
        """Return the exit code; a command that hangs is an error."""
        limit = time.monotonic() + longest
        while (code := self.poll()) is None:
            if time.monotonic() > limit:
                self.kill()
                raise SystemExit(f"a command hangs: {self.output}")
            time.sleep(0.001)
        return code

    def kill(self) -> bool:
        """Kill it; False if it had ended."""
        if self.poll() is not None:
            return False
        os.kill(self.pid, signal.SIGKILL)
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code == -signal.SIGKILL

    def _run(self, arguments: list[str]) -> None:
        code = 99
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            for number, path in ((1, self.output), (2, self.errors)):
                os.dup2(os.open(path, flags, 0o644), number)
            main(arguments)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 99
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)
