"""How commands answer: one JSON object on stdout, or text for a person; progress and errors go to stderr.

Nothing else in the package prints: what a user's file says passes the escaping of its medium here or in `tables`.
"""

from __future__ import annotations

import enum
import errno
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verify.budget import remaining
from verify.escaping import json_text, terminal
from verify.outcomes import DagverifyError, InputError

if TYPE_CHECKING:
    from rich.console import Console

Announce = Callable[[str], None]

RECOMMEND = "dagverify recommend SPEC finds learning rates that are proved for a number of steps, without a region"
EXPLAIN = "dagverify explain SPEC says what dominates L, and which change buys how much"
TINY = 1e-3
"""Learning rates below are smaller than people use: where no larger one is proved, an answer says what to do."""

force_option = click.option("--force", is_flag=True, help="Replace files that dagverify did not write, too.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout and nothing else.")
time_limit_option = click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=180.0,
    show_default=True,
    help="Seconds of processor time for all parts of the analysis.",
)
spec_argument = click.argument("spec", type=click.Path(path_type=Path))


def advice(proved: bool, ranges: Iterable[Mapping[str, Any]], spec: Path) -> list[str]:
    """Return which commands say more, if the answer is not proved or the learning rates are tiny.

    Examples
    --------
    >>> spec, tiny = Path("net.toml"), [{"theorem": "sharp", "eta_max": 1e-6}]
    >>> advice(True, [{"theorem": "sharp", "eta_max": 0.5}], spec), len(advice(True, tiny, spec))
    ([], 2)
    """
    sharp = next((row["eta_max"] for row in ranges if row["theorem"] == "sharp"), None)
    tiny = sharp is not None and sharp < TINY
    if proved and not tiny:
        return []
    return [RECOMMEND] if str(spec).startswith("torch:") else [EXPLAIN, RECOMMEND]


def named_files(spec: Path) -> tuple[Path, ...]:
    """Return the files that a spec file names, which no output may replace; none of a file that cannot be read."""
    from verify.spec.document import read_document

    try:
        return read_document(spec).files
    except InputError:
        return ()


class OutputError(DagverifyError):
    """The answer could not be written to stdout.

    Parameters
    ----------
    error : OSError or ValueError
        What the stream said; a ValueError that it is closed.
    """

    def __init__(self, error: OSError | ValueError) -> None:
        self.silent = isinstance(error, BrokenPipeError)
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "make room, or send stdout elsewhere; the exit code says nothing about the network"
        super().__init__(f"stdout: cannot write the answer: reason={reason!r}; {remedy}")


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: an infinite bound is null.

    Raises
    ------
    ValueError
        If a number is NaN, which no answer may hold.

    Examples
    --------
    >>> plain({"value": float("inf"), "region": (1, 2.5)})
    {'value': None, 'region': [1, 2.5]}
    """
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        if math.isnan(value):
            raise ValueError("an answer holds NaN")
        return value if math.isfinite(value) else None
    return value


@contextmanager
def answering() -> Iterator[None]:
    """Turn what a stream of answers cannot take into an error of one line.

    Raises
    ------
    OutputError
        If stdout is closed, full or broken.
    """
    if sys.stdout is None:
        raise OutputError(ValueError("the stream is closed"))
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EPIPE, errno.EBADF):
            raise
        raise OutputError(error) from None


def print_json(answer: Mapping[str, Any]) -> None:
    """Print one JSON object to stdout."""
    text = json_text(json.dumps(plain(answer), indent=2, allow_nan=False))
    with answering():
        click.echo(text)


def print_line(text: str) -> None:
    """Print one line to stdout."""
    with answering():
        click.echo(terminal(text))


def print_source(text: str) -> None:
    """Print source code to stdout, whose writer has escaped what is not its own."""
    with answering():
        click.echo(text)


def print_annotations(lines: list[str], *, to_stderr: bool) -> None:
    """Print workflow commands, whose writer has escaped what is not its own."""
    with answering():
        for line in lines:
            click.echo(line, err=to_stderr)


def print_error(text: str, *, traceback: str | None = None, label: str = "error") -> None:
    """Write an error to stderr as one line, whatever its text holds, below a traceback if one was asked for.

    A stderr that cannot be written to changes nothing: the exit code speaks.
    """
    with suppress(OSError, ValueError):
        if traceback is not None:
            for line in traceback.splitlines():
                click.echo(terminal(line), err=True)
        click.echo(f"{label}: {terminal(' '.join(text.split()))}", err=True)


def stderr_console() -> Console:
    """Return the console for what is being done; it is no terminal unless stderr is one, whatever FORCE_COLOR says."""
    from rich.console import Console

    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    return Console(stderr=True, force_terminal=None if is_terminal else False)


@contextmanager
def progress() -> Iterator[Announce]:
    """Show on stderr what is being done, and for how long at most, when stderr is a terminal."""
    stderr = stderr_console()
    if not stderr.is_terminal:
        yield lambda message: None
        return
    from rich.text import Text

    with stderr.status("reading ...") as status:
        yield lambda message: status.update(Text(f"{terminal(message)}{_time_left(message)} ..."))


def _time_left(message: str) -> str:
    """Return the words for a message that does not say it itself."""
    seconds = remaining()
    told = not math.isfinite(seconds) or message.endswith(" left")
    return "" if told else f"; at most {seconds:.0f} s of processor time left"


def abandon(stream: Any) -> None:
    """Send what a stream still holds to nowhere: flushed at exit, it would change the exit code."""
    with suppress(OSError, ValueError, AttributeError):
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
        stream.flush()
