"""Outputs that grow line by line, so that a killed command can go on with them; one process at a time writes one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from verify.files.folders import Folder, check_plain, lock
from verify.files.kinds import InputKind
from verify.files.writing import folder_of, unwritable
from verify.outcomes import InputError

_BUSY = "another process writes this file"


class GrowingFile:
    """An open file that holds whole records only, whatever write fails.

    Parameters
    ----------
    descriptor : int
    path : Path
    length : int
        Bytes of the records in it.
    is_new : bool
        Whether it was made by this command.
    """

    def __init__(self, descriptor: int, path: Path, length: int, is_new: bool) -> None:
        self.descriptor, self.path, self.length, self.is_new = descriptor, path, length, is_new

    def append(self, record: bytes) -> None:
        """Write a record at the end.

        Raises
        ------
        InputError
            If it cannot be written; then nothing of it stays.
        """
        try:
            rest = memoryview(record)
            while rest:
                rest = rest[os.write(self.descriptor, rest) :]
        except OSError as error:
            with suppress(OSError):  # then the next command drops the part of a record
                os.ftruncate(self.descriptor, self.length)
            raise unwritable(self.path, error) from None
        self.length += len(record)


@contextmanager
def growing_file(
    path: Path, kind: InputKind, own_length: Callable[[bytes], int], *, force: bool = False
) -> Iterator[GrowingFile]:
    """Open a file to go on with it, or make it.

    Parameters
    ----------
    path : Path
    kind : InputKind
    own_length : callable
        Told the content; returns how many bytes of it are whole records, and raises an `InputError` if it is not ours.
        Nothing is cut off before that.
    force : bool
        Replace a regular file that is not ours.

    Raises
    ------
    InputError
        If it cannot or must not be written, is not ours, or another process writes it.
    """
    with folder_of(path) as folder:
        file = _opened(folder, path, kind, own_length, force)
        try:
            yield file
        finally:
            try:
                if file.is_new and file.length == 0:
                    folder.remove(path.name)
                os.fsync(file.descriptor)
            except OSError as error:
                raise unwritable(path, error) from None
            finally:
                os.close(file.descriptor)


def _opened(
    folder: Folder, path: Path, kind: InputKind, own_length: Callable[[bytes], int], force: bool
) -> GrowingFile:
    descriptor = -1
    try:
        is_new = not folder.regular(path.name, own=True)
        descriptor = _locked(folder, path)
        content = _content(descriptor, path, kind, force)
        try:
            length = own_length(content)
        except InputError:
            if not force:
                raise
            os.close(descriptor)
            descriptor = -1
            folder.replace(path.name, lambda stream: None)
            descriptor, length, content = _locked(folder, path), 0, b""
        if length < len(content):
            os.ftruncate(descriptor, length)
        os.lseek(descriptor, length, os.SEEK_SET)
    except BaseException as error:
        if descriptor >= 0:
            os.close(descriptor)
        if isinstance(error, (OSError, ValueError)):
            raise unwritable(path, error) from None
        raise
    return GrowingFile(descriptor, path, length, is_new)


def _locked(folder: Folder, path: Path) -> int:
    """Open the file, hold it, and make sure that it is still the one of this name."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path.name, flags, 0o666, dir_fd=folder.descriptor)
    try:
        status = os.fstat(descriptor)
        check_plain(status, path)
        lock(descriptor, path, _BUSY)
        found = folder.status(path.name)
        if found is None or not os.path.samestat(found, status):
            raise InputError(_BUSY, where=str(path), remedy="wait for its end, or name another", name=path.name)
        check_plain(found, path, own=True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _content(descriptor: int, path: Path, kind: InputKind, force: bool) -> bytes:
    """Return the content; with `force` that of a file that is too large does not matter."""
    size = os.fstat(descriptor).st_size
    if size > kind.limit and force:
        return b"\0"
    if size > kind.limit:
        raise InputError(
            f"file too large for {kind.name}", where=str(path), bytes=size, limit=kind.limit, remedy=kind.smaller
        )
    with open(descriptor, "rb", closefd=False) as stream:
        return stream.read(size)
