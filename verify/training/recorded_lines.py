"""``steps.jsonl`` read back: the lines that a checkpoint follows, and nothing else."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from verify.files.kinds import RUN_LINES
from verify.files.reading import open_input
from verify.outcomes import InputError, Verdict

_REMEDY = "start again in another folder"
_SHOWN = 40
"""Bytes of a line that is none."""


def read_lines(path: Path, length: int) -> tuple[list[dict[str, Any]], Any]:
    """Return the lines in the first bytes of the file, and the SHA-256 object of these bytes.

    Parameters
    ----------
    path : Path
    length : int
        Bytes.

    Raises
    ------
    InputError
        If the file is shorter, or a line is not that of its step.
    """
    digest, read = hashlib.sha256(), 0
    lines: list[dict[str, Any]] = []
    try:
        with open_input(path, RUN_LINES) as stream:
            while read < length and (text := stream.readline(length - read)):
                digest.update(text)
                read += len(text)
                lines.append(_line(text, path, len(lines) + 1))
    except OSError as error:
        raise InputError("cannot read the lines", where=str(path), reason=error.strerror, remedy=_REMEDY) from None
    if read < length:
        raise InputError(
            "the file is shorter than its checkpoint says",
            where=str(path),
            bytes=read,
            expected=length,
            remedy=_REMEDY,
        )
    return lines, digest


def _line(text: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        line = json.loads(text) if text.endswith(b"\n") else None
    except (ValueError, RecursionError):
        line = None
    if not isinstance(line, dict):
        raise InputError("unreadable line", where=f"{path}:{number}", line=text[:_SHOWN], remedy=_REMEDY)
    decrease, verdicts = line.get("decrease"), [verdict.value for verdict in Verdict]
    fits = decrease is None or (isinstance(decrease, float) and math.isfinite(decrease))
    if type(line.get("step")) is not int or line["step"] != number or line.get("verdict") not in verdicts or not fits:
        found = {name: line.get(name) for name in ("step", "verdict", "decrease")}
        raise InputError("the line is not that of its step", where=f"{path}:{number}", remedy=_REMEDY, **found)
    return line
