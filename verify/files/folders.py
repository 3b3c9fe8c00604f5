"""A folder that is held open: its files are reached by its descriptor, never through a link, and replaced at once."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import secrets
import stat
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from verify.files.kinds import kind_of
from verify.outcomes import InputError

_FLAGS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LONGEST_PART = 180
"""Bytes of a file's name that a temporary name repeats: a name has at most 255, of which 22 are added."""


class Descriptor(io.RawIOBase):
    """A descriptor that is written by `os.write` until all is written."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._descriptor

    def writable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def write(self, content: memoryview) -> int:  # type: ignore[override]
        """Write all of `content`."""
        rest = memoryview(content).cast("B")
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        return memoryview(content).nbytes

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within the file."""
        return os.lseek(self._descriptor, offset, whence)

    def truncate(self, size: int | None = None) -> int:
        """Cut the file."""
        length = self.tell() if size is None else size
        os.ftruncate(self._descriptor, length)
        return length

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            try:
                super().close()
            finally:
                os.close(self._descriptor)


class Folder:
    """An open folder.

    Parameters
    ----------
    path : Path
        May be a link itself, with `follow`.
    follow : bool
    within : Folder, optional
        The folder that `path` is the name of a folder in.

    Raises
    ------
    OSError
        If there is no such folder.
    """

    def __init__(self, path: Path, *, follow: bool = True, within: Folder | None = None) -> None:
        self.path: Path = path if within is None else within.path / path
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (0 if follow and within is None else os.O_NOFOLLOW)
        self.descriptor: int = os.open(path, flags, dir_fd=None if within is None else within.descriptor)
        self.close = weakref.finalize(self, _close, self.descriptor)

    def lock(self) -> None:
        """Hold the folder until it is closed; the system releases it when the process ends, however it ends.

        Raises
        ------
        InputError
            If another process holds it, or this one holds it already.
        """
        lock(self.descriptor, self.path, "another process trains in this folder")

    def inside(self, name: str, *, create: bool = False) -> Folder:
        """Return a folder in this one, which is not reached through a link.

        Raises
        ------
        InputError
            If what stands under the name is no folder.
        """
        if create:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=self.descriptor)
        status = self.status(name)
        if status is not None and not stat.S_ISDIR(status.st_mode):
            raise InputError(
                "will not write here: not a folder",
                where=str(self.path / name),
                kind=kind_of(status.st_mode),
                remedy="put a folder in its place, or name another",
            )
        return Folder(Path(name), within=self)

    def names(self) -> list[str]:
        """Return the names of what is in the folder, in order."""
        return sorted(os.listdir(self.descriptor))  # noqa: PTH208 -- of a descriptor

    def status(self, name: str) -> os.stat_result | None:
        """Return what stands under a name, links not followed; None if nothing does."""
        try:
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def regular(self, name: str, *, own: bool = False) -> bool:
        """Whether a file stands under a name.

        Parameters
        ----------
        name : str
        own : bool
            Whether it must have no second name, because it is changed in place.

        Raises
        ------
        InputError
            If what stands there is no regular file, or has a second name and must not.
        """
        status = self.status(name)
        if status is not None:
            check_plain(status, self.path / name, own=own)
        return status is not None

    def replace(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        """Write a file under a temporary name, flush it to the disk, then rename it.

        Parameters
        ----------
        name : str
            What stands there stays as it is until the new file is complete; its permissions are kept.
        write : callable
            Writes the content to the binary stream that it is given.
        """
        before = self.status(name)
        part = os.fsdecode(os.fsencode(name)[:_LONGEST_PART])
        temporary = f".{part}.{secrets.token_hex(8)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS
        descriptor = os.open(temporary, flags, 0o666, dir_fd=self.descriptor)
        try:
            with _buffered(descriptor) as stream:
                if before is not None and stat.S_ISREG(before.st_mode):
                    os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
                write(stream)
                stream.flush()
                os.fsync(descriptor)
            os.rename(temporary, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except BaseException:
            self.remove(temporary)
            raise
        self.sync()

    def append(self, name: str, *, create: bool = False) -> BinaryIO:
        """Open a file of this folder, and of no other, to write at its end."""
        flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT if create else 0)
        descriptor = self._open(name, flags)
        os.lseek(descriptor, 0, os.SEEK_END)
        return _buffered(descriptor)

    def truncate(self, name: str, length: int) -> None:
        """Cut a file of this folder, and of no other."""
        descriptor = self._open(name, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, length)
        finally:
            os.close(descriptor)

    def rename(self, name: str, new: str) -> None:
        """Give a file another name, which replaces what had it."""
        os.rename(name, new, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        self.sync()

    def remove(self, name: str) -> None:
        """Remove a name, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def remove_empty(self, name: str) -> None:
        """Remove a folder, if it is there and empty."""
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=self.descriptor)

    def sync(self) -> None:
        """Flush the folder's entries to the disk."""
        try:
            os.fsync(self.descriptor)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a file system that cannot flush folders
                raise

    def _open(self, name: str, flags: int) -> int:
        self.regular(name, own=True)
        descriptor = os.open(name, flags | _FLAGS, 0o666, dir_fd=self.descriptor)
        try:
            check_plain(os.fstat(descriptor), self.path / name, own=True)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def _close(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # nothing is written through a folder's descriptor
        os.close(descriptor)


def _buffered(descriptor: int) -> BinaryIO:
    return cast(BinaryIO, io.BufferedWriter(cast(io.RawIOBase, Descriptor(descriptor))))


def lock(descriptor: int, path: Path, what: str) -> None:
    """Hold what is open, or raise an `InputError` that says `what`."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(what, where=str(path), remedy="wait for its end, or name another", name=path.name) from None


def check_plain(status: os.stat_result, path: Path, *, own: bool = False) -> None:
    """Refuse to write what is no regular file, and with `own` what has a second name.

    Raises
    ------
    InputError
    """
    if not stat.S_ISREG(status.st_mode):
        raise InputError(
            "will not write here: not a regular file",
            where=str(path),
            kind=kind_of(status.st_mode),
            remedy="give the path of a file that is new or was written by dagverify",
        )
    if own and status.st_nlink > 1:
        raise InputError(
            "will not change a file that has another name too",
            where=str(path),
            names=status.st_nlink,
            remedy="put a copy of it in its place",
        )
