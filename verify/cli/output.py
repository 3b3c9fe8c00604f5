"""How commands answer: one JSON object on stdout, or text for a person; progress goes to stderr."""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from verify.outcomes import InputError

Announce = Callable[[str], None]

EXPLAIN = "dagverify explain SPEC says what dominates L, and which change buys how much"

force_option = click.option("--force", is_flag=True, help="Replace files that dagverify did not write, too.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object to stdout and nothing else.")
time_limit_option = click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    default=50.0,
    show_default=True,
    help="Seconds of processor time for all parts of the analysis.",
)
spec_argument = click.argument("spec", type=click.Path(path_type=Path))


def named_files(spec: Path) -> tuple[Path, ...]:
    """Return the files that a spec file names, which no output may replace; none of a file that cannot be read."""
    from verify.spec.document import read_document

    try:
        return read_document(spec).files
    except InputError:
        return ()


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


def print_json(answer: Mapping[str, Any]) -> None:
    """Print one JSON object to stdout."""
    click.echo(json.dumps(plain(answer), indent=2, allow_nan=False))


@contextmanager
def progress() -> Iterator[Announce]:
    """Show on stderr what is being done, when stderr is a terminal."""
    from rich.console import Console

    stderr = Console(stderr=True)
    if not stderr.is_terminal:
        yield lambda message: None
        return
    with stderr.status("reading ...") as status:
        yield lambda message: status.update(f"{message} ...")
