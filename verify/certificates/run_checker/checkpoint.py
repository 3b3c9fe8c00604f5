"""The checkpoint of a run: the hashes by which it binds the other files, and the state that it holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from verify.certificates import run_files
from verify.certificates.run_files import RunFiles
from verify.files.arrays import read_npz
from verify.files.kinds import RUN_DESCRIPTION, RUN_LINES
from verify.files.reading import read_bytes
from verify.outcomes import InputError

_FIELDS = {"w", "index", "undecided", "lines", "lines_sha256", "run_sha256", "digest"}


def compare_checkpoint(files: RunFiles, steps: int, last: np.ndarray) -> Iterator[str]:
    """Yield where the checkpoint disagrees with the other files of the run.

    Parameters
    ----------
    files : RunFiles
    steps : int
        Number of lines.
    last : array, shape (P,)
        Weights after the last step.
    """
    name, state = files.checkpoint.name, _read(files)
    if not set(state) >= _FIELDS:
        yield f"{name}: missing or unreadable"
        return
    if not _equal(state["digest"], run_files.checkpoint_digest(state)):
        yield f"{name}: its content is not what was written"
    lines, description = read_bytes(files.lines, RUN_LINES), read_bytes(files.description, RUN_DESCRIPTION)
    expected = {
        "index": np.array(steps),
        "w": last,
        "undecided": np.array(False),
        "lines": np.array(len(lines)),
        "lines_sha256": run_files.bytes_digest(lines),
        "run_sha256": run_files.bytes_digest(description),
    }
    reasons = {
        "index": "was made after another step than the last line's",
        "w": "holds other weights than the last step",
        "undecided": "says that a step was undecided",
        "lines": f"follows another number of bytes of {files.lines.name}",
        "lines_sha256": f"{files.lines.name} was changed after it was written",
        "run_sha256": f"{files.description.name} was changed after it was written",
    }
    yield from (f"{name}: {reasons[key]}" for key, value in expected.items() if not _equal(state[key], value))


def _equal(found: np.ndarray, expected: np.ndarray) -> bool:
    return found.dtype == expected.dtype and np.array_equal(found, expected)


def _read(files: RunFiles) -> dict[str, Any]:
    try:
        return read_npz(files.checkpoint)
    except InputError:
        return {}
