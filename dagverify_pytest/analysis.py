"""What is computed about each spec file, once a session."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from verify.outcomes import Verdict
from verify.reports.rows import QUESTIONS, FilePlace, Row, answer_rows, line_of

if TYPE_CHECKING:
    from verify.analysis.check import CheckReport
    from verify.spec import Specification

DECREASE = "decrease"
MOST_SECONDS = 600.0
"""Processor time for the check of one file."""


class Analysis:
    """The answers about one spec file; each part is computed when it is first asked for.

    Parameters
    ----------
    path : Path
    examples, seed : int
        Of the property test and the searches.
    """

    def __init__(self, path: Path, examples: int, seed: int) -> None:
        self.path = path
        self.examples = examples
        self.seed = seed

    @cached_property
    def specification(self) -> Specification:
        """The file, read and checked."""
        from verify.spec import load_specification

        return load_specification(self.path)

    @cached_property
    def report(self) -> CheckReport:
        """What ``dagverify check`` answers."""
        from verify.analysis.check import check

        return check(self.specification.problem, self.specification.asked, seed=self.seed, seconds=MOST_SECONDS)

    def row(self, question: str) -> Row:
        """Return the answer to one question: a key of `QUESTIONS`, or ``"decrease"``."""
        return self._decrease if question == DECREASE else self._rows[question]

    @cached_property
    def _rows(self) -> dict[str, Row]:
        setting, document = self.specification.momentum, self.specification.document
        theorem = "sharp" if setting is None else setting.theorem
        rows = answer_rows(self.report.to_json(), theorem, document.lines, self.specification.vertex_blocks)
        return {row.id: row for row in rows}

    @cached_property
    def _decrease(self) -> Row:
        from verify.properties.suite import run_suite

        specification = self.specification
        suite = run_suite(specification.problem, specification.asked, examples=self.examples, seed=self.seed)
        answer = suite.to_json()
        taken = (
            f"{answer['examples']} steps, {answer['violations']} increases of {answer['decreasing']}, "
            f"{answer['undecided']} undecided, "
            f"margin {answer['margin']}"
        )
        statement = taken if suite.reason is None else f"{suite.reason}: {taken}"
        line = line_of(specification.document.lines, ("momentum",), ("optimizer",), ("region",))
        return Row(
            DECREASE,
            Verdict(answer["verdict"]),
            True,
            statement,
            (FilePlace(line, statement),),
            answer["remedy"],
            f"monotone decrease of {answer['decreasing']}",
            answer["counterexample"],
            {key: answer[key] for key in ("examples", "violations", "undecided", "margin")},
        )


class Analyses:
    """The analyses of a session by path.

    Parameters
    ----------
    examples, seed : int
    """

    def __init__(self, examples: int, seed: int) -> None:
        self._examples = examples
        self._seed = seed
        self._of: dict[Path, Analysis] = {}

    def of(self, path: Path) -> Analysis:
        """Return the one analysis of a file."""
        resolved = path.resolve()
        if resolved not in self._of:
            self._of[resolved] = Analysis(path, self._examples, self._seed)
        return self._of[resolved]


ITEMS = (*QUESTIONS, DECREASE)
