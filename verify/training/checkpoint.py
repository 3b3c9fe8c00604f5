"""``checkpoint.npz``: the state that later steps depend on, bound to the lines of the steps before it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from verify.certificates.run_files import checkpoint_digest
from verify.files.arrays import read_npz
from verify.outcomes import InputError
from verify.training.state import SavedState

BINDING = ("lines", "lines_sha256", "run_sha256")
"""What a checkpoint holds beside the session's state and its own digest."""


def write_checkpoint(stream: BinaryIO, state: Mapping[str, Any]) -> None:
    """Write the state of a session and its `BINDING`, with a digest of all of it."""
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in state.items()}
    np.savez(stream, **arrays, digest=checkpoint_digest(arrays))


def read_checkpoint(path: Path, size: int) -> tuple[dict[str, np.ndarray], SavedState]:
    """Return the session's state and the binding.

    Parameters
    ----------
    path : Path
    size : int
        Number P of weights.

    Raises
    ------
    InputError
        If the file cannot be read, or holds something else than was written.
    """
    content = read_npz(path)
    missing = sorted({*BINDING, "digest"} - set(content))
    if missing:
        raise InputError("fields are missing", missing=missing, remedy="start again in another folder")
    if SavedState(content, size).digest("digest") != checkpoint_digest(content).tobytes():
        raise InputError(
            "its content is not what was written",
            digest=SavedState(content, size).digest("digest").hex(),
            remedy="start again in another folder",
        )
    del content["digest"]
    binding = {name: content.pop(name) for name in BINDING}
    return content, SavedState(binding, size)
