"""Matplotlib: whether it is there, with our settings, and figures as files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from verify.files.kinds import PICTURE_MARK
from verify.outcomes import InputError
from verify.plotting.style import SETTINGS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".svg", ".pdf", ".png")


def require_matplotlib() -> None:
    """Raise an error that names the extra when matplotlib is not installed.

    Raises
    ------
    InputError
    """
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("plots need matplotlib", remedy="pip install 'dagverify[plot]'", missing="matplotlib")


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


@contextmanager
def styled() -> Iterator[None]:
    """Draw, and write, in our style; names in letters that matplotlib's font has not are no reason to complain."""
    import matplotlib.style

    with matplotlib.style.context(["default", SETTINGS]), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def picture(figure: Figure, path: Path) -> bytes:
    """Return a figure in the format of a file's suffix, with a mark by which it is recognised as ours."""
    stream, suffix = io.BytesIO(), path.suffix.lower()
    key = "Software" if suffix == ".png" else "Creator"
    figure.savefig(stream, format=suffix.removeprefix("."), dpi=120, metadata={key: PICTURE_MARK})
    return stream.getvalue()
