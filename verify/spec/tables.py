"""A table of samples for a new spec file: from comma-separated values by the names of columns, or from an archive."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from verify.files.arrays import read_npz
from verify.files.kinds import CSV
from verify.files.reading import read_text
from verify.outcomes import InputError
from verify.spec.messages import nearest


@dataclass(frozen=True)
class NamedSamples:
    """Samples with the names of their columns.

    Parameters
    ----------
    x : array, shape (n, d)
    y : array, shape (n,) or (n, k)
        Numbers of the targets, or the classes 0, 1, ...
    inputs, targets : tuple of str
        Names of the columns; empty where the source has none.
    classes : tuple of str
        Names of the classes, in the order of their numbers; empty where the targets are numbers.
    """

    x: np.ndarray
    y: np.ndarray
    inputs: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def read_samples_file(path: Path, targets: Sequence[str]) -> NamedSamples:
    """Return the samples of an .npz or a .csv file.

    Parameters
    ----------
    path : Path
        An archive with arrays x and y, or a table whose first line names the columns.
    targets : sequence of str
        The columns of a table that are the targets; default: the last one.

    Raises
    ------
    InputError
        If it is neither, or its numbers cannot be used.
    """
    if path.suffix.lower() == ".npz":
        if targets:
            raise InputError(
                "an archive has no columns to name", where=str(path), target=targets[0], remedy="leave it out"
            )
        arrays = read_npz(path, ("x", "y"))
        x, y = np.asarray(arrays["x"]), np.asarray(arrays["y"])
        if x.ndim != 2 or y.ndim not in (1, 2) or len(x) != len(y) or x.size == 0 or y.size == 0:
            raise InputError(
                "x and y must be tables of as many samples",
                where=str(path),
                x=x.shape,
                y=y.shape,
                remedy="give one row each",
            )
        return NamedSamples(x, y, classes=_classes_of(y))
    return _from_csv(path, targets)


def _classes_of(y: np.ndarray) -> tuple[str, ...]:
    """Return the names of the classes if y holds the whole numbers from 0 on, at least three of them, each used."""
    if y.ndim != 1 or y.dtype.kind not in "iu":
        return ()
    found = np.unique(y)
    is_classes = len(found) > 2 and np.array_equal(found, np.arange(len(found)))
    return tuple(map(str, found.tolist())) if is_classes else ()


def _from_csv(path: Path, targets: Sequence[str]) -> NamedSamples:
    try:
        rows = [row for row in csv.reader(io.StringIO(read_text(path, CSV), newline="")) if row]
    except csv.Error as error:
        remedy = "save it as plain comma-separated values"
        raise InputError("the table cannot be read", where=str(path), reason=str(error), remedy=remedy) from None
    if len(rows) < 2:
        raise InputError(
            "a table needs a line of names and at least one sample",
            where=str(path),
            lines=len(rows),
            remedy="write the names of the columns in the first line, below it a line for each sample",
        )
    names, samples = [name.strip() for name in rows[0]], rows[1:]
    if len(set(names)) != len(names) or "" in names or len(names) < 2:
        remedy = "name every column in the first line, each once, at least two"
        raise InputError("the columns need names of their own", where=str(path), columns=names[:10], remedy=remedy)
    for number, row in enumerate(samples, 2):
        if len(row) != len(names):
            where = f"{path}:{number}"
            remedy = "give every line a cell for each column"
            raise InputError("a line of another length", where=where, cells=len(row), columns=len(names), remedy=remedy)
    chosen = list(targets) or names[-1:]
    for name in chosen:
        if name not in names:
            raise InputError("no such column", where=str(path), target=name, remedy=nearest(name, names))
    others = [name for name in names if name not in chosen]
    if not others:
        raise InputError(
            "no column is left for the inputs", where=str(path), targets=chosen, remedy="name fewer targets"
        )
    columns = {name: [row[index].strip() for row in samples] for index, name in enumerate(names)}
    x = np.column_stack([_numbers(columns[name], name, path) for name in others])
    if len(chosen) == 1 and not all(map(_is_number, columns[chosen[0]])):
        classes = sorted(set(columns[chosen[0]]))
        y = np.array([classes.index(cell) for cell in columns[chosen[0]]], dtype=np.float64)
        return NamedSamples(x, y, tuple(others), tuple(chosen), tuple(classes))
    y = np.column_stack([_numbers(columns[name], name, path) for name in chosen])
    return NamedSamples(x, y, tuple(others), tuple(chosen))


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _numbers(cells: list[str], name: str, path: Path) -> np.ndarray:
    for number, cell in enumerate(cells, 2):
        if not _is_number(cell):
            remedy = "replace it by a number, or remove the column"
            raise InputError("not a number", where=f"{path}:{number}", column=name, value=cell, remedy=remedy)
    return np.array([float(cell) for cell in cells])
