"""The picture of the admissible ranges over the region: every theorem's settings, and the setting asked in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from verify.analysis.step_plot import check_plot
from verify.arithmetic.environment import certified_environment
from verify.escaping import mathtext
from verify.files.writing import Outputs
from verify.outcomes import InputError, Verdict
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.ranges import RANGES
from verify.training.plot import picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from verify.analysis.range_row import RangeRow
    from verify.assumptions.small_momentum import Setting

_SAMPLES = 200
_COLOURS = {
    "triangle": "tab:blue",
    "sharp": "tab:green",
    "from_rest": "tab:orange",
    "restart": "tab:purple",
    "heavy_ball": "tab:green",
    "nesterov": "tab:orange",
}
_MEANING = {"tau": "adaptive momentum tau: E falls", "mu": "momentum mu of SGD: an energy falls"}


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
        Drawn on the side of its momentum.
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

    figure = Figure(figsize=(11, 6), layout="constrained")
    figure.suptitle(f"{mathtext(title)}: settings proved for L = {L:.4g}, inside the region")
    for axes, momentum in zip(figure.subplots(1, 2), ("tau", "mu"), strict=True):
        _draw(axes, momentum, rows, max(L, LEAST_CURVATURE), setting)
    outputs.write(path, picture(figure, path))


def _draw(axes: Axes, momentum: str, rows: Sequence[RangeRow], L: float, setting: Setting | None) -> None:
    for name, admissible in RANGES.items():
        if admissible.momentum_name == momentum:
            eta, size = np.array(admissible.border(L, _SAMPLES)).T
            axes.plot(eta, size, color=_COLOURS[name], label=f"{name}: {admissible.meaning}")
            axes.fill_between(eta, size, color=_COLOURS[name], alpha=0.15)
    for row in rows:
        end = row.tau_max if momentum == "tau" else row.mu_max
        if row.theorem not in RANGES and row.verdict is Verdict.PROVED and row.eta and end is not None:
            axes.plot([row.eta] * 2, [0, end], "k.-", label=f"{row.theorem}: many steps stay in the region")
    asked = None if setting is None else getattr(setting, momentum)
    if setting is not None and asked is not None:
        axes.plot(setting.eta, asked, "D", color="black", label=f"asked: {mathtext(setting.words)}", zorder=5)
    axes.set_title(_MEANING[momentum])
    axes.set_xlabel("learning rate eta")
    axes.set_ylabel(momentum)
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.12), fontsize="x-small")
