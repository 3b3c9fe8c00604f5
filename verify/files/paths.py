"""Paths without links."""

from __future__ import annotations

import os
from pathlib import Path


def real_path(path: Path) -> Path:
    """Return the absolute path without links; one that leads in a circle stays as it is, where `Path.resolve` raises.

    Examples
    --------
    >>> real_path(Path("/usr/../usr")).parts[-1]
    'usr'
    """
    return Path(os.path.realpath(path))
