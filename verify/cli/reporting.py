"""The options ``--junit``, ``--sarif`` and ``--github``: reports of a check for other tools."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verify.cli.output import print_annotations
from verify.files.kinds import JUNIT, SARIF
from verify.files.paths import real_path
from verify.files.writing import Outputs
from verify.outcomes import InputError, Verdict

if TYPE_CHECKING:
    from verify.reports.rows import Row

_LINE = re.compile(r":(\d+)(?=:|$)")


def report_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command, which gets them as ``junit``, ``sarif``, ``force`` and ``github``."""
    file = click.Path(path_type=Path, dir_okay=False)
    options = (
        click.option("--junit", type=file, help="Write JUnit XML to this file."),
        click.option("--sarif", type=file, help="Write SARIF 2.1.0 to this file."),
        click.option("--force", is_flag=True, help="Replace files that are no reports of dagverify."),
        click.option("--github", is_flag=True, help="Print GitHub annotations, add the answer to the step summary."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass
class Reports:
    """Where reports go.

    Parameters
    ----------
    spec : Path
        The spec file.
    outputs : Outputs
        Knows the files that the command reads.
    junit, sarif : Path or None
    github : bool
    to_stderr : bool
        Whether stdout is taken; GitHub reads annotations from either.
    """

    spec: Path
    outputs: Outputs
    junit: Path | None
    sarif: Path | None
    github: bool
    to_stderr: bool = False
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.outputs.add(self.junit, JUNIT)
        self.outputs.add(self.sarif, SARIF)

    def write(self, name: str, verdict: Verdict, rows: Sequence[Row]) -> None:
        """Write the reports of an answer."""
        self._write(name, verdict.value, rows)

    def write_error(self, error: InputError) -> None:
        """Write reports that say why there is no answer."""
        self._write(self.spec.name, "no answer", (), error)

    def _write(self, name: str, verdict: str, rows: Sequence[Row], error: InputError | None = None) -> None:
        from verify.reports.rows import FilePlace

        shown = self._shown()
        text = None if error is None else str(error)
        place = None if error is None else FilePlace(_line(error, self.spec), str(error))
        if self.junit is not None:
            from verify.reports.junit import junit_xml

            seconds = time.monotonic() - self.started
            self.outputs.write(self.junit, junit_xml(name, shown.as_posix(), rows, seconds, text))
        if self.sarif is not None:
            from verify.reports.sarif import sarif_text

            self.outputs.write(self.sarif, sarif_text(shown, rows, place))
        if self.github:
            from verify.reports.github import append_summary, summary, workflow_commands

            print_annotations(workflow_commands(shown.as_posix(), rows, place), to_stderr=self.to_stderr)
            append_summary(summary(name, shown.as_posix(), verdict, rows, text))

    def _shown(self) -> Path:
        """Return the spec file's path from the root of the checkout, else as it was given."""
        root = real_path(Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()))
        resolved = real_path(self.spec)
        return resolved.relative_to(root) if resolved.is_relative_to(root) else self.spec


def _line(error: InputError, spec: Path) -> int:
    where = error.where or ""
    found = _LINE.match(where.removeprefix(str(spec))) if where.startswith(str(spec)) else None
    return int(found[1]) if found else 1
