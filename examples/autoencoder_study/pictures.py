"""Pictures of the study, made of the file of records alone: reconstructions, and errors during training."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

mpl.use("Agg")
import matplotlib.pyplot as plt

from examples.autoencoder_study import training
from examples.autoencoder_study.networks import KINDS, SEQUENTIAL, SKIPS

Record = dict[str, Any]
_LINES = {SKIPS: "-", SEQUENTIAL: ":"}
_COLOURS = {training.CERTIFIED: "#0072b2", training.HEAVY_BALL: "#d55e00", training.ADAM: "#8a5a83"}
_GAP = 2
_WIDTH = 400


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Write the pictures; return their files."""
    written = []
    for setting in dict.fromkeys(record["setting"] for record in records if "pictures" in record):
        shown = [record for record in records if record["setting"] == setting and "pictures" in record]
        path = folder / f"{setting.replace(', ', '-').replace(' ', '-')}.png"
        plt.imsave(path, _rows(shown), cmap="gray", vmin=0, vmax=255, metadata={"Software": None})
        written.append(path)
    return [*written, _curves(records, folder / "training.svg")]


def _rows(shown: Sequence[Record]) -> np.ndarray:
    """Return one picture: the originals, PCA, then the networks in their order, certified training, first seed."""
    by_kind = {record["kind"]: record["pictures"] for record in shown}
    first = next(iter(by_kind.values()))
    texts = [first["original"], first["PCA"], *(by_kind[kind]["network"] for kind in KINDS if kind in by_kind)]
    rows = [_row(_images(text, first["shape"])) for text in texts]
    whole = np.vstack(rows)
    enlarged = -(-_WIDTH // whole.shape[1])
    return np.kron(whole, np.ones((enlarged, enlarged), dtype=np.uint8))


def _images(text: str, shape: Sequence[int]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=np.uint8).reshape(shape)


def _row(images: np.ndarray) -> np.ndarray:
    framed = np.pad(images, ((0, 0), (_GAP, 0), (_GAP, 0)), constant_values=255)
    return np.hstack(list(framed))


def _curves(records: Sequence[Record], path: Path) -> Path:
    """Draw the medians over the seeds of the training error, one panel for each setting, at the code that is drawn."""
    chosen = {record["setting"]: record["code"] for record in records if "pictures" in record}
    with mpl.rc_context({"svg.hashsalt": "autoencoder_study", "font.size": 8}):
        figure, panels = plt.subplots(1, len(chosen), figsize=(3.1 * len(chosen), 3.0), squeeze=False)
        for panel, (setting, code) in zip(panels[0], chosen.items(), strict=True):
            here = [record for record in records if (record["setting"], record["code"]) == (setting, code)]
            for kind, line in _LINES.items():
                for rule, colour in _COLOURS.items():
                    curves = [record["runs"][rule]["curve"] for record in here if record["kind"] == kind]
                    steps = [step for step in curves[0] if all(step in curve for curve in curves)] if curves else []
                    medians = [np.median([curve[step] for curve in curves]) for step in steps]
                    panel.plot([int(step) for step in steps], medians, line, color=colour, label=f"{rule}, {kind}")
            reference = np.median([record["pca"]["train_error"] for record in here])
            panel.axhline(reference, color="grey", linewidth=0.8)
            panel.annotate("PCA", (1, reference), color="grey", va="bottom")
            panel.set(title=f"{setting}, code {code}", xlabel="steps", xscale="symlog", yscale="log")
        panels[0][0].set_ylabel("E on the training data")
        panels[0][0].legend(fontsize=6)
        figure.tight_layout()
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)
    return path
