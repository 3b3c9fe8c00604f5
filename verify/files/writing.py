"""Outputs: files that are new, empty or ours, never an input, never two in one place, never through a link.

A file is written under another name and then renamed: whatever happens, what stands under its own name is the old file
or the complete new one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from verify.files.folders import Folder, check_plain
from verify.files.kinds import OutputKind
from verify.files.paths import real_path
from verify.outcomes import InputError

_LOOKED_AT = 4096
"""Bytes of a file's beginning and end by which it is recognised."""

_STREAMS = {"-", "/dev/stdin", "/dev/stdout", "/dev/stderr"}
FORCE = "give another file, or add --force to replace it"


@dataclass
class Outputs:
    """The files that one command writes: checked before anything is computed, and again when they are written.

    Parameters
    ----------
    inputs : iterable of Path or None
        Files that the command reads.
    force : bool
        Replace regular files that are not ours, too.
    """

    inputs: Iterable[Path | None] = ()
    force: bool = False
    _places: dict[Path, tuple[OutputKind, Path]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.inputs = [path for path in self.inputs if path is not None]

    def add(self, path: Path | None, kind: OutputKind) -> None:
        """Check a file that is to be written; None stands for an option that was not given.

        Raises
        ------
        InputError
            If it cannot or must not be written.
        """
        if path is None:
            return
        with folder_of(path) as folder:
            self._check(path, kind, folder)
            place = real_path(folder.path) / path.name
        for other, (_, taken) in self._places.items():
            if taken == place:
                raise InputError(
                    "two outputs in one file", where=str(path), files=[str(other), str(path)], remedy="use two names"
                )
        self._places[path] = (kind, place)

    def protect(self, inputs: Iterable[Path]) -> None:
        """Add files that the command reads, and check again all that it is to write."""
        self.inputs = [*self.inputs, *inputs]
        for path, (kind, _) in self._places.items():
            with folder_of(path) as folder:
                self._check(path, kind, folder)

    def write(self, path: Path, content: str | bytes) -> None:
        """Write a file that was added; text as UTF-8.

        Raises
        ------
        InputError
            If it cannot or must not be written any more.
        """
        kind, _ = self._places[path]
        encoded = content.encode("utf-8", errors="backslashreplace") if isinstance(content, str) else content
        with folder_of(path) as folder:
            self._check(path, kind, folder)
            try:
                folder.replace(path.name, lambda stream: stream.write(encoded))
            except OSError as error:
                raise unwritable(path, error) from None

    def _check(self, path: Path, kind: OutputKind, folder: Folder) -> None:
        try:
            status = folder.status(path.name)
            self._refuse_input(path, status)
            if status is None:
                if not os.access(".", os.W_OK | os.X_OK, dir_fd=folder.descriptor, effective_ids=True):
                    raise InputError(
                        "the folder cannot be written",
                        where=str(path),
                        folder=str(path.parent),
                        remedy="give a file in another folder",
                    )
                return
            check_plain(status, path)
            if not self.force and not kind.recognises(*_ends(folder, path.name, status.st_size)):
                raise InputError(
                    f"the file exists and is not {kind.name} of ours", where=str(path), remedy=FORCE, name=path.name
                )
            if not os.access(path.name, os.W_OK, dir_fd=folder.descriptor, effective_ids=True):
                raise InputError(
                    "the file is write-protected",
                    where=str(path),
                    remedy="change its permissions, or give another",
                    name=path.name,
                )
        except (OSError, ValueError) as error:
            raise unwritable(path, error) from None

    def _refuse_input(self, path: Path, status: os.stat_result | None) -> None:
        for given in self.inputs:
            if given is None:
                continue
            try:
                same = status is not None and os.path.samestat(given.stat(), status)
                named = real_path(given.parent) / given.name == real_path(path.parent) / path.name
            except (OSError, ValueError):
                continue
            if same or named:
                raise InputError(
                    "an input would be replaced", where=str(path), input=str(given), remedy="give another file"
                )


def write_file(path: Path, content: str | bytes, kind: OutputKind, *, force: bool = False) -> None:
    """Write one file; see `Outputs`.

    Raises
    ------
    InputError
        If it cannot or must not be written.
    """
    outputs = Outputs(force=force)
    outputs.add(path, kind)
    outputs.write(path, content)


def append_text(path: Path, text: str) -> None:
    """Write text at the end of a file, which is made if it is missing.

    Raises
    ------
    InputError
        If it cannot be written, or what stands there is no regular file.
    """
    with folder_of(path) as folder:
        try:
            with folder.append(path.name, create=True) as stream:
                stream.write(text.encode("utf-8", errors="backslashreplace"))
        except (OSError, ValueError) as error:
            raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError | ValueError) -> InputError:
    """Return the error of a file that cannot be written."""
    if isinstance(error, InputError):
        return error
    reason = getattr(error, "strerror", None) or str(error)
    remedy = "make room on the disk, or give a file in another folder"
    return InputError("cannot write the file", where=str(path), reason=reason, remedy=remedy)


@contextmanager
def folder_of(path: Path) -> Iterator[Folder]:
    """Open the folder in which a file stands or is to stand; it may be reached through links, the file may not.

    Raises
    ------
    InputError
        If there is no such folder, or the path is that of a stream or a folder.
    """
    if str(path) in _STREAMS or path.parts[:3] == ("/", "dev", "fd"):
        raise InputError(
            "stdout is for the answer, this needs a file of its own",
            where=str(path),
            remedy="give the path of a file",
            path=str(path),
        )
    if path.name in ("", ".."):
        raise InputError("not a file", where=str(path), kind="directory", remedy="give the path of a file")
    try:
        folder = Folder(path.parent)
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(
            "no such folder", where=str(path), folder=str(path.parent), remedy="create it, or give another file"
        ) from None
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None
    try:
        yield folder
    finally:
        folder.close()


def _ends(folder: Folder, name: str, size: int) -> tuple[bytes, bytes]:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=folder.descriptor)
    try:
        return os.pread(descriptor, _LOOKED_AT, 0), os.pread(descriptor, _LOOKED_AT, max(0, size - _LOOKED_AT))
    finally:
        os.close(descriptor)
