"""The comparison with an earlier check as one row more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.outcomes import Verdict
from verify.reports.rows import FilePlace, Row, line_of

if TYPE_CHECKING:
    from verify.baseline.comparison import Comparison
    from verify.spec.lines import LineMap

_REMEDY = "undo the change, make the region or the weights there smaller, or accept it: write a new baseline"


def baseline_row(comparison: Comparison, lines: LineMap) -> Row:
    """Return the row ``baseline``, with one place for each figure that became worse: the vertex that caused it."""
    if comparison.verdict is Verdict.PROVED:
        statement = f"L and the ranges are within a factor {comparison.factor:g} of the baseline"
        return Row("baseline", Verdict.PROVED, True, statement, (FilePlace(1, statement),))
    places = tuple(
        FilePlace(line_of(lines, ("nodes", each.vertex or ""), ("region",)), each.statement, each.figure)
        for each in comparison.regressions
    )
    return Row("baseline", Verdict.REFUTED, True, places[0].text, places, _REMEDY)
