"""Plots of the segment benchmark: tightness row by row, and growth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import rcParams
from matplotlib.figure import Figure

rcParams["svg.fonttype"] = "none"
rcParams["svg.hashsalt"] = "segment"


def plot_tightness(path: Path, labels: list[str], columns: dict[str, list[float]]) -> None:
    """Ratios to the best possible c2, one line of dots a column, on a logarithmic axis."""
    figure = Figure(figsize=(8, 0.27 * len(labels) + 1.2), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(labels))[::-1]
    for (name, ratios), marker in zip(columns.items(), "osd^", strict=False):
        axes.plot(ratios, places, marker, label=name, markersize=4)
    axes.axvline(1.25, color="grey", linewidth=0.8, linestyle="--")
    axes.set_xscale("log")
    axes.set_yticks(places, labels, fontsize=6)
    axes.set_xlabel("c2 of the bound over the best possible (dashed: 1.25)")
    axes.legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None})


def plot_growth(path: Path, sweeps: dict[str, dict[str, list[float]]]) -> None:
    """Seconds against size for every sweep, on logarithmic axes."""
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, (name, row) in zip(figure.subplots(1, len(sweeps)), sweeps.items(), strict=True):
        for key, marker in (("gradient", "s"), ("bound", "o"), ("autobound", "d")):
            if np.any(np.isfinite(row[key])):
                axes.plot(row["size"], row[key], f"-{marker}", label=key, markersize=4)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlabel(name)
    figure.axes[0].set_ylabel("seconds")
    figure.axes[0].legend(fontsize=7)
    figure.savefig(path, metadata={"Date": None})
