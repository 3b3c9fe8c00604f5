"""A table of samples for a new spec file: from comma-separated values by the names of columns, or from an archive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from verify.files.arrays import read_npz
from verify.outcomes import InputError
from verify.spec.columns import Classes
from verify.spec.csv_table import NO_NUMBER, CsvTable, is_number
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
    table = CsvTable(path)
    if len(table.names) < 2:
        remedy = "name every column in the first line, with commas between them, at least two"
        raise InputError("the columns need names of their own", where=str(path), columns=table.names, remedy=remedy)
    chosen = list(targets) or [table.names[-1]]
    for name in chosen:
        if name not in table.names:
            raise InputError("no such column", where=str(path), target=name, remedy=nearest(name, table.names))
    inputs = [name for name in table.names if name not in chosen]
    if not inputs:
        remedy = "name fewer targets"
        raise InputError("no column is left for the inputs", where=str(path), targets=chosen, remedy=remedy)
    words = table.texts(chosen[0]) if len(chosen) == 1 else []
    classes = () if all(map(is_number, words)) else tuple(sorted(set(words)))
    labels = {chosen[0]: Classes(classes)} if classes else {}
    try:
        columns = table.read([name for name in table.names if name not in labels], labels)
    except InputError as error:
        if error.what != NO_NUMBER:
            raise
        remedy = f'replace it by a number, or write a spec with source = "csv:{path.name}" and categories'
        raise error.advised(remedy) from None
    x = np.column_stack([columns[name] for name in inputs])
    y = columns[chosen[0]] if classes else np.column_stack([columns[name] for name in chosen])
    return NamedSamples(x, y, tuple(inputs), tuple(chosen), classes)
