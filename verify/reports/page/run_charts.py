"""Charts of a training run: error, proved decrease, step sizes, weights against their region."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.arithmetic.decimals import at_most
from verify.outcomes import Verdict
from verify.plotting.run import draw_decrease, draw_error, draw_sizes, draw_weights, wide_sizes
from verify.reports.page.charts import Chart, chart

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.reports.run_evidence import RunEvidence


def run_charts(run: RunEvidence, region: Region | None) -> tuple[Chart, ...]:
    """Return the charts of a run with at least one step."""
    lines = run.lines
    return (
        chart("run-error", *_error(run), lambda axes: draw_error(axes, lines)),
        chart("run-decrease", *_decrease(run), lambda axes: draw_decrease(axes, lines)),
        chart("run-sizes", *_sizes(run), lambda axes: draw_sizes(axes, lines)),
        chart(
            "run-weights",
            "The weights against their region",
            "How large the weights are, how far they went, and how much room was left (below 0: outside).",
            lambda axes: draw_weights(axes, lines, region),
        ),
    )


def _error(run: RunEvidence) -> tuple[str, str]:
    first, last = run.lines[0].get("error"), run.lines[-1].get("error")
    words = f"From {_shown(first)} before the first of {len(run.lines)} steps to {_shown(last)} before the last."
    falls = run.verdicts[Verdict.PROVED.value] == len(run.lines)
    return "The error falls" if falls else "The error", words


def _decrease(run: RunEvidence) -> tuple[str, str]:
    values = [line["decrease"] for line in run.lines if line.get("decrease") is not None]
    least = f"The smallest is {at_most(min(values))}." if values else "None was recorded."
    return "Proved decrease of every step", f"How much each step lowers E at least, as recorded. {least}"


def _sizes(run: RunEvidence) -> tuple[str, str]:
    breaks = wide_sizes(run.lines) and any(line.get("tau") == 0 for line in run.lines)
    zeros = " A momentum of 0 breaks its line." if breaks else ""
    return "Step sizes", f"Learning rate eta and momentum size tau of the steps.{zeros}"


def _shown(value: float | None) -> str:
    return "an unknown value" if value is None else f"{value:.4g}"
