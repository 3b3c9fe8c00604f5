"""Charts of a training run: error, proved decrease, step sizes, weights against their region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verify.arithmetic.decimals import at_most
from verify.bounds.regions import BoundedWeights, enclosing
from verify.outcomes import Verdict
from verify.reports.page.charts import Series, line_chart

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.reports.run_evidence import RunEvidence

MOST_POINTS = 400
_WIDE = 50
"""Ratio of the largest to the smallest step size from which on the scale is logarithmic."""


@dataclass(frozen=True)
class Chart:
    """A chart with what stands beside it.

    Parameters
    ----------
    picture : str
        An SVG element.
    title, caption : str
    legend : tuple of (kind, name)
    """

    picture: str
    title: str
    caption: str
    legend: tuple[tuple[str, str], ...]


def run_charts(run: RunEvidence, region: Region | None) -> tuple[Chart, ...]:
    """Return the charts of a run with at least one step."""
    thin = Thinned(run.lines)
    return _error(run, thin), _decrease(run, thin), _sizes(thin), _weights(thin, region)


class Thinned:
    """The lines of a run in at most `MOST_POINTS` groups of consecutive steps.

    Parameters
    ----------
    lines : sequence of dict

    Examples
    --------
    >>> lines = [{"step": step, "error": 1.0 / step} for step in range(1, 1001)]
    >>> thin = Thinned(lines)
    >>> thin.each, len(thin.points("error", max)), thin.points("error", max)[1]
    (3, 334, (4, 0.25))
    """

    def __init__(self, lines: Sequence[dict[str, Any]]) -> None:
        self.each = -(-len(lines) // MOST_POINTS)
        self.groups = [lines[first : first + self.each] for first in range(0, len(lines), self.each)]

    @property
    def words(self) -> str:
        """What one point stands for."""
        return "" if self.each == 1 else f" Each point stands for {self.each} steps and shows the worst of them."

    def points(self, name: str, worst: Callable[[list[float]], float]) -> tuple[tuple[float, float], ...]:
        """Return the worst value of each group at its first step; a group without values breaks the line."""
        found = []
        for group in self.groups:
            values = [line[name] for line in group if line.get(name) is not None]
            found.append((group[0]["step"], worst(values) if values else float("nan")))
        return tuple(found)


def _error(run: RunEvidence, thin: Thinned) -> Chart:
    series = [
        Series("E before the step (float64)", thin.points("error", max), "s1"),
        Series("proved upper bound after it", thin.points("error_upper", max), "s2"),
    ]
    worse = [line for line in run.lines if line["verdict"] == Verdict.REFUTED.value and line.get("error") is not None]
    if worse:
        points = tuple((line["step"], line["error"]) for line in worse[:MOST_POINTS])
        series.append(Series("a step that increased E", points, "bad", marks=True))
    first, last = run.lines[0].get("error"), run.lines[-1].get("error")
    words = f"From {_shown(first)} before the first of {len(run.lines)} steps to {_shown(last)} before the last."
    falls = run.verdicts[Verdict.PROVED.value] == len(run.lines)
    return _chart("run-error", "The error falls" if falls else "The error", words + thin.words, series, "E", True)


def _decrease(run: RunEvidence, thin: Thinned) -> Chart:
    series = [Series("proved decrease of the step", thin.points("decrease", min), "s1")]
    values = [line["decrease"] for line in run.lines if line.get("decrease") is not None]
    least = f"The smallest is {at_most(min(values))}." if values else "None was recorded."
    words = f"How much each step lowers E at least, as recorded. {least}{thin.words}"
    logarithmic = bool(values) and min(values) > 0
    return _chart("run-decrease", "Proved decrease of every step", words, series, "decrease", logarithmic)


def _sizes(thin: Thinned) -> Chart:
    series = [Series("eta", thin.points("eta", max), "s1"), Series("tau", thin.points("tau", max), "s2")]
    sizes = [y for each in series for _, y in each.points if y > 0]
    wide = bool(sizes) and max(sizes) > _WIDE * min(sizes)
    zeros = " A momentum of 0 breaks its line." if wide and any(y == 0 for _, y in series[1].points) else ""
    words = f"Learning rate eta and momentum size tau of the steps.{zeros}{thin.words}"
    return _chart("run-sizes", "Step sizes", words, series, "size", wide)


def _weights(thin: Thinned, region: Region | None) -> Chart:
    series = [
        Series("|w|", thin.points("weight_norm", max), "s1"),
        Series("|w - w0|, the distance from the start", thin.points("distance", max), "s2"),
        Series("distance left to the region's boundary", thin.points("remaining_radius", min), "s3"),
    ]
    words = "How large the weights are, how far they went, and how much room was left (below 0: outside)."
    if region is not None:
        limit = region.radius if isinstance(region, BoundedWeights) else enclosing(region).radius  # type: ignore[arg-type]
        ends = (thin.groups[0][0]["step"], thin.groups[-1][0]["step"])
        series.append(Series("bound of |w| that the region implies", tuple((end, limit) for end in ends), "limit"))
    return _chart("run-weights", "The weights against their region", words + thin.words, series, "length", False)


def _chart(name: str, title: str, caption: str, series: list[Series], y_label: str, logarithmic: bool) -> Chart:
    series = [each for each in series if any(y == y for _, y in each.points)]
    label = f"{y_label}, logarithmic" if logarithmic else y_label
    picture = line_chart(name, title, caption, series, "step", label, logarithmic=logarithmic, from_zero=True)
    return Chart(picture, title, caption, tuple((each.kind, each.name) for each in series))


def _shown(value: float | None) -> str:
    return "an unknown value" if value is None else f"{value:.4g}"
