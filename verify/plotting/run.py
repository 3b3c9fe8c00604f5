"""A training run: error, proved decrease, step sizes, weights against their region."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.bounds.regions import BoundedWeights, enclosing
from verify.files.kinds import PICTURE
from verify.files.writing import write_file
from verify.outcomes import Verdict
from verify.plotting.library import picture, require_matplotlib, styled
from verify.plotting.series import draw_line, draw_marks, draw_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from verify.bounds.regions import Region

_WIDE = 50
"""Ratio of the largest to the smallest step size from which on the scale is logarithmic."""


def plot_run(lines: list[dict[str, Any]], region: Region | None, path: Path, *, force: bool = False) -> None:
    """Write a picture of a run's lines (`RunFolder.read`).

    Parameters
    ----------
    lines : list of dict
    region : Region or None
        Its bound of |w| is drawn.
    path : Path
        A .png, .pdf or .svg file.
    force : bool
        Replace a file that is no picture of ours, too.
    """
    require_matplotlib()
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(8, 12), layout="constrained")
        error, decrease, sizes, weights = figure.subplots(4, 1)
        draw_error(error, lines)
        draw_decrease(decrease, lines)
        draw_sizes(sizes, lines)
        draw_weights(weights, lines, region)
        for axes in (error, decrease, sizes, weights):
            if axes.lines:
                axes.legend(loc="best")
        write_file(path, picture(figure, path), PICTURE, force=force)


def draw_error(axes: Axes, lines: Sequence[dict[str, Any]]) -> None:
    """Draw the error before each step, the proved bound after it, and the steps that increased it."""
    _line(axes, lines, "error", "s1", "E before the step (float64)", logarithmic=True)
    _line(axes, lines, "error_upper", "s2", "proved upper bound after it", logarithmic=True)
    if worse := [line for line in lines if line["verdict"] == Verdict.REFUTED.value and line.get("error")]:
        draw_marks(axes, _steps(worse), [line["error"] for line in worse], "bad", "a step that increased E")
    draw_scale(axes, "step", "E", logarithmic=True)


def draw_decrease(axes: Axes, lines: Sequence[dict[str, Any]]) -> None:
    """Draw how much each step lowers the error at least."""
    values = [line["decrease"] for line in lines if line.get("decrease") is not None]
    logarithmic = bool(values) and min(values) > 0
    _line(axes, lines, "decrease", "s1", "proved decrease of the step", logarithmic=logarithmic)
    draw_scale(axes, "step", "decrease", logarithmic=logarithmic)


def draw_sizes(axes: Axes, lines: Sequence[dict[str, Any]]) -> None:
    """Draw learning rate and momentum size of the steps."""
    logarithmic = wide_sizes(lines)
    _line(axes, lines, "eta", "s1", "eta", logarithmic=logarithmic)
    _line(axes, lines, "tau", "s2", "tau", logarithmic=logarithmic)
    if any(line.get("eta_until") for line in lines):
        _line(
            axes, lines, "eta_until", "s3", "end of the proved range of eta, for this tau/eta", logarithmic=logarithmic
        )
    draw_scale(axes, "step", "size", logarithmic=logarithmic)


def draw_weights(axes: Axes, lines: Sequence[dict[str, Any]], region: Region | None) -> None:
    """Draw the size of the weights, their way, and the room that is left."""
    _line(axes, lines, "weight_norm", "s1", "|w|")
    _line(axes, lines, "distance", "s2", "|w - w0|, the distance from the start")
    _line(axes, lines, "remaining_radius", "s3", "distance left to the region's boundary")
    if region is not None and lines:
        ends = [lines[0]["step"], lines[-1]["step"]]
        draw_line(axes, ends, [weight_bound(region)] * 2, "limit", "bound of |w| that the region implies (A2)")
    draw_scale(axes, "step", "length")


def wide_sizes(lines: Sequence[dict[str, Any]]) -> bool:
    """Return whether step sizes differ so much that their scale is logarithmic."""
    sizes = [size for line in lines for name in ("eta", "tau") if (size := line.get(name)) and size > 0]
    return bool(sizes) and max(sizes) > _WIDE * min(sizes)


def weight_bound(region: Region) -> float:
    """Return the bound of |w| that a region implies."""
    return region.radius if isinstance(region, BoundedWeights) else enclosing(region).radius  # type: ignore[arg-type]


def _steps(lines: Sequence[dict[str, Any]]) -> list[float]:
    return [line["step"] for line in lines]


def _line(
    axes: Axes, lines: Sequence[dict[str, Any]], name: str, kind: str, label: str, *, logarithmic: bool = False
) -> None:
    draw_line(axes, _steps(lines), [line.get(name) for line in lines], kind, label, logarithmic=logarithmic)
