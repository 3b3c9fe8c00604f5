"""Inputs: what is no regular file, or is too large for its kind, is refused before a byte of it is read."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, final

from verify.files.kinds import InputKind, kind_of
from verify.outcomes import InputError


def input_size(path: Path, kind: InputKind) -> int:
    """Return the size in bytes of a file that can be an input; links are followed.

    Raises
    ------
    InputError
        If there is no such file, it cannot be looked at, is no regular file, or is too large.
    """
    try:
        return _accepted(path.stat(), path, kind)
    except (OSError, ValueError) as error:
        raise unreadable(path, kind, error) from None


def open_descriptor(path: Path, kind: InputKind) -> int:
    """Open a file for reading; see `input_size`. What is opened is what was looked at, and nothing is waited for."""
    input_size(path, kind)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _accepted(os.fstat(descriptor), path, kind)
        except BaseException:
            os.close(descriptor)
            raise
    except (OSError, ValueError) as error:
        raise unreadable(path, kind, error) from None
    return descriptor


def open_input(path: Path, kind: InputKind) -> BinaryIO:
    """Open a file for reading as a stream; see `open_descriptor`. Reading raises `InputError` where it fails."""
    return io.BufferedReader(_Input(path, kind))


@final
class _Input(io.FileIO):
    """A file whose name is known when a part of it cannot be read."""

    def __init__(self, path: Path, kind: InputKind) -> None:
        super().__init__(open_descriptor(path, kind), "rb")
        self._path, self._kind = path, kind

    def readinto(self, buffer: Any) -> int | None:
        try:
            return super().readinto(buffer)
        except OSError as error:
            raise unreadable(self._path, self._kind, error) from None

    def readall(self) -> bytes:
        try:
            return super().readall()
        except OSError as error:
            raise unreadable(self._path, self._kind, error) from None


def read_bytes(path: Path, kind: InputKind) -> bytes:
    """Return the content of a file, as long as it was when it was opened.

    Raises
    ------
    InputError
        See `input_size`; or if it cannot be read.
    """
    with open_input(path, kind) as stream:
        return stream.read(os.fstat(stream.fileno()).st_size)


def read_text(path: Path, kind: InputKind) -> str:
    """Return the content of a UTF-8 text; see `read_bytes`."""
    return text_of(read_bytes(path, kind), path, kind)


def text_of(content: bytes, path: Path, kind: InputKind) -> str:
    """Return the content of a file as UTF-8 text.

    Raises
    ------
    InputError
        If it is none, with the line.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            "not UTF-8 text",
            where=f"{path}:{line}",
            byte=hex(content[error.start]),
            offset=error.start,
            remedy=f"save it as UTF-8, or {kind.remedy}",
        ) from None


def unreadable(path: Path, kind: InputKind, error: OSError | ValueError) -> InputError:
    """Return the error of a file that cannot be opened or read."""
    if isinstance(error, InputError):
        return error
    if isinstance(error, FileNotFoundError):
        return InputError("no such file", where=str(path), path=str(path), remedy=kind.remedy)
    reason = getattr(error, "strerror", None) or str(error)
    return InputError("cannot read the file", where=str(path), reason=reason, remedy=kind.remedy)


def _accepted(status: os.stat_result, path: Path, kind: InputKind) -> int:
    if not stat.S_ISREG(status.st_mode):
        raise InputError("not a file", where=str(path), kind=kind_of(status.st_mode), remedy=kind.remedy)
    if status.st_size > kind.limit:
        raise InputError(
            f"file too large for {kind.name}",
            where=str(path),
            bytes=status.st_size,
            limit=kind.limit,
            remedy=kind.smaller,
        )
    return status.st_size
