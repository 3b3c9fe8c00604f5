"""Samples from the columns of a table, chosen by name; columns of words by the order of their classes."""

from __future__ import annotations

import abc
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.outcomes import InputError
from verify.spec.messages import nearest

if TYPE_CHECKING:
    from verify.spec.models import Data

MOST_CLASSES = 1000
"""Rows that are looked at for the remedy of a column of words."""
_SHOWN_CLASSES, _LONGEST_SHOWN = 20, 40
_ONE_SEPARATOR = "save it with commas between the columns, and points in decimal numbers"


class NamedTable(abc.ABC):
    """A file of samples, one a row, whose columns have names."""

    path: Path
    names: tuple[str, ...]

    @abc.abstractmethod
    def read(self, numbers: Sequence[str], classes: Mapping[str, Classes]) -> dict[str, np.ndarray]:
        """Return columns as float64 arrays: numbers, and for words the numbers of their classes.

        Raises
        ------
        InputError
            At the first cell that is no finite number, or no class of its column.
        """


@dataclass(frozen=True)
class Classes:
    """The values of a column, in the order that the user gave them.

    Parameters
    ----------
    values : tuple of str
        Each once.
    """

    values: tuple[str, ...]

    def number(self, cell: str) -> float:
        """Return which class a cell is."""
        try:
            return float(self.values.index(cell))
        except ValueError:
            raise InputError("no such category", value=cell, remedy=nearest(cell, self.values)) from None

    def indicators(self, numbers: np.ndarray) -> np.ndarray:
        """Return a column for each class, 1 where a sample has it, else 0.

        Examples
        --------
        >>> Classes(("red", "blue")).indicators(np.array([1.0, 0.0, 1.0])).tolist()
        [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
        """
        return (numbers[:, None] == np.arange(len(self.values))).astype(np.float64)


@dataclass(frozen=True)
class ChosenColumns:
    """Inputs and targets.

    Parameters
    ----------
    x : array, shape (n, d)
        A column of classes has become one for each class.
    y : array, shape (n,) or (n, k), or None
        One target column: numbers, or the numbers 0, 1, ... of classes; several: numbers.
    indicators : array of bool, shape (d,)
        Which columns of x stand for classes.
    """

    x: np.ndarray
    y: np.ndarray | None
    indicators: np.ndarray


def choose(table: NamedTable, data: Data) -> ChosenColumns:
    """Return the samples that a ``[data]`` table names.

    Raises
    ------
    InputError
        If a column is not there or its cells cannot be used.
    """
    targets = list(data.targets or ())
    inputs = [name for name in table.names if name not in targets] if data.inputs is None else data.inputs
    classes = {name: Classes(tuple(map(str, values))) for name, values in (data.categories or {}).items()}
    for key, names in (("inputs", inputs), ("targets", targets), ("categories", classes)):
        for name in names:
            if name not in table.names:
                remedy = _ONE_SEPARATOR if _is_joined(table.names) else nearest(name, table.names[:1000])
                raise InputError("no such column", where=str(table.path), **{key: name}, remedy=remedy)
    unused = [name for name in classes if name not in (*inputs, *targets)]
    if unused:
        remedy = "name it in inputs or targets, or remove it from categories"
        raise InputError("a category that is not used", where=str(table.path), categories=unused[0], remedy=remedy)
    if not inputs:
        remedy = "name fewer targets"
        raise InputError("no column is left for the inputs", where=str(table.path), targets=targets, remedy=remedy)
    used = list(dict.fromkeys([*inputs, *targets]))
    columns = table.read([name for name in used if name not in classes], {n: classes[n] for n in used if n in classes})
    parts = [
        classes[name].indicators(columns[name]) if name in classes else columns[name].reshape(-1, 1) for name in inputs
    ]
    kinds = [np.full(part.shape[1], name in classes) for name, part in zip(inputs, parts, strict=True)]
    y = np.column_stack([columns[name] for name in targets]) if targets else None
    if y is not None and len(targets) == 1:
        y = y[:, 0]
    return ChosenColumns(np.hstack(parts), y, np.concatenate(kinds))


def check_names(cells: Sequence[Any], path: Path) -> tuple[str, ...]:
    """Return the names of the columns.

    Raises
    ------
    InputError
        If there are none, one is empty, or two are alike.
    """
    if not cells:
        raise no_samples(path, 0)
    names = [str(cell).strip() for cell in cells]
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        if not name or name in seen:
            remedy = "name every column in the first line, each once"
            if len(names) == 1 or _is_joined(names):
                remedy += ", with commas between them"
            raise InputError(
                "the columns need names of their own", where=str(path), column=number, name=name, remedy=remedy
            )
        seen.add(name)
    return tuple(names)


def _is_joined(names: Sequence[str]) -> bool:
    """Whether the columns of a file seem to be separated by something else than commas."""
    return any(mark in name for name in names for mark in ";\t")


def no_samples(path: Path, lines: int) -> InputError:
    """Return the error of a table without samples."""
    remedy = "write the names of the columns in the first line, below it a line for each sample"
    return InputError(
        "a table needs a line of names and at least one sample", where=str(path), lines=lines, remedy=remedy
    )


def classes_remedy(name: str, words: Sequence[str]) -> str:
    """Return the remedy for a column of words: the line of a spec file that gives their order."""
    if len(words) > _SHOWN_CLASSES or max(map(len, words), default=0) > _LONGEST_SHOWN:
        return "replace it by a number, or leave the column out of inputs"
    listed = ", ".join(map(quoted, words))
    return f"replace it by a number, or state the order: categories = {{{quoted(name)} = [{listed}]}}"


def quoted(word: str) -> str:
    """Return a word as a spec file has it."""
    return json.dumps(word, ensure_ascii=False)
