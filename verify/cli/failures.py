"""What a command that failed leaves: one line on stderr and an exit code, which is never that of a verdict.

===  ==================================================================================
2    bad input or usage; not enough memory
3    undecided: there is no rule for this kind of network
70   an error of ours, with a file to report
74   the answer could not be written
130  interrupted
===  ==================================================================================
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from verify import __version__
from verify.cli.output import OutputError, abandon, print_error, print_json
from verify.outcomes import DagverifyError, InputError, Verdict

BAD_INPUT = 2
NOT_COVERED = 3
INTERNAL_ERROR = 70
NOT_WRITTEN = 74
INTERRUPTED = 130

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_UNUSABLE = (errno.EISDIR, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM)
_FRAMES = 100
_PACKAGE = Path(__file__).parents[2]


class Interrupted(Exception):  # noqa: N818 -- no error
    """Ctrl-C."""


def report_failure(error: BaseException, arguments: Sequence[str], *, debug: bool) -> int:
    """Write the one line about an error to stderr, with `debug` below its traceback; return the exit code."""
    shown = "".join(traceback.format_exception(error)) if debug else None
    if isinstance(error, BrokenPipeError) or (isinstance(error, OutputError) and error.silent):
        return NOT_WRITTEN
    text, code = _answer(error, arguments)
    if code == NOT_COVERED and "--json" in arguments:
        print_json({"verdict": Verdict.UNDECIDED.value, "reasons": [text]})
    print_error(text, traceback=shown, label="UNDECIDED" if code == NOT_COVERED else "error")
    return code


def _answer(error: BaseException, arguments: Sequence[str]) -> tuple[str, int]:
    if isinstance(error, (Interrupted, KeyboardInterrupt, click.Abort)):
        return "interrupted", INTERRUPTED
    if isinstance(error, OutputError):
        return str(error), NOT_WRITTEN
    if _is_not_covered(error):
        return str(error), NOT_COVERED
    if isinstance(error, DagverifyError):
        return str(error), BAD_INPUT
    if isinstance(error, MemoryError):
        return "not enough memory; make the problem smaller or the layers narrower", BAD_INPUT
    if isinstance(error, OSError) and error.errno in _FULL:  # click's own help, or a file whose writer has no word
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}cannot write: reason={error.strerror!r}; make room there, then start again", NOT_WRITTEN
    if isinstance(error, OSError) and error.errno in _UNUSABLE and error.filename is not None:
        place = str(error.filename)
        return str(
            InputError("cannot use this path", where=place, reason=error.strerror, remedy="give another path")
        ), BAD_INPUT
    fault = f"internal error: {type(error).__name__}: {error}"
    return f"{fault}; please report it with {_report(error, arguments)}", INTERNAL_ERROR


def _is_not_covered(error: BaseException) -> bool:
    """Whether the error is a `NotCoveredError`, without importing what raises it."""
    module = sys.modules.get("verify.calculus.problem")
    return module is not None and isinstance(error, module.NotCoveredError)


def _report(error: BaseException, arguments: Sequence[str]) -> str:
    """Write the file for the report, which holds nothing of the user's; return its path, or why there is none."""
    lines = [
        f"dagverify {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        f"command: dagverify {' '.join(_names(arguments))}",
        "The command's values, the messages of errors and the names of folders are left out.",
        "",
        *_frames(error),
    ]
    try:
        descriptor, name = tempfile.mkstemp(prefix="dagverify-report-", suffix=".txt")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write("\n".join(lines) + "\n")
        except OSError:
            Path(name).unlink()
            raise
    except OSError as failure:
        return f"the output of --debug (no file could be written: {failure.strerror})"
    return name


def _names(arguments: Sequence[str]) -> Iterator[str]:
    """Yield the command and the options of a command line, without any value."""
    from verify.cli.app import COMMANDS

    known = set(COMMANDS)
    for argument in arguments:
        if argument in known:
            known = set()
            yield argument
        elif argument.startswith("--"):
            yield argument.partition("=")[0][:40]


def _frames(error: BaseException | None) -> Iterator[str]:
    """Yield the traceback of an error and of its causes: files from the package's folder on, no messages."""
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        seen.append(error)
        yield f"{type(error).__module__}.{type(error).__qualname__}"
        for frame in traceback.extract_tb(error.__traceback__)[-_FRAMES:]:
            path = Path(frame.filename)
            if path.is_relative_to(_PACKAGE):
                shown = path.relative_to(_PACKAGE).as_posix()
            else:
                shown = "/".join(path.parts[-3:])
            yield f"  {shown}:{frame.lineno} in {frame.name}"
        error = error.__cause__ or error.__context__


def close_streams() -> None:
    """Flush stdout and stderr; what they cannot take is dropped, else it would change the exit code at the very end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            abandon(stream)
