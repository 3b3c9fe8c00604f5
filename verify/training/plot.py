"""Pictures of a run: error, step sizes, size of the weights against the bound of assumption A2."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verify.files.kinds import PICTURE, PICTURE_MARK
from verify.files.writing import write_file
from verify.outcomes import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from verify.bounds.regions import Region


def require_matplotlib() -> None:
    """Raise an error that names the extra when matplotlib is not installed.

    Raises
    ------
    InputError
    """
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("plots need matplotlib", remedy="pip install 'dagverify[plot]'", missing="matplotlib")


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

    figure = Figure(figsize=(8, 9), layout="constrained")
    error, sizes, weights = figure.subplots(3, 1, sharex=True)
    steps = [line["step"] for line in lines]
    error.semilogy(steps, [line["error"] for line in lines], label="E before the step")
    error.semilogy(steps, [line["error_upper"] for line in lines], "--", label="proved upper bound after it")
    if refuted := [line for line in lines if line["verdict"] == "REFUTED"]:
        error.plot([line["step"] for line in refuted], [line["error"] for line in refuted], "rx", label="increases")
    sizes.semilogy(steps, [line["eta"] for line in lines], label="eta")
    sizes.semilogy(steps, [line["tau"] or None for line in lines], ".", label="tau, where not 0")
    if any(line["eta_until"] for line in lines):
        ends = [line["eta_until"] or None for line in lines]
        sizes.semilogy(steps, ends, ":", label="end of the proved range of eta, for this tau/eta")
    weights.plot(steps, [line["weight_norm"] for line in lines], label="|w|")
    weights.plot(steps, [line["distance"] for line in lines], label="|w - w0|")
    if region is not None and (bound := weight_bound(region)) is not None:
        weights.axhline(bound, color="k", linestyle=":", label="bound of |w| (A2)")
    for axes in (error, sizes, weights):
        axes.legend(loc="best", fontsize="small")
        axes.grid(alpha=0.3)
    weights.set_xlabel("step")
    write_file(path, picture(figure, path), PICTURE, force=force)


def picture(figure: Figure, path: Path) -> bytes:
    """Return a figure in the format of a file's suffix, with a mark by which it is recognised as ours."""
    stream, suffix = io.BytesIO(), path.suffix.lower()
    key = "Software" if suffix == ".png" else "Creator"
    figure.savefig(stream, format=suffix.removeprefix("."), dpi=120, metadata={key: PICTURE_MARK})
    return stream.getvalue()


def weight_bound(region: Region) -> float | None:
    """Return the bound of |w| that a region implies."""
    from verify.bounds.regions import BoundedWeights, enclosing

    return region.radius if isinstance(region, BoundedWeights) else enclosing(region).radius  # type: ignore[arg-type]
