"""A spec file as a collector, and one test item for each question about it."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from dagverify_pytest.analysis import DECREASE, ITEMS, Analysis
from verify.escaping import WHOLE, terminal
from verify.outcomes import DagverifyError
from verify.reports.rows import Row


class NotProvedError(Exception):
    """A counted question was refuted or left open."""

    def __init__(self, row: Row) -> None:
        self.row = row
        super().__init__(terminal(f"{row.id} {row.verdict.value}: {row.statement}"))


def shown_id(path: Path, root: Path) -> str | None:
    """Return the node id of a file whose name acts on a terminal or a CI service, escaped; None for pytest's own."""
    name = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
    shown = terminal(name, WHOLE)
    return None if shown == name else shown


class SpecFile(pytest.File):
    """A spec file; its questions share one analysis."""

    def __init__(self, *, analysis: Analysis, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.analysis = analysis

    def collect(self) -> Iterable[pytest.Item]:
        """Return one item for each question; nothing is read yet."""
        for question in ITEMS:
            yield Question.from_parent(self, name=question)


class Question(pytest.Item):
    """One question about a spec file: passes if proved, fails if it counts and is not proved, else is skipped."""

    def __init__(self, *, name: str, parent: SpecFile, **keywords: Any) -> None:
        super().__init__(name, parent, **keywords)
        self.analysis = parent.analysis
        self.add_marker("dagverify")

    def runtest(self) -> None:
        """Ask the question."""
        row = self.analysis.row(self.name)
        self.user_properties += [("dagverify_verdict", row.verdict.value)]
        self.user_properties += [(f"dagverify_{key}", value) for key, value in row.numbers.items() if value is not None]
        if row.fails:
            raise NotProvedError(row)
        if row.verdict.value != "PROVED":
            pytest.skip(terminal(f"{row.id} {row.verdict.value}, not counted: {row.reason}"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *arguments: Any, **keywords: Any) -> Any:
        """Show an answer, or a mistake in the file, without a traceback."""
        error = excinfo.value
        if isinstance(error, NotProvedError):
            return "\n".join(terminal(line, WHOLE) for line in self._explanation(error.row))
        if isinstance(error, DagverifyError):
            return f"error: {terminal(str(error))}"
        return super().repr_failure(excinfo, *arguments, **keywords)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """Return file, line and title for reports."""
        return Path(terminal(str(self.path), WHOLE)), None, terminal(f"{self.path.name}: {self.name}")

    def _explanation(self, row: Row) -> Iterable[str]:
        spec = os.path.relpath(self.path, self.config.invocation_params.dir)
        for place in row.places:
            yield f"{spec}:{place.line}: {row.id} {row.verdict.value}: {place.text}"
        if row.remedy:
            yield f"remedy: {row.remedy}"
        if row.counterexample is not None:
            yield f"counterexample: {json.dumps(row.counterexample)}"
        path = shlex.quote(spec)
        replay = f"test {path} --examples {self.analysis.examples}" if row.id == DECREASE else f"check {path}"
        seed = f" --seed {self.analysis.seed}" if row.id == DECREASE else ""
        yield f"replay: dagverify {replay}{seed}"
