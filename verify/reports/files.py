"""Writing a report so that its file is either absent, the old one, or complete."""

from __future__ import annotations

from pathlib import Path

from verify.outcomes import InputError
from verify.training.atomic import write_atomically


def write_report(text: str, path: Path) -> None:
    """Write text to a file as UTF-8.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    content = text.encode("utf-8", errors="backslashreplace")
    try:
        write_atomically(path, lambda stream: stream.write(content))
    except OSError as error:
        raise InputError(
            "cannot write the report", where=str(path), reason=error.strerror, remedy="give a file in a folder"
        ) from None
