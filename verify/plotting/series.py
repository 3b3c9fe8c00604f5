"""Lines of a chart, whose numbers may be missing or of any size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.plotting.style import COLOURS, MARKS, line_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SMALLEST, _LARGEST = 1e-180, 1e180
"""Between them an axis, its margin and the ticks that are tried beyond it are numbers of float64."""


def drawable(values: Sequence[float | None], *, logarithmic: bool = False) -> np.ndarray:
    """Return numbers that can be drawn, NaN for the others.

    Examples
    --------
    >>> drawable([1.0, None, float("inf"), 0.0, 1e-300])
    array([ 1., nan, nan,  0.,  0.])
    >>> drawable([1.0, 0.0, 1e-300], logarithmic=True)
    array([ 1., nan, nan])
    """
    found = np.array([np.nan if value is None else value for value in values], dtype=float)
    size = np.abs(found)
    found[~(size <= _LARGEST)] = np.nan
    tiny = size < _SMALLEST
    found[(found < _SMALLEST) if logarithmic else tiny] = np.nan if logarithmic else 0.0
    return found


def draw_line(
    axes: Axes, x: Sequence[float], y: Sequence[float | None], kind: str, label: str, *, logarithmic: bool = False
) -> None:
    """Draw a line, with marks where it has no neighbour to be joined to; nothing where no value can be drawn."""
    across, up = drawable(x), drawable(y, logarithmic=logarithmic)
    known = np.isfinite(across) & np.isfinite(up)
    if not known.any():
        return
    neighbours = np.concatenate([[False], known[:-1]]) | np.concatenate([known[1:], [False]])
    alone = np.flatnonzero(known & ~neighbours)
    marks: dict[str, Any] = {"marker": "o", "markersize": 5, "markevery": alone.tolist()} if alone.size else {}
    axes.plot(across, up, label=label, **line_style(kind), **marks)


def draw_marks(axes: Axes, x: Sequence[float], y: Sequence[float | None], kind: str, label: str) -> None:
    """Draw hollow points."""
    colour = COLOURS[MARKS[kind]]
    axes.plot(
        drawable(x),
        drawable(y),
        "o",
        markersize=6,
        label=label,
        color=colour,
        markerfacecolor=COLOURS["card"],
        gid=kind,
    )


def draw_scale(axes: Axes, x_label: str, y_label: str, *, logarithmic: bool = False, from_zero: bool = True) -> None:
    """Choose scale and ticks for what has been drawn; the label of the vertical axis stands above it."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

    steps = [1, 2, 2.5, 5, 10]
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=steps))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:.4g}"))
    axes.set_xlabel(x_label)
    if logarithmic and len(axes.lines):
        axes.set_yscale("log")
        narrow = axes.dataLim.y1 < 100 * axes.dataLim.y0
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,), numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.4g}"))
        axes.set_title(f"{y_label}, logarithmic")
        return
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=steps))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:.4g}"))
    if from_zero and axes.dataLim.y0 >= 0 and axes.dataLim.y1 > 0:
        axes.set_ylim(bottom=0)
    axes.set_title(y_label)
