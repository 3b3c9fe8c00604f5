"""The picture of the settings that one step admits: rays and lines proved for it, a-priori ranges inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.escaping import mathtext
from verify.files.writing import Outputs
from verify.plotting.library import check_plot, picture, styled
from verify.plotting.style import COLOURS

if TYPE_CHECKING:
    from verify.analysis.step_outlines import Outline


def plot_step(step: Mapping[str, Any], outlines: Sequence[Outline], title: str, path: Path, outputs: Outputs) -> None:
    """Write the picture: everything on the left, the a-priori ranges enlarged on the right.

    Parameters
    ----------
    step : mapping
        `StepRanges.to_json`.
    outlines : sequence of Outline
    title : str
    path : Path
        A .svg, .pdf or .png file.
    outputs : Outputs
        To which the file was added.
    """
    check_plot(path)
    from matplotlib.figure import Figure

    proved = COLOURS["s3"]
    with styled():
        figure = Figure(figsize=(11, 5), layout="constrained")
        whole, near = figure.subplots(1, 2)
        rays = [ray for ray in step["rays"] if ray["ratio"] is not None]
        for axes in (whole, near):
            for index, ray in enumerate(rays):
                label = "proved along the ray" if index == 0 else None
                axes.plot([0, ray["eta_max"]], [0, ray["tau_max"]], color=proved, label=label)
                axes.plot(ray["best_eta"], ray["best_tau"], "o", color=proved, markersize=4)
                if ray["rises_at"] is not None:
                    rises = ray["rises_at"]
                    label = "the error rises" if index == 0 else None
                    axes.plot(rises, rises * ray["ratio"], "x", color=COLOURS["refuted"], label=label)
            for index, line in enumerate(line for line in step["lines"] if line["tau_max"] is not None):
                label = "proved for this eta" if index == 0 else None
                axes.plot([line["eta"]] * 2, [line["tau_min"], line["tau_max"]], ":", color=proved, label=label)
            for outline, colour in zip(outlines, (COLOURS["s1"], COLOURS["s2"]), strict=False):
                axes.fill(outline.eta, outline.tau, color=colour, alpha=0.4, label=outline.words)
            axes.set_xlabel("eta")
            axes.set_ylabel("tau")
        whole.set_title(f"{mathtext(title)}: rays are proved, the space between them is not")
        near.set_title("ranges for every previous step")
        if outlines:
            reach = max(float(outline.eta.max()) for outline in outlines)
            near.set_xlim(0, 1.2 * reach)
            near.set_ylim(0, 0.8 * reach)
        whole.legend(loc="best")
        outputs.write(path, picture(figure, path))
