"""A Parquet file; needs the extra ``dagverify[tables]``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import numpy as np

from verify.arithmetic.floats import float64_array
from verify.files.arrays import MAX_ARRAY_BYTES
from verify.files.kinds import PARQUET
from verify.files.reading import open_input
from verify.outcomes import InputError
from verify.spec.columns import MOST_CLASSES, Classes, NamedTable, check_names, classes_remedy

_REMEDY = "write it again (pyarrow.parquet.write_table)"


@final
class ParquetTable(NamedTable):
    """A file whose schema names the columns: numbers, truth values, words.

    Decimals are rounded to the nearest float64; integers that no float64 equals are refused.

    Parameters
    ----------
    path : Path

    Raises
    ------
    InputError
        If pyarrow is missing, the file cannot be read, is too large, or two columns have one name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._opened() as file:
            check_names(file.schema_arrow.names, path)
            self.names = tuple(file.schema_arrow.names)

    def read(self, numbers: Sequence[str], classes: Mapping[str, Classes]) -> dict[str, np.ndarray]:
        names = [*numbers, *classes]
        with self._opened(list(classes)) as file:
            self._check_size(file, names)
            for name in numbers:
                if not _is_numeric(file.schema_arrow.field(name).type):
                    raise self._words(file, name)
            table = file.read(columns=names, use_threads=False)
            found = {name: self._numbers(table[name], name) for name in numbers}
            return found | {name: self._classes(table[name], name, kind) for name, kind in classes.items()}

    def _check_size(self, file: Any, names: Sequence[str]) -> None:
        """Refuse a table of more numbers, or of longer pages, than arrays in memory may be."""
        rows, groups = file.metadata.num_rows, range(file.metadata.num_row_groups)
        if not rows:
            raise InputError("a table needs at least one sample", where=str(self.path), rows=0, remedy="give rows")
        stored = sum(file.metadata.row_group(group).total_byte_size for group in groups)
        largest = max(stored, rows * len(names) * np.dtype(float).itemsize)
        if largest > MAX_ARRAY_BYTES:
            remedy = "give fewer rows, or store the numbers in an npy folder"
            raise InputError("the table is too large", where=str(self.path), rows=rows, bytes=largest, remedy=remedy)

    def _words(self, file: Any, name: str) -> InputError:
        first = next(file.iter_batches(batch_size=MOST_CLASSES, columns=[name])).column(0)
        words = sorted({_word(value) for value in first.to_pylist() if value is not None})
        return self._no_number(0, name, first[0].as_py(), classes_remedy(name, words))

    def _classes(self, column: Any, name: str, classes: Classes) -> np.ndarray:
        """Return numbers of classes; words are looked up once each, however many rows hold them."""
        encoded = column.combine_chunks()
        encoded = encoded if hasattr(encoded, "dictionary") else encoded.dictionary_encode()
        words = [_word(value) for value in encoded.dictionary.to_pylist()]
        places = encoded.indices.fill_null(len(words)).to_numpy(zero_copy_only=False).astype(np.int64)
        numbers = np.full(len(words) + 1, np.nan)
        for place in np.unique(places).tolist():
            cell = [*words, ""][place]
            try:
                numbers[place] = classes.number(cell)
            except InputError as error:
                where = self._place(int(np.argmax(places == place)))
                raise InputError(error.what, where=where, column=name, remedy=error.remedy, **error.values) from None
        return numbers[places]

    def _numbers(self, column: Any, name: str) -> np.ndarray:
        import pyarrow

        empty = np.flatnonzero(column.is_null().to_numpy())
        if empty.size:
            raise self._no_number(int(empty[0]), name, None, "fill the gaps, or leave the rows out")
        if pyarrow.types.is_decimal(column.type):
            values: Any = np.array([float(value) for value in column.to_pylist()])
        else:
            values = float64_array(column.to_numpy(), f"{self.path}: column {name!r}")
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise self._no_number(int(bad[0]), name, float(values[bad[0]]), "replace it, or leave the row out")
        return np.asarray(values, dtype=np.float64)

    def _no_number(self, row: int, name: str, value: Any, remedy: str) -> InputError:
        return InputError("not a number", where=self._place(row), column=name, value=value, remedy=remedy)

    def _place(self, row: int) -> str:
        return f"{self.path}: row {row + 1}"

    @contextmanager
    def _opened(self, words: Sequence[str] = ()) -> Iterator[Any]:
        try:
            import pyarrow
            import pyarrow.parquet
        except ModuleNotFoundError:
            source, remedy = f"parquet:{self.path.name}", "pip install 'dagverify[tables]'"
            raise InputError("it needs pyarrow", where=str(self.path), source=source, remedy=remedy) from None
        with open_input(self.path, PARQUET) as stream:
            try:
                yield pyarrow.parquet.ParquetFile(stream, read_dictionary=list(words))
            except (pyarrow.ArrowException, OSError, ValueError, LookupError) as error:
                if isinstance(error, InputError):
                    raise
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise InputError(
                    "the table cannot be read", where=str(self.path), reason=reason, remedy=_REMEDY
                ) from None


def _is_numeric(kind: Any) -> bool:
    from pyarrow import types

    return any(is_kind(kind) for is_kind in (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal))


def _word(value: Any) -> str:
    """Return a cell as the word that names its class."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
