"""GitHub: annotations within the service's limits, the details as Markdown in the step's summary."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from verify.escaping import github_data, github_property, markdown
from verify.files.writing import append_text
from verify.outcomes import InputError, Verdict
from verify.reports.rows import FilePlace, Row

LIMIT = 10
"""Annotations of each level that are shown for one step."""

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


def workflow_commands(spec: str, rows: Sequence[Row], error: FilePlace | None = None) -> list[str]:
    """Return workflow commands: an error for what is refuted, a warning for what is undecided.

    Parameters
    ----------
    spec : str
        Path of the spec file from the repository's root.
    rows : sequence of Row
    error : FilePlace, optional
        Why there is no answer.

    Returns
    -------
    list of str
        At most `LIMIT` of each level; the last one of more says how many are in the summary alone.
    """
    lines: list[str] = []
    for level, verdict in (("error", Verdict.REFUTED), ("warning", Verdict.UNDECIDED)):
        found = [(row, place) for row in rows if row.fails and row.verdict is verdict for place in row.places]
        shown = [_command(level, spec, place.line, f"{row.id} {verdict.value}", place.text) for row, place in found]
        if error is not None and level == "error":
            shown.insert(0, _command(level, spec, error.line, "input", error.text))
        if len(shown) > LIMIT:
            more = f"{len(shown) - LIMIT + 1} more like these are in the step's summary"
            shown = [*shown[: LIMIT - 1], _command(level, spec, 1, "dagverify", more)]
        lines += shown
    return lines


def summary(name: str, spec: str, verdict: str, rows: Sequence[Row], error: str | None = None) -> str:
    """Return the whole answer as Markdown; everything that a spec file can say is escaped."""
    lines = [f"### dagverify check {markdown(spec)}: {verdict}", "", markdown(name), ""]
    if error is not None:
        return "\n".join([*lines, f"error: {markdown(error)}", "", ""])
    lines += ["| question | verdict | answer | line |", "|---|---|---|---|"]
    for row in rows:
        answer = row.verdict.value if row.counted else f"{row.verdict.value}, not counted"
        for place in row.places if row.fails else row.places[:1]:
            text = place.text if row.fails else row.statement
            lines.append(f"| {row.id} | {answer} | {markdown(text)} | {place.line} |")
    for row in rows:
        if row.fails and row.remedy:
            lines += ["", f"{row.id}: {markdown(row.remedy)}"]
        if row.fails and row.counterexample:
            lines += ["", f"{row.id}, counterexample: {markdown(json.dumps(dict(row.counterexample)))}"]
    return "\n".join([*lines, "", ""])


def append_summary(text: str) -> bool:
    """Append Markdown to the file that ``$GITHUB_STEP_SUMMARY`` names; False if there is no such variable.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    name = os.environ.get(SUMMARY_VARIABLE)
    if not name:
        return False
    try:
        append_text(Path(name), text)
    except InputError as error:
        raise InputError(
            "cannot write the step summary",
            where=SUMMARY_VARIABLE,
            reason=str(error),
            remedy=f"correct {SUMMARY_VARIABLE}",
        ) from None
    return True


def _command(level: str, spec: str, line: int, title: str, text: str) -> str:
    return f"::{level} file={github_property(spec)},line={line},title={github_property(title)}::{github_data(text)}"
