"""The fenced blocks of a page, and what their languages and titles ask for.

=====================  =====================================================================================
```` ```console ````   commands behind ``$ ``, each with the output it prints; ``...`` stands for anything
```` ```sh ````        a script for bash; a line with a comment ``# red`` must fail
```` ```python ````    run in one namespace for the page, or as a doctest where it has ``>>>``
```` ```text ````      titled ``prints``: what the Python block before it prints
any other              shown only
=====================  =====================================================================================

A title that is a path of the repository marks an excerpt of that file; any other file name, a file that the reader
writes.
The titles ``needs PyTorch`` and ``takes a while`` say when a block is run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDS_TORCH = "needs PyTorch"
TAKES_A_WHILE = "takes a while"
RUN_ELSEWHERE = {"examples/ci/README.md"}
"""Pages whose first script tests/plugin/test_sample.py runs; README.md shows the same script."""

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>\w*)(?P<rest>[^\n]*)\n(?P<text>.*?)^(?P=fence)[ ]*$", re.M | re.S)
_TITLE = re.compile(r'title="([^"]*)"')
_FILE = re.compile(r"[\w./-]+\.\w+")


@dataclass(frozen=True)
class Block:
    """One fenced block.

    Parameters
    ----------
    language, title, text : str
    line : int
        Of the fence.
    """

    language: str
    title: str
    text: str
    line: int

    @property
    def file(self) -> str | None:
        """The file that the block holds, None where it is something else."""
        found = _FILE.match(self.title)
        return found[0] if found else None

    @property
    def needs_torch(self) -> bool:
        return NEEDS_TORCH in self.title

    @property
    def slow(self) -> bool:
        return TAKES_A_WHILE in self.title


def pages() -> list[str]:
    """Return the pages whose blocks are run, relative to the repository."""
    written = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
    return ["README.md", *written]


def blocks(text: str) -> list[Block]:
    """Return the fenced blocks of a page, from top to bottom."""
    found = []
    for match in _FENCE.finditer(text):
        title = _TITLE.search(match["rest"])
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(match["language"], title[1] if title else "", match["text"], line))
    return found


def page_blocks(page: str) -> list[Block]:
    """Return the blocks of a page that a run of it concerns."""
    elsewhere = {
        next(block.text for block in blocks(_read(name)) if block.language == "sh") for name in sorted(RUN_ELSEWHERE)
    }
    return [block for block in blocks(_read(page)) if block.text not in elsewhere]


def _read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")
