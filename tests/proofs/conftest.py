"""The notes of ``proofs_notes/`` as data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROOFS = ROOT / "proofs_notes"


@dataclass(frozen=True)
class Note:
    """One note: its header (``key: value`` lines) and its text."""

    header: dict[str, str]
    text: str


def read_note(path: Path) -> Note:
    found = re.fullmatch(r"---\n(.*?)\n---\n(.*)", path.read_text(encoding="utf-8"), re.DOTALL)
    if found is None:
        raise ValueError(f"no header: note={path.name}")
    header = dict(line.split(": ", 1) for line in found[1].splitlines())
    return Note(header, found[2])


@pytest.fixture(scope="session")
def proofs_folder() -> Path:
    return PROOFS


@pytest.fixture(scope="session")
def package_folder() -> Path:
    return ROOT / "verify"


@pytest.fixture(scope="session")
def notes() -> dict[str, Note]:
    return {path.stem: read_note(path) for path in sorted(PROOFS.glob("*.md")) if path.name != "README.md"}


@pytest.fixture(scope="session")
def coq_theorems() -> dict[str, str]:
    """Name of each theorem, and the Coq file (relative to ``proofs_notes/``) that proves it."""
    return {
        name: f"coq/{path.name}"
        for path in sorted((PROOFS / "coq").glob("*.v"))
        for name in re.findall(
            r"^ *(?:Theorem|Corollary|Lemma) +([\w']+)", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
