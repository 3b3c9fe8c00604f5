"""The table that a person reads, made from the same data as ``--json``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from verify.arithmetic.decimals import at_least, at_most
from verify.cli.output import answering
from verify.escaping import WHOLE, terminal

_COLOURS = {
    "PROVED": "bold green",
    "REFUTED": "bold red",
    "UNDECIDED": "bold yellow",
    "AGREES": "green",
    "not counted": "dim",
}
_NAMES = {
    "A1": "A1 smooth activations",
    "A2": "A2 bounded weights",
    "A3": "A3 few stationary points",
    "A4": "A4 small lr and momentum",
}
"""The assumptions in words."""
_WIDTH_OF_A_FILE = 120
_NARROWEST, _WIDEST = 40, 1000
_TITLE = 500


@dataclass(frozen=True)
class TableLine:
    """One line of the table.

    Parameters
    ----------
    question : str
        What was asked.
    verdict : str
        The answer in one word; empty for a mere number.
    answer : str
        The sentence or the numbers.
    remedy : str or None
        What to change when it is not proved.
    """

    question: str
    verdict: str
    answer: str
    remedy: str | None = None


def finding_rows(finding: Mapping[str, Any]) -> list[TableLine]:
    """Return the row of a finding in its JSON form."""
    verdict = finding["verdict"]
    answer = finding["statement"]
    if finding.get("assumed"):
        answer += " (assumed)"
    if not finding["counted"]:
        answer += f" [not counted; {finding['needed_for']}]" if finding["needed_for"] else " [not counted]"
    return [TableLine(_NAMES.get(finding["id"], str(finding["id"])), verdict, answer, finding["remedy"])]


def gradient_rows(gradients: Mapping[str, Any]) -> list[TableLine]:
    """Return the rows of the proof and of the numerical comparison."""
    comparison = gradients["check"]
    error = number(gradients["max_relative_error"], absent="not finite")
    return [
        *finding_rows(gradients["proof"]),
        TableLine(
            "gradient check",
            comparison["outcome"] if comparison["outcome"] == "AGREES" else comparison["verdict"],
            f"{comparison['statement']} (largest error / |gradient|: {error})",
            comparison["remedy"],
        ),
    ]


def curvature_row(lipschitz: Mapping[str, Any]) -> TableLine:
    """Return the row of L: the interval between the attack and the proved bound."""
    region = lipschitz["region"]
    if lipschitz["value"] is None:
        return TableLine("L", "UNDECIDED", f"no bound on {region}: {lipschitz['reason']}", lipschitz["remedy"])
    answer = f"sup of |Hess E|: {between(lipschitz)} on {region} (method {lipschitz['method']})"
    return TableLine("L", "PROVED", answer)


def between(lipschitz: Mapping[str, Any]) -> str:
    """Return L between what an attack reached and what is proved.

    Examples
    --------
    >>> between({"attack": 1.7, "value": 3.6}), between({"attack": None, "value": 3.6})
    ('L in [1.7, 3.6]', 'L in [?, 3.6]')
    """
    below = "?" if lipschitz["attack"] is None else at_most(lipschitz["attack"])
    above = number(None) if lipschitz["value"] is None else at_least(lipschitz["value"])
    return f"L in [{below}, {above}]"


def any_direction_row(answer: Mapping[str, Any]) -> TableLine:
    """Return the row of the step that is admissible whatever the previous one was."""
    return TableLine("any direction", answer["verdict"], answer["statement"], answer["remedy"])


def optimizer_row(optimizer: Mapping[str, Any]) -> TableLine:
    """Return the row of what the user sets, and what the theorems call it."""
    shown = [
        f"{name}={optimizer[name]!r}" for name in ("lr", "momentum", "dampening", "weight_decay") if optimizer[name]
    ]
    shown += ["nesterov"] if optimizer["nesterov"] else []
    theirs = [f"{name}={optimizer[name]!r}" for name in ("eta", "mu", "tau") if name in optimizer]
    means = f" is {', '.join(theirs)} of theorem {optimizer['theorem']}" if theirs else ""
    convention = f", convention {optimizer['convention']}" if theirs else ""
    notes = "".join(f"; {note}" for note in optimizer["notes"])
    return TableLine("optimizer", "", f"{optimizer['kind']} with {', '.join(shown)}{convention}{means}{notes}")


def error_rise_row(rise: Mapping[str, Any] | None) -> TableLine:
    """Return the row about the error itself for mu, where an energy is what decreases."""
    if rise is None:
        return TableLine(
            "error itself", "", "no increase of E was found in the first steps from rest, which proves nothing"
        )
    return TableLine(
        "error itself",
        "",
        f"step {rise['step']} from rest raises E by at least {at_most(rise['increase_lower'])} [not counted; "
        "E may rise while V decreases]",
    )


def range_rows(ranges: Iterable[Mapping[str, Any]]) -> list[TableLine]:
    """Return one row for each theorem."""
    return [TableLine(f"range {row['theorem']}", row["verdict"], row["statement"], row["remedy"]) for row in ranges]


def step_rows(step: Mapping[str, Any]) -> list[TableLine]:
    """Return the rows of the rays and lines that hold for one step."""
    rows = [
        TableLine(f"step {ray['direction']}", ray["verdict"], ray["statement"], ray["remedy"]) for ray in step["rays"]
    ]
    return rows + [
        TableLine(f"step eta={number(line['eta'])}", line["verdict"], line["statement"], line["remedy"])
        for line in step["lines"]
    ]


def monotone_rows(answer: Mapping[str, Any]) -> list[TableLine]:
    """Return the rows of the property tests."""
    held = all(answer["control"].values())
    control = "increases are found just outside the range of a quadratic error, none on its edge"
    rows = [
        TableLine("control", "PROVED" if held else "REFUTED", control if held else "the test missed what it must find")
    ]
    steps = (
        f"{answer['examples']} steps, {answer['covered']} covered by the theorem, {answer['violations']} increases "
        f"of {answer['decreasing']}, "
        f"{answer['undecided']} undecided"
    )
    shown = steps if answer["reason"] is None else f"{answer['reason']}; {steps}"
    rows.append(TableLine("steps", answer["verdict"], shown, answer["remedy"]))
    if answer["margin"] is None:
        rows.append(TableLine("margin", "", "no increase of E was found with any larger learning rate tried"))
    else:
        rows.append(
            TableLine(
                "margin", "", f"the first increase of E was found at {answer['margin']:.4g} times the certified eta"
            )
        )
    if answer["counterexample"] is not None:
        rows.append(TableLine("counterexample", "REFUTED", json.dumps(answer["counterexample"])))
    return rows


def print_table(title: str, verdict: str, rows: Iterable[TableLine], notes: Iterable[str] = ()) -> None:
    """Print a titled table, the remedies below it, then the notes."""
    rows = list(rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=False)
    for column in ("question", "verdict", "answer"):
        table.add_column(column, no_wrap=column != "answer")
    for row in rows:
        table.add_row(Text(terminal(row.question)), coloured(row.verdict), Text(terminal(row.answer, WHOLE)))
    with answering():
        console = _console()
        console.print(Text.assemble(terminal(f"{title}: ", _TITLE), coloured(verdict)))
        console.print(table)
        for remedy, questions in _remedies(rows).items():
            console.print(Padding(Text(terminal(f"{', '.join(questions)}: {remedy}")), (0, 0, 0, 2)))
        for note in notes:
            console.print(Text(terminal(note)))


def _console() -> Console:
    """Return the console of stdout: as wide as COLUMNS says, else as the terminal, else as a line of a file."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and len(columns) <= 6 and int(columns):
        width: int | None = min(max(int(columns), _NARROWEST), _WIDEST)
    else:
        width = None if sys.stdout.isatty() else _WIDTH_OF_A_FILE
    return Console(highlight=False, width=width)


def _remedies(rows: Iterable[TableLine]) -> dict[str, list[str]]:
    """Return each remedy with the questions that it is for."""
    remedies: dict[str, list[str]] = {}
    for row in rows:
        if row.remedy and row.verdict != "PROVED":
            remedies.setdefault(row.remedy, []).append(row.question)
    return remedies


def coloured(verdict: str) -> Text:
    """Return a verdict in its colour."""
    return Text(terminal(verdict), style=_COLOURS.get(verdict, ""))


def number(value: Any, absent: str = "unbounded") -> str:
    """Return a number for a person: four significant digits.

    Examples
    --------
    >>> number(0.123456), number(None), number(True), number(7)
    ('0.1235', 'unbounded', 'yes', '7')
    """
    if value is None:
        return absent
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
