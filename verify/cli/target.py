"""What a command is about: a spec file, or a function of the user's that returns a PyTorch module with its data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.spec.question import Question

TORCH = "torch:"


def load(spec: Path) -> Question:
    """Return the problem and the setting that a command line names.

    Parameters
    ----------
    spec : Path
        A spec file, or ``torch:package.module:factory``: then the user's code runs.

    Raises
    ------
    InputError
        If it cannot be used, or PyTorch is not installed.
    """
    text = str(spec)
    if not text.startswith(TORCH):
        from verify.spec import load_specification

        return load_specification(spec)
    try:
        from verify.torch.target import load_target
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise InputError(
            "PyTorch is not installed", where=text, remedy="pip install 'dagverify[torch]'", missing="torch"
        ) from None
    return load_target(text)
