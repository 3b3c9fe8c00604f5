"""The admissible ranges over the region: every theorem's settings, and the setting asked in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.escaping import mathtext
from verify.files.writing import Outputs
from verify.outcomes import InputError, Verdict
from verify.plotting.library import check_plot, picture, styled
from verify.plotting.series import draw_line, draw_scale, drawable
from verify.plotting.style import COLOURS, line_style
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from verify.analysis.range_row import RangeRow
    from verify.assumptions.small_momentum import Setting

_SAMPLES = 72
_KINDS = {
    "sharp": "s1",
    "triangle": "s2",
    "from_rest": "s3",
    "restart": "s4",
    "heavy_ball": "s1",
    "nesterov": "s3",
}
_MEANING = {"tau": "adaptive momentum tau: E falls", "mu": "momentum mu of SGD: an energy falls"}


@dataclass(frozen=True)
class DrawnRange:
    """What a line of the picture stands for.

    Parameters
    ----------
    kind : str
        See `verify.plotting.style`.
    name : str
        A theorem.
    words : str
        Of which steps it speaks.
    """

    kind: str
    name: str
    words: str


@certified_environment(products=False)
def plot_ranges(
    rows: Sequence[RangeRow], L: float | None, setting: Setting | None, title: str, path: Path, outputs: Outputs
) -> None:
    """Write the picture: theorems about tau on the left, those about mu on the right.

    Parameters
    ----------
    rows : sequence of RangeRow
        What `admissible_ranges` returned; of the theorems about many steps the proved settings are drawn.
    L : float or None
        The bound that they come from.
    setting : Setting or None
        DrawnRange on the side of its momentum.
    title : str
    path : Path
        A .svg, .pdf or .png file.
    outputs : Outputs
        To which the file was added.

    Raises
    ------
    InputError
        If there is no bound L, matplotlib is missing or the format is unknown.
    """
    check_plot(path)
    if L is None:
        raise InputError("no bound L, so there is no range to draw", plot=str(path), remedy="use a smaller region")
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(11, 6), layout="constrained")
        figure.suptitle(f"{mathtext(title)}: settings proved for L = {L:.4g}, inside the region")
        for axes, momentum in zip(figure.subplots(1, 2), ("tau", "mu"), strict=True):
            draw_ranges(axes, momentum, rows, max(L, LEAST_CURVATURE), setting)
            axes.set_title(f"{_MEANING[momentum]}\n{axes.get_title(loc='left')}")
            if axes.lines:
                axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12))
        outputs.write(path, picture(figure, path))


def draw_ranges(
    axes: Axes, momentum: str, rows: Sequence[RangeRow], L: float, setting: Setting | None
) -> tuple[DrawnRange, ...]:
    """Draw the ranges of the theorems about `momentum`, "tau" or "mu", and the setting if it has this kind.

    A row of a theorem about one step stands for its whole range under L, one about many steps for its proved settings.
    """
    shown = [each for each in RANGES.values() if each.momentum_name == momentum]
    shown = [each for each in shown if any(row.theorem == each.name for row in rows)]
    for each in shown:
        eta, size = zip(*each.border(L, _SAMPLES), strict=True)
        kind = _KINDS[each.name]
        axes.fill_between(drawable(eta), drawable(size), color=line_style(kind)["color"], alpha=0.1, linewidth=0)
        draw_line(axes, eta, size, kind, f"{each.name}: {each.meaning}")
    found = [DrawnRange(_KINDS[each.name], each.name, each.meaning) for each in shown]
    for row in rows:
        end = row.tau_max if momentum == "tau" else row.mu_max
        if row.theorem not in RANGES and row.verdict is Verdict.PROVED and row.eta and end is not None:
            many = DrawnRange("lasting", row.theorem, "many steps, proved to stay in the region")
            up, label = drawable([0, end]), f"{many.name}: {many.words}"
            axes.plot(drawable([row.eta] * 2), up, label=label, marker=".", **line_style("lasting"))
            found.append(many)
    asked = None if setting is None else getattr(setting, momentum)
    draw_scale(axes, "learning rate eta", f"momentum {momentum}")
    if setting is not None and asked is not None:
        eta, momentum_asked = drawable([setting.eta, asked]).tolist()
        _draw_setting(axes, eta, momentum_asked, f"asked: {mathtext(setting.words)}")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    return tuple(found)


def _draw_setting(axes: Axes, eta: float, momentum: float, label: str) -> None:
    """Draw the setting asked; nothing where it is too large for axes."""
    if not np.isfinite([eta, momentum]).all():
        return
    ink, card = COLOURS["ink"], COLOURS["card"]
    axes.plot(eta, momentum, "D", markersize=9, mec=ink, mfc=card, mew=2.4, label=label, zorder=5, clip_on=False)
    right = eta < 0.7 * axes.get_xlim()[1]
    axes.annotate(
        "the setting",
        (eta, momentum),
        xytext=(13 if right else -13, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="center",
        weight="bold",
    )
