"""The file of records: one line for each cell, so that a study that was stopped goes on where it was."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from verify.outcomes import InputError

Record = dict[str, Any]


def read(path: Path, plan: Record) -> list[Record]:
    """Return the records of a plan; none if the file is not there. A last line that was cut off does not count.

    Raises
    ------
    InputError
        If the file was made by another plan.
    """
    if not path.exists():
        return []
    whole = path.read_text(encoding="utf-8").split("\n")[:-1]
    records = [json.loads(line) for line in whole]
    if records and records[0] != {"plan": json.loads(json.dumps(plan))}:
        raise InputError(
            "the records are of another plan", file=str(path), remedy="give another folder with --out, or move the file"
        )
    return records[1:]


def append(path: Path, plan: Record, record: Record) -> None:
    """Add a record; the first one of a file stands behind the plan, and a last line that was cut off goes."""
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    lines = [record] if whole else [{"plan": plan}, record]
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(whole)
        file.seek(whole)
        file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        file.flush()
        os.fsync(file.fileno())
