"""A table of numbers that stays in its file, read so that no proof is about other numbers than were there at first.

A memory map is no fixed data: whoever writes to the file changes it under a proof, and whoever cuts the file ends the
process. Here a block of rows is read into memory of its own, and must have the fingerprint that it had when it was read
first; data that changed are an error that names the file. The fingerprint is taken each time that a block is read, thus
in every pass over the data: one that was taken at the ends of a step only would miss a change that is undone.

A table of at most `PRIVATE_BYTES` is one block, which is kept: a private copy, whatever becomes of the file.
"""

from __future__ import annotations

import copy
import math
import mmap
import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from verify.files.fingerprint import BLOCK_BYTES, fingerprint
from verify.files.kinds import NPY
from verify.files.reading import open_descriptor
from verify.outcomes import InputError

PRIVATE_BYTES = 2**26
"""Up to here a copy costs less than reading again in every pass; it bounds the memory that a table takes."""
_TOGETHER = 4
"""Blocks from which on they are read into one array; fewer are kept, because the next rows are likely to be in them."""
_NOTHING: tuple[int, np.ndarray] = (-1, np.zeros(0))
"""No block, and its numbers."""


class StoredTable:
    """Rows of numbers in a file.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        ``(n,)`` or ``(n, d)``; more dimensions in C order only.
    dtype : dtype
    offset : int
        Bytes before the first number.
    columns_first : bool
        Whether the file holds column after column (Fortran's order).

    Raises
    ------
    InputError
        If the file cannot be opened; on reading, if it cannot be read or is not what it was.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "x.npy"
    >>> np.save(path, np.arange(6.0).reshape(3, 2))
    >>> table = StoredTable(path, (3, 2), np.dtype(float), offset=128)
    >>> table[1:]
    array([[2., 3.],
           [4., 5.]])
    """

    def __init__(
        self, path: Path, shape: tuple[int, ...], dtype: np.dtype, offset: int, *, columns_first: bool = False
    ) -> None:
        self.path, self.shape, self.dtype = path, shape, dtype
        self._offset, self._columns_first = offset, columns_first
        self._row_bytes = math.prod(shape[1:]) * dtype.itemsize
        private = self.size * dtype.itemsize <= PRIVATE_BYTES
        self._block_rows = max(1, shape[0] if private and shape else BLOCK_BYTES // max(1, self._row_bytes))
        self._fingerprints: dict[int, bytes] = {}
        self._open()

    @classmethod
    def of_map(cls, array: np.memmap) -> StoredTable | None:
        """Return the table that a memory map shows; None where its file does not hold it as it is."""
        order = array.flags.c_contiguous, array.flags.f_contiguous
        whole = isinstance(array.base, mmap.mmap) and array.mode != "c" and any(order) and 1 <= array.ndim <= 2
        if not whole or array.filename is None:
            return None
        try:
            table = cls(Path(array.filename), array.shape, array.dtype, array.offset, columns_first=not order[0])
            step = table._block_rows
            same = (np.array_equal(table[i : i + step], array[i : i + step]) for i in range(0, len(table), step))
            return table if all(same) else None
        except InputError:
            return None

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def column(self) -> StoredTable:
        """Return the table of shape (n, 1) of a table of shape (n,)."""
        other = copy.copy(self)
        other.shape = (*self.shape, 1)
        return other

    def __getitem__(self, key: Any) -> Any:
        """Return rows as an array in memory that cannot be written to.

        Rows with a stride, of a table that is no private copy, are read alone and not compared with what they were:
        they serve guesses only.
        """
        rows, *rest = key if isinstance(key, tuple) else (key,)
        if not isinstance(rows, slice):
            index = range(len(self))[rows]
            return self._read(index, index + 1)[(0, *rest)]
        start, stop, stride = rows.indices(len(self))
        if stride != 1:
            return self._sample(range(start, stop, stride))[(slice(None), *rest)]
        if not rest:
            return self._read(start, stop)
        step = self._block_rows
        parts = [self._read(i, min(i + step, stop))[(slice(None), *rest)] for i in range(start, stop, step)]
        return np.concatenate(parts) if parts else self._read(start, start)[(slice(None), *rest)]

    def blocks(self, start: int, stop: int) -> dict[int, bytes]:
        """Return the fingerprints of the blocks, as far as they were read, in which some rows lie."""
        numbers = range(start // self._block_rows, -(-stop // self._block_rows))
        return {index: self._fingerprints[index] for index in numbers if index in self._fingerprints}

    def check_blocks(self, read: Mapping[int, bytes]) -> None:
        """Refuse what another process read of this table if it is not what it was here.

        Parameters
        ----------
        read : mapping of int to bytes
            What `blocks` returned there.

        Raises
        ------
        InputError
            If a block has another fingerprint.
        """
        for index, found in read.items():
            self._expect(index, found)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError("a stored table is read into new memory")
        return np.array(self[:], dtype=dtype)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process: in another one the table is what the file holds then."""
        return {**vars(self), "_fingerprints": {}, "_descriptor": None, "_cached": _NOTHING}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._open()

    def __copy__(self) -> StoredTable:
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))
        other._open()
        return other

    def _open(self) -> None:
        self._descriptor = open_descriptor(self.path, NPY)
        weakref.finalize(self, os.close, self._descriptor)
        self._cached = _NOTHING

    def _read(self, start: int, stop: int) -> np.ndarray:
        if start >= stop:
            return np.empty((0, *self.shape[1:]), self.dtype)
        step, parts = self._block_rows, []
        blocks = range(start // step, (stop - 1) // step + 1)
        if len(blocks) >= _TOGETHER and not self._columns_first and self._row_bytes % 8 == 0:
            return self._blocks(blocks)[start - blocks[0] * step : stop - blocks[0] * step]
        for index in blocks:
            first = index * step
            parts.append(self._block(index)[max(start - first, 0) : stop - first])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _block(self, index: int) -> np.ndarray:
        known, block = self._cached
        if known == index:
            return block
        del block
        self._cached = _NOTHING
        start = index * self._block_rows
        rows = min(self._block_rows, len(self) - start)
        raw = self._raw(start, rows)
        self._compare(index, raw.view(np.uint64))
        block = self._shaped(raw, rows)
        self._cached = index, block
        return block

    def _blocks(self, blocks: range) -> np.ndarray:
        """Return the rows of neighbouring blocks of whole words, each compared while a processor's cache holds it."""
        start, size = blocks[0] * self._block_rows, self._block_rows * self._row_bytes
        rows = min(blocks[-1] * self._block_rows + self._block_rows, len(self)) - start
        raw = np.empty(rows * self._row_bytes, dtype=np.uint8)
        for position, index in enumerate(blocks):
            part = raw[position * size : (position + 1) * size]
            self._fill(part, self._offset + index * size)
            self._compare(index, part.view(np.uint64))
        return self._shaped(raw, rows)

    def _compare(self, index: int, words: np.ndarray) -> None:
        """Refuse a block that is not what it was when it was read first."""
        self._expect(index, fingerprint(words))

    def _expect(self, index: int, found: bytes) -> None:
        if self._fingerprints.setdefault(index, found) != found:
            start = index * self._block_rows
            raise InputError(
                "the data were changed while they were in use",
                where=str(self.path),
                rows=f"{start}:{min(start + self._block_rows, len(self))}",
                remedy="put the file back as it was, or start again with the data as they are now",
            )

    def _shaped(self, raw: np.ndarray, rows: int) -> np.ndarray:
        numbers = raw[: rows * self._row_bytes].view(self.dtype)
        if self._columns_first:
            block = numbers.reshape(self.shape[1], rows).T
        else:
            block = numbers.reshape(rows, *self.shape[1:])
        block.flags.writeable = False
        return block

    def _raw(self, start: int, rows: int) -> np.ndarray:
        """Return the bytes of some rows, filled up to whole words: row by row, or column by column."""
        size = rows * self._row_bytes
        raw = np.zeros(-(-size // 8) * 8, dtype=np.uint8)
        if not self._columns_first:
            self._fill(raw[:size], self._offset + start * self._row_bytes)
            return raw
        size, part = self.dtype.itemsize, rows * self.dtype.itemsize
        for column in range(self.shape[1]):
            target = raw[column * part : (column + 1) * part]
            self._fill(target, self._offset + (column * len(self) + start) * size)
        return raw

    def _sample(self, rows: range) -> np.ndarray:
        if self._block_rows >= len(self):
            sample = self._read(0, len(self))[np.arange(rows.start, rows.stop, rows.step)]
            sample.flags.writeable = False
            return sample
        if self._columns_first:
            return np.concatenate([self._read(row, row + 1) for row in rows])
        raw = np.empty((len(rows), self._row_bytes), dtype=np.uint8)
        for target, row in zip(raw, rows, strict=True):
            self._fill(target, self._offset + row * self._row_bytes)
        return self._shaped(raw.reshape(-1), len(rows))

    def _fill(self, target: np.ndarray, position: int) -> None:
        view, done = target.data, 0
        while done < len(view):
            try:
                read = os.preadv(self._descriptor, [view[done:]], position + done)
            except OSError as error:
                raise InputError(
                    "cannot read the data",
                    where=str(self.path),
                    reason=error.strerror,
                    remedy="put the file back, or start again with another",
                ) from None
            if read == 0:
                raise InputError(
                    "the file was cut while it was in use",
                    where=str(self.path),
                    missing_bytes=len(view) - done,
                    remedy="put the file back as it was, or start again with the data as they are now",
                )
            done += read
