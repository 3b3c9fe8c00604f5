"""The package's own source text, for tests of what may stand in it."""

from __future__ import annotations

import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


@functools.cache
def _texts() -> tuple[tuple[str, str], ...]:
    paths = sorted(path for package in ("verify", "dagverify_pytest") for path in (ROOT / package).rglob("*.py"))
    return tuple((path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths)


def sources(pattern: str) -> list[tuple[str, str]]:
    """Return the modules in whose text something matches a regular expression: path from the root, text."""
    return [(place, text) for place, text in _texts() if re.search(pattern, text, re.MULTILINE)]
