"""The answer of a check as rows, one for each question, each with the places of the spec file that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from verify.assumptions.small_momentum import needed_for
from verify.outcomes import Verdict

if TYPE_CHECKING:
    from verify.spec.lines import KeyPath, LineMap

QUESTIONS: Mapping[str, str] = {
    "gradients": "backpropagation computes the gradient",
    "A1": "every activation is smooth enough",
    "A2": "the weights stay bounded",
    "A3": "the error has finitely many stationary points",
    "A4": "learning rate and momentum are small enough",
    "range": "the setting lies in the admissible range of its theorem",
}
"""Identifier of each question about a spec file and what it asks, in the order of the answer; they never change."""


@dataclass(frozen=True)
class FilePlace:
    """Where in the spec file something stands, and what is to be said there.

    Parameters
    ----------
    line : int
        From 1; 1 where the key is not in the file.
    text : str
        One line.
    key : str
        What it is about, such as a vertex; it stays when lines and figures change.
    """

    line: int
    text: str
    key: str = ""


@dataclass(frozen=True)
class Row:
    """One question with its answer.

    Parameters
    ----------
    id : str
        A key of `QUESTIONS`, or of what a command adds to them.
    verdict : Verdict
    counted : bool
        Whether the whole answer depends on it.
    statement : str
        What was proved, refuted or left open.
    places : tuple of FilePlace
        At least one.
    remedy : str or None
        What to change.
    needed_for : str
        What the answer is needed for.
    counterexample : mapping or None
        What replays a refutation.
    numbers : mapping
        Figures for reports.
    """

    id: str
    verdict: Verdict
    counted: bool
    statement: str
    places: tuple[FilePlace, ...] = (FilePlace(1, ""),)
    remedy: str | None = None
    needed_for: str = ""
    counterexample: Mapping[str, Any] | None = None
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fails(self) -> bool:
        """Whether a counted question is not proved."""
        return self.counted and self.verdict is not Verdict.PROVED

    @property
    def reason(self) -> str:
        """Why a row that is not counted does not matter here, in words."""
        return "; ".join(part for part in (self.statement, f"needed for {self.needed_for}") if part)


def answer_rows(
    answer: Mapping[str, Any], theorem: str, lines: LineMap, blocks: Mapping[str, slice]
) -> tuple[Row, ...]:
    """Return one row for each of `QUESTIONS`.

    Parameters
    ----------
    answer : mapping
        ``CheckReport.to_json()``.
    theorem : str
        Whose range the setting is judged by.
    lines : LineMap
        Of the spec file.
    blocks : mapping of str to slice
        Which weights belong to each vertex.

    Returns
    -------
    tuple of Row
    """
    findings = {finding["id"]: finding for finding in answer["assumptions"]}
    rows = {name: _assumption(finding, lines) for name, finding in findings.items()}
    rows["gradients"] = _gradients(answer["gradients"], lines, blocks)
    rows["range"] = _range(answer, theorem, lines)
    return tuple(rows[name] for name in QUESTIONS)


def line_of(lines: LineMap, *keys: KeyPath) -> int:
    """Return the line of the first of `keys` that the file holds, else 1."""
    return next((line for line in map(lines.line, keys) if line), 1)


def _assumption(finding: Mapping[str, Any], lines: LineMap) -> Row:
    places: tuple[FilePlace, ...] = ()
    if finding["id"] == "A1":
        places = tuple(_vertex_places(finding["hypotheses"], lines))
    if not places:
        keys = {"A4": (("momentum",), ("optimizer",), ("region",)), "A2": (("region",),)}.get(
            finding["id"], (("output",),)
        )
        places = (FilePlace(line_of(lines, *keys), finding["statement"]),)
    verdict = Verdict(finding["verdict"])
    numbers = {
        key: finding[key]
        for key in ("lr", "momentum", "L", "eta", "tau", "mu", "tau_max", "mu_max", "eta_max")
        if key in finding
    }
    return Row(
        finding["id"],
        verdict,
        finding["counted"],
        finding["statement"] + (" (assumed)" if finding["assumed"] else ""),
        places,
        finding["remedy"],
        finding["needed_for"],
        finding["counterexample"],
        numbers,
    )


def _vertex_places(hypotheses: Iterable[Mapping[str, Any]], lines: LineMap) -> Iterable[FilePlace]:
    for vertex in hypotheses:
        if vertex["verdict"] != Verdict.PROVED.value:
            name = vertex["vertex"]
            yield FilePlace(line_of(lines, ("nodes", name, "activation"), ("nodes", name)), vertex["statement"], name)


def _gradients(gradients: Mapping[str, Any], lines: LineMap, blocks: Mapping[str, slice]) -> Row:
    proof, comparison = gradients["proof"], gradients["check"]
    statement = f"{proof['statement']}; {comparison['statement']}"
    weakest = proof if proof["verdict"] != Verdict.PROVED.value else comparison
    if gradients["verdict"] != Verdict.PROVED.value:
        statement = weakest["statement"]
    example = weakest["counterexample"]
    key: KeyPath = ("nodes",)
    if example and "position" in example:
        key = ("nodes", *(name for name, block in blocks.items() if block.start <= example["position"] < block.stop))
    return Row(
        "gradients",
        Verdict(gradients["verdict"]),
        True,
        statement,
        (FilePlace(line_of(lines, key, ("nodes",)), statement),),
        weakest["remedy"],
        "monotone decrease",
        example,
        {"max_relative_error": gradients["max_relative_error"]},
    )


def _range(answer: Mapping[str, Any], theorem: str, lines: LineMap) -> Row:
    row = next(row for row in answer["ranges"] if row["theorem"] == theorem)
    keys: tuple[KeyPath, ...] = (("momentum",), ("optimizer",), ("region", "radius"), ("region",))
    statement = f"theorem {theorem}: {row['statement']}"
    numbers = {
        key: row[key] for key in ("lr", "momentum", "lr_max", "eta", "tau_max", "mu_max", "eta_max") if key in row
    }
    return Row(
        "range",
        Verdict(row["verdict"]),
        True,
        statement,
        (FilePlace(line_of(lines, *keys), statement),),
        row["remedy"],
        needed_for(theorem),
        None,
        {**numbers, "L": answer["lipschitz"]["value"]},
    )
