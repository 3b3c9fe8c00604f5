"""The samples that a spec file names: inline, from NumPy files, or from scikit-learn's bundled sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from verify.files.arrays import map_npy, read_npz
from verify.files.stored_table import StoredTable
from verify.outcomes import InputError
from verify.spec.columns import NamedTable, choose
from verify.spec.csv_table import CsvTable
from verify.spec.messages import nearest
from verify.spec.models import Data
from verify.spec.parquet_table import ParquetTable

TABLES: dict[str, Callable[[Path], NamedTable]] = {"csv": CsvTable, "parquet": ParquetTable}
"""Files with named columns, by what stands before the colon of a source."""
BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")


@dataclass(frozen=True)
class RawSamples:
    """Raw samples.

    Parameters
    ----------
    x : array or StoredTable, shape (n, d)
        Inputs.
    y : array or StoredTable, shape (n,) or (n, k), or None
        Labels or target rows; None where the target is the input.
    unscaled : array of bool, shape (d,), optional
        Columns of x that keep their values under any scale: those that stand for classes.
    """

    x: np.ndarray | StoredTable
    y: np.ndarray | StoredTable | None
    unscaled: np.ndarray | None = None


def read_samples(data: Data, folder: Path) -> RawSamples:
    """Return the raw samples of a ``[data]`` table.

    Parameters
    ----------
    data : Data
        The table.
    folder : Path
        What relative paths start from.

    Raises
    ------
    InputError
        If the samples cannot be read, are empty, or x and y disagree in number.
    """
    needs_targets = data.target == "label"
    samples = _inline(data) if data.source is None else _from_source(data, data.source, folder, needs_targets)
    if samples.x.ndim != 2 or samples.x.size == 0:
        raise InputError(
            "inputs must be a table with at least one row and column",
            where="x",
            shape=samples.x.shape,
            remedy="give x of shape (samples, input width)",
        )
    if not needs_targets:
        return RawSamples(samples.x, None, samples.unscaled)
    if samples.y is not None and samples.y.ndim == 0:
        raise InputError(
            "targets must have one row per sample", where="y", shape=(), remedy="give y of shape (samples,)"
        )
    if samples.y is not None and len(samples.y) != len(samples.x):
        raise InputError(
            "x and y have different numbers of samples",
            x=len(samples.x),
            y=len(samples.y),
            remedy="give one row of y for each row of x",
        )
    return samples


def characters(text: str, window: int) -> RawSamples:
    """Return pieces of a text as whole numbers, and as targets the pieces one character further.

    A character's number is its place in the sorted alphabet of the text.

    Examples
    --------
    >>> samples = characters("banana", 2)
    >>> samples.x.tolist(), samples.y.tolist()
    ([[1.0, 0.0], [2.0, 0.0]], [[0.0, 2.0], [0.0, 2.0]])
    """
    count = (len(text) - 1) // window
    if count < 1:
        raise InputError(
            "the text is too short",
            where="text",
            length=len(text),
            window=window,
            remedy="give a longer text, or a smaller window",
        )
    place = {character: index for index, character in enumerate(sorted(set(text)))}
    numbers = np.array([place[character] for character in text], dtype=np.float64)
    used = count * window
    return RawSamples(numbers[:used].reshape(count, window), numbers[1 : used + 1].reshape(count, window))


def _inline(data: Data) -> RawSamples:
    if data.text is not None and data.window is not None:
        return characters(data.text, data.window)
    return RawSamples(_table(data.x, "x"), None if data.y is None else _table(data.y, "y"))


def _table(rows: list[list[float]] | list[float] | None, name: str) -> np.ndarray:
    rows = rows or []
    widths = {len(row) if isinstance(row, list) else 0 for row in rows}
    if len(widths) > 1:
        first = len(rows[0]) if isinstance(rows[0], list) else 0
        row = next(i for i, row in enumerate(rows) if (len(row) if isinstance(row, list) else 0) != first)
        raise InputError(
            "rows of different lengths",
            where=f"{name}[{row}]",
            lengths=sorted(widths),
            remedy="make all rows alike",
        )
    return np.array(rows, dtype=np.float64)


def _from_source(data: Data, source: str, folder: Path, needs_targets: bool) -> RawSamples:
    kind, _, name = source.partition(":")
    if kind in TABLES:
        chosen = choose(TABLES[kind](folder / name), data)
        return RawSamples(chosen.x, chosen.y, chosen.indicators)
    optional = () if needs_targets else ("y",)
    if kind == "npz":
        arrays = read_npz(folder / name, ("x", "y"), optional)
        return RawSamples(arrays["x"], arrays.get("y"))
    if kind == "npy":
        return RawSamples(map_npy(folder / name / "x.npy"), map_npy(folder / name / "y.npy") if needs_targets else None)
    return _bundled(name)


def _bundled(name: str) -> RawSamples:
    if name not in BUNDLED:
        raise InputError("unknown data set", where="source", name=name, remedy=nearest(name, BUNDLED))
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return RawSamples(np.ascontiguousarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
