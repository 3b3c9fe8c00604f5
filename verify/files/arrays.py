"""Arrays from NumPy files: the headers are checked before anything is read, and nothing is unpickled."""

from __future__ import annotations

import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy_format

from verify.files.kinds import NPY, NPZ
from verify.files.reading import input_size, open_input
from verify.files.stored_table import StoredTable
from verify.outcomes import InputError

MAX_ARRAY_BYTES = 2**29
MAX_HEADER_BYTES = 2**16
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
)


def read_npz(path: Path, keys: Collection[str] | None = None, optional: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Read named arrays of real numbers from an ``.npz`` file into memory.

    Parameters
    ----------
    path : Path
        The file.
    keys : collection of str, optional
        Names of the arrays; all that are there, not compressed, if none are given.
    optional : collection of str
        Those of `keys` that may be absent.

    Raises
    ------
    InputError
        If the file or an array is missing, damaged, not numeric, larger than `MAX_ARRAY_BYTES`, or its header
        does not agree with its size.
    """
    try:
        with open_input(path, NPZ) as stream, zipfile.ZipFile(stream) as archive:
            members = {entry.filename: entry for entry in archive.infolist()}
            arrays = {}
            for key in _all(members, path) if keys is None else keys:
                entry = members.get(f"{key}.npy")
                if entry is not None:
                    arrays[key] = _read_member(archive, entry, path)
                elif key not in optional:
                    raise InputError(
                        "array missing from the file",
                        where=str(path),
                        key=key,
                        found=sorted(name.removesuffix(".npy") for name in members)[:8],
                        remedy=f"save it with numpy.savez(file, {key}=...)",
                    )
            return arrays
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(
            "not a readable .npz file", where=str(path), reason=str(error), remedy="save it with numpy.savez"
        ) from None


def map_npy(path: Path) -> StoredTable:
    """Open an ``.npy`` file whose numbers stay on the disk: see `StoredTable` for what happens when it changes.

    Raises
    ------
    InputError
        If the file is missing, damaged, not numeric, or shorter or longer than its header says.
    """
    size = input_size(path, NPY)
    try:
        with open_input(path, NPY) as stream:
            shape, columns_first, dtype, start = _header(stream, str(path))
        _check_size(shape, dtype, size - start, str(path))
        if columns_first and len(shape) > 2:
            raise InputError(
                "more than two dimensions in Fortran's order",
                where=str(path),
                shape=shape,
                remedy="save numpy.ascontiguousarray of the array",
            )
        return StoredTable(path, shape, dtype, start, columns_first=columns_first and len(shape) == 2)
    except InputError:
        raise
    except _DAMAGE as error:
        raise InputError(
            "not a readable .npy file", where=str(path), reason=str(error), remedy="save it with numpy.save"
        ) from None


def _all(members: dict[str, zipfile.ZipInfo], path: Path) -> list[str]:
    """Return the names of all arrays, if they are as large as the file that holds them."""
    claimed, available = sum(entry.file_size for entry in members.values()), input_size(path, NPZ)
    if claimed > available:
        raise InputError(
            "the arrays are larger than the file",
            where=str(path),
            bytes=claimed,
            file_bytes=available,
            remedy="save them with numpy.savez",
        )
    return [name.removesuffix(".npy") for name in members]


def _read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> np.ndarray:
    where = f"{path}: {entry.filename}"
    if entry.file_size > MAX_ARRAY_BYTES + MAX_HEADER_BYTES:
        raise InputError(
            "array too large to be read into memory",
            where=where,
            bytes=entry.file_size,
            limit=MAX_ARRAY_BYTES,
            remedy='use source = "npy:folder", which stays on the disk',
        )
    with archive.open(entry) as stream:
        shape, _, dtype, start = _header(stream, where)
        _check_size(shape, dtype, entry.file_size - start, where)
    with archive.open(entry) as stream:
        return npy_format.read_array(stream, allow_pickle=False, max_header_size=MAX_HEADER_BYTES)


def _header(stream: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    version = npy_format.read_magic(stream)
    read = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}.get(version)
    if read is None:
        raise InputError("unknown .npy version", where=where, version=version, remedy="save it with numpy.save")
    shape, columns_first, dtype = read(stream, max_header_size=MAX_HEADER_BYTES)
    if dtype.hasobject:
        raise InputError(
            "pickled objects are not read",
            where=where,
            dtype=str(dtype),
            remedy="save an array of float64 numbers",
        )
    if dtype.kind not in "biuf" or dtype.itemsize > 8:
        raise InputError(
            "not an array of real numbers",
            where=where,
            dtype=str(dtype),
            remedy="save an array of float64 numbers",
        )
    return shape, columns_first, dtype, stream.tell()


def _check_size(shape: tuple[int, ...], dtype: np.dtype, available: int, where: str) -> None:
    claimed = math.prod(shape) * dtype.itemsize
    if any(isinstance(length, bool) or length < 0 for length in shape) or claimed != available:
        raise InputError(
            "header does not agree with the size of the file",
            where=where,
            shape=shape,
            claimed=claimed,
            available=available,
            remedy="save the array again",
        )
