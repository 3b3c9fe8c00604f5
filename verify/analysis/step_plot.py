"""The picture of the settings that one step admits: rays and lines proved for it, a-priori ranges inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.escaping import mathtext
from verify.files.writing import Outputs
from verify.outcomes import InputError
from verify.training.plot import picture, require_matplotlib

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

FORMATS = (".svg", ".pdf", ".png")
_SAMPLES = 200


@dataclass(frozen=True)
class Outline:
    """The border of a proved range from (0, 0) along the largest momentum back to tau = 0."""

    words: str
    eta: np.ndarray
    tau: np.ndarray


def check_plot(path: Path) -> None:
    """Refuse a picture that cannot be written.

    Raises
    ------
    InputError
        If matplotlib is missing or the format is unknown.
    """
    require_matplotlib()
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            "unknown picture format", where=str(path), suffix=path.suffix, remedy=f"use {', '.join(FORMATS)}"
        )


def a_priori_outlines(problem: Objective, w: np.ndarray, L: float | None, any_direction: float | None) -> list[Outline]:
    """Return the ranges that hold at w for every previous step.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w : array, shape (P,)
    L : float or None
        Hessian bound on the problem's region; it speaks of steps with (eta + tau)|g| up to the room around w.
    any_direction : float or None
        `AnyDirection.eta_max` at w.
    """
    outlines = []
    if any_direction:
        outlines.append(_sharp("any previous step (norms per vertex)", any_direction))
    room = problem.region.room(w) if problem.region is not None else 0.0
    if L and room > 0:
        reach = min(2.0 / L, room / float(problem.gradient_enclosure(w).norm().upper))
        outlines.append(_sharp("sharp, L on the region", reach))
        eta = np.linspace(0.0, reach, _SAMPLES)
        tau = (np.sqrt(1.0 + 4.0 * L * eta) - 1.0) / L - eta
        outlines.append(Outline("triangle, L on the region", eta, np.maximum(0.0, np.minimum(tau, reach - eta))))
    return outlines


def _sharp(words: str, reach: float) -> Outline:
    """Return the triangle tau <= min(eta, reach - eta)."""
    return Outline(words, np.array([0.0, 0.5 * reach, reach]), np.array([0.0, 0.5 * reach, 0.0]))


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

    figure = Figure(figsize=(11, 5), layout="constrained")
    whole, near = figure.subplots(1, 2)
    rays = [ray for ray in step["rays"] if ray["ratio"] is not None]
    for axes in (whole, near):
        for index, ray in enumerate(rays):
            label = "proved along the ray" if index == 0 else None
            axes.plot([0, ray["eta_max"]], [0, ray["tau_max"]], color="tab:green", label=label)
            axes.plot(ray["best_eta"], ray["best_tau"], "o", color="tab:green", markersize=4)
            if ray["rises_at"] is not None:
                rises = ray["rises_at"]
                label = "the error rises" if index == 0 else None
                axes.plot(rises, rises * ray["ratio"], "x", color="tab:red", label=label)
        for index, line in enumerate(line for line in step["lines"] if line["tau_max"] is not None):
            label = "proved for this eta" if index == 0 else None
            axes.plot([line["eta"]] * 2, [line["tau_min"], line["tau_max"]], ":", color="tab:green", label=label)
        for outline, colour in zip(outlines, ("tab:blue", "tab:orange", "tab:gray"), strict=False):
            axes.fill(outline.eta, outline.tau, color=colour, alpha=0.4, label=outline.words)
        axes.set_xlabel("eta")
        axes.set_ylabel("tau")
        axes.grid(alpha=0.3)
    whole.set_title(f"{mathtext(title)}: rays are proved, the space between them is not")
    near.set_title("ranges for every previous step")
    if outlines:
        reach = max(float(outline.eta.max()) for outline in outlines)
        near.set_xlim(0, 1.2 * reach)
        near.set_ylim(0, 0.8 * reach)
    whole.legend(loc="best", fontsize="small")
    outputs.write(path, picture(figure, path))
