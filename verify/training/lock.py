"""One process at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from verify.outcomes import InputError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder; the system releases it when the process ends, however it ends.

    Parameters
    ----------
    folder : Path
        Must exist.

    Raises
    ------
    InputError
        If another process holds it, or this one holds it already.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                "another process trains in this folder", where=str(folder), remedy="wait for its end, or name another"
            ) from None
        yield
    finally:
        os.close(descriptor)
