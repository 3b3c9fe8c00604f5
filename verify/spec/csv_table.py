"""A table of comma-separated values, read row by row: only the columns that are asked for are kept, as float64."""

from __future__ import annotations

import csv
import io
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import numpy as np

from verify.files.kinds import CSV
from verify.files.reading import open_input, read_text
from verify.outcomes import InputError
from verify.spec.columns import MOST_CLASSES, Classes, NamedTable, check_names, classes_remedy, no_samples

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_NUMBERS_ONLY = "replace it by a number"
_PLAIN = "save it as plain comma-separated values"
Converter = Callable[[str], Any]


@final
class CsvTable(NamedTable):
    """A file whose first line names the columns; UTF-8, with or without a byte order mark.

    A number is what decimal notation says, rounded to the nearest float64; quotes follow RFC 4180; empty lines are
    skipped.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        If the file cannot be read, or its first line does not name every column once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._rows() as rows:
            first = next(rows, None)
        self.names = check_names([] if first is None else first[1], path)

    def read(self, numbers: Sequence[str], classes: Mapping[str, Classes]) -> dict[str, np.ndarray]:
        found = self._columns(
            dict.fromkeys(numbers, number) | {name: kind.number for name, kind in classes.items()},
            {name: array("d") for name in (*numbers, *classes)},
        )
        return {name: np.frombuffer(column) for name, column in found.items()}

    def texts(self, name: str, most: int | None = None) -> list[str]:
        """Return the cells of a column as they stand, without the spaces around them; at most so many of them."""
        return list(self._columns({name: str}, {name: []}, most)[name])

    def _columns(
        self, convert: Mapping[str, Converter], kept: dict[str, Any], most: int | None = None
    ) -> dict[str, Any]:
        chosen = [(self.names.index(name), name, convert[name], kept[name]) for name in convert]
        with self._rows() as rows:
            next(rows, None)
            count = 0
            for line, row in rows:
                if len(row) != len(self.names):
                    where = f"{self.path}:{line}"
                    remedy = "give every line a cell for each column"
                    raise InputError(
                        "a line of another length", where=where, cells=len(row), columns=len(self.names), remedy=remedy
                    )
                for position, name, converter, column in chosen:
                    try:
                        column.append(converter(row[position].strip()))
                    except InputError as error:
                        raise self._described(error, line, name) from None
                count += 1
                if count == most:
                    break
        if not count:
            raise no_samples(self.path, 1)
        return kept

    def _described(self, error: InputError, line: int, name: str) -> InputError:
        if error.what != NO_NUMBER:
            return InputError(error.what, where=f"{self.path}:{line}", remedy=error.remedy, column=name, **error.values)
        words = sorted({cell for cell in self.texts(name, MOST_CLASSES) if cell})
        is_of_words = error.values["value"] in words and not any(map(is_number, words))
        remedy = classes_remedy(name, words) if is_of_words else _NUMBERS_ONLY
        return InputError(error.what, where=f"{self.path}:{line}", remedy=remedy, column=name, **error.values)

    @contextmanager
    def _rows(self) -> Iterator[Iterator[tuple[int, list[str]]]]:
        """Open the file and give its records with the line on which each ends; empty lines are skipped."""
        with open_input(self.path, CSV) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
            yield self._records(csv.reader(text, strict=True))

    def _records(self, reader: Any) -> Iterator[tuple[int, list[str]]]:
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except csv.Error as error:
            where = f"{self.path}:{reader.line_num}"
            raise InputError("the table cannot be read", where=where, reason=str(error), remedy=_PLAIN) from None
        except UnicodeDecodeError as error:
            read_text(self.path, CSV)
            raise InputError("not UTF-8 text", where=str(self.path), reason=str(error), remedy=_PLAIN) from None


NO_NUMBER = "not a number"


def is_number(cell: str) -> bool:
    """Whether a cell is a number in decimal notation that a float64 can be near to.

    Examples
    --------
    >>> [is_number(cell) for cell in ("-1.5e3", ".5", "1_000", "nan", "1e999", "1,5", "")]
    [True, True, False, False, False, False, False]
    """
    return bool(_NUMBER.fullmatch(cell)) and bool(np.isfinite(float(cell)))


def number(cell: str) -> float:
    """Return the float64 nearest to a number in decimal notation."""
    if is_number(cell):
        return float(cell)
    raise InputError(NO_NUMBER, value=cell, remedy=_NUMBERS_ONLY)
