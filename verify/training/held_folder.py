"""The folder of a run, held by one process from the first look at it to the end: who may write which of its files."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from verify.certificates.run_files import RunFiles
from verify.files.folders import Folder
from verify.files.paths import real_path
from verify.outcomes import InputError

_STARTED = ".run.json.start"
"""What ``run.json`` is called until all files of a new run stand there: without it, they are not ours."""

_LINK = re.compile(r"[0-9]{6,}\.json")
_LEFT_BY_A_KILL = re.compile(r"\..+\.[0-9a-f]{16}\.tmp")


class HeldFolder(RunFiles):
    """The files of a run, written.

    Parameters
    ----------
    path : Path
        May be a link to a folder; nothing in it may be one.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._folder: Folder | None = None

    @contextmanager
    def held(self, *, create: bool = False, to_the_end: bool = False) -> Iterator[None]:
        """Hold the folder: if the body fails, or `to_the_end`, until its end, else until another body ends so.

        Raises
        ------
        InputError
            If another process holds it, there is no such folder, or a file in it cannot be written.
        """
        made = self._open(create) if self._folder is None else False
        try:
            yield
        except BaseException as error:
            self.release()
            if made:
                with contextlib.suppress(OSError):
                    self.path.rmdir()
            if isinstance(error, OSError):
                raise self._unwritable(error) from None
            raise
        if to_the_end:
            self.release()

    def release(self) -> None:
        """Let go of the folder, also without a run."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _open(self, create: bool) -> bool:
        """Open and lock the folder; whether it was made."""
        made = False
        try:
            if create:
                made = not self.path.exists()
                self.path.mkdir(parents=True, exist_ok=True)
            self._folder = Folder(self.path)
            self._folder.lock()
        except (OSError, ValueError) as error:
            self.release()
            if isinstance(error, InputError):
                raise
            if not create and isinstance(error, FileNotFoundError):
                raise InputError(
                    "no run to resume", where=str(self.path), folder=False, remedy="start it without --resume"
                ) from None
            raise self._unwritable(error) from None
        return made

    def _unwritable(self, error: OSError | ValueError) -> InputError:
        return InputError(
            "the run cannot be written",
            where=str(self.path),
            reason=getattr(error, "strerror", None) or str(error),
            remedy="make room or change the permissions, then go on with --resume if it had begun",
        )

    def replace(self, path: Path, write: Callable[[BinaryIO], object]) -> None:
        """Write a file of the run so that it is the old or the new one, whenever the process is killed."""
        self._folder_of(path).replace(path.name, write)

    def append(self, path: Path) -> BinaryIO:
        """Open a file of the run to write at its end."""
        return self._folder_of(path).append(path.name, create=True)

    def truncate(self, path: Path, length: int) -> None:
        """Cut a file of the run."""
        self._folder_of(path).truncate(path.name, length)

    def remove(self, path: Path) -> None:
        """Remove a file of the run, if it is there."""
        folder = self._folder_of(path)
        folder.remove(path.name)
        folder.sync()

    @contextmanager
    def starting(self, description: bytes, *, force: bool = False, inputs: Iterable[Path] = ()) -> Iterator[None]:
        """Write the first files of a run in the body; if it fails, none of them stays.

        Parameters
        ----------
        description : bytes
            Of ``run.json``, which stands there when all others do.
        force : bool
            Remove an older run, and regular files of other origin with the names of a run's files.
        inputs : iterable of Path
            Files that the run reads, which stay.

        Raises
        ------
        InputError
            If the folder holds a run, or another file with the name of one of a run's.
        """
        folder = self._held()
        started = folder.regular(_STARTED)
        if folder.regular(self.description.name) and not force:
            raise InputError(
                "the folder already holds a run",
                where=str(self.path),
                file=self.description.name,
                remedy="resume it or name another",
            )
        if not (started or force):
            self._refuse_foreign()
        self._refuse_inputs(inputs)
        self._clear()
        try:
            folder.replace(_STARTED, lambda stream: stream.write(description))
            yield
            folder.rename(_STARTED, self.description.name)
        except BaseException:
            with contextlib.suppress(OSError):
                self._clear()
            raise

    def check_own(self) -> None:
        """Refuse what stands in the place of one of a run's files and is no regular file; remove what kills left.

        Raises
        ------
        InputError
            If there is no run, or something else stands in the place of a file.
        """
        folder = self._held()
        if not folder.regular(self.description.name):
            raise InputError(
                "no run to resume",
                where=str(self.path),
                missing=self.description.name,
                remedy="start it without --resume",
            )
        for name in self._names():
            folder.regular(name, own=True)
        folders = [folder]
        if folder.status(self.certificates.name) is not None:
            folders.append(folder.inside(self.certificates.name))
        for each in folders:
            for name in each.names():
                if _LINK.fullmatch(name) or name == self.subject.name:
                    each.regular(name, own=True)
                elif _LEFT_BY_A_KILL.fullmatch(name) and each.regular(name):
                    each.remove(name)

    def _held(self) -> Folder:
        if self._folder is None:
            raise RuntimeError("the folder is not held")
        return self._folder

    def _folder_of(self, path: Path) -> Folder:
        folder = self._held()
        return folder if path.parent == self.path else folder.inside(path.parent.name, create=True)

    def _names(self) -> list[str]:
        files = (self.description, self.lines, self.weights, self.checkpoint, self.result)
        return [path.name for path in files]

    def _refuse_foreign(self) -> None:
        folder = self._held()
        found = [name for name in self._names() if folder.regular(name) and _size(folder, name)]
        if folder.status(self.certificates.name) is not None and folder.inside(self.certificates.name).names():
            found.append(self.certificates.name)
        if found:
            raise InputError(
                "the folder holds no run, but files of these names",
                where=str(self.path),
                files=found,
                remedy="name another folder, or add --force to remove them",
            )

    def _refuse_inputs(self, inputs: Iterable[Path]) -> None:
        own = {real_path(self.path / name) for name in self._names()}
        for path in inputs:
            if real_path(path) in own:
                raise InputError(
                    "an input would be replaced",
                    where=str(self.path),
                    input=str(path),
                    remedy="name another folder",
                )

    def _clear(self) -> None:
        """Remove the files of a run, its description first: what is left is no run that could be resumed."""
        folder = self._held()
        for name in [*self._names(), _STARTED]:
            if folder.regular(name):
                folder.remove(name)
        if folder.status(self.certificates.name) is not None:
            certificates = folder.inside(self.certificates.name)
            for name in certificates.names():
                if (_LINK.fullmatch(name) or name == self.subject.name) and certificates.regular(name):
                    certificates.remove(name)
            folder.remove_empty(self.certificates.name)


def _size(folder: Folder, name: str) -> int:
    status = folder.status(name)
    return 0 if status is None else status.st_size
