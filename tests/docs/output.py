"""Whether a command printed what its page shows."""

from __future__ import annotations

import math
import re

NUMBERS_AGREE = 0.02
"""Relative difference of a shown number: bounds differ in their last digits between machines, and pages cut them."""

_NUMBER = re.compile(r"[-+]?\d+\.\d*(?:e[-+]?\d+)?|[-+]?\d+e[-+]?\d+")
_GAP = "..."


def agrees(shown: str, printed: str) -> bool:
    """Return whether the words are the same, one after the other, and the numbers nearly; ``...`` stands for anything.

    >>> agrees("L in [0.94, 2.03] ... (PROVED)", "L in [0.9399, 2.032] on a ball (PROVED)")
    True
    >>> agrees("PROVED", "UNDECIDED")
    False
    """
    text = _spaced(printed)
    first, *others = _spaced(shown).split(_GAP)
    if not others:
        return _matches(first, text, 0) == len(text)
    position = _matches(first, text, 0)
    if position is None:
        return False
    *middle, last = others
    for piece in middle:
        found = (_matches(piece, text, start) for start in range(_start(text, position), len(text)))
        if (position := next((end for end in found if end is not None), None)) is None:
            return False
    return any(_matches(last, text, start) == len(text) for start in range(_start(text, position), len(text)))


def _spaced(text: str) -> str:
    return f" {' '.join(text.split())} "


def _start(text: str, position: int) -> int:
    """Where the next piece may begin: one space may end a piece and begin the next."""
    return position - 1 if position and text[position - 1] == " " else position


def _matches(piece: str, text: str, start: int) -> int | None:
    """Return where the piece ends in the text if it stands at `start`, else None."""
    pattern = f"({_NUMBER.pattern})".join(map(re.escape, _NUMBER.split(piece)))
    if (match := re.compile(pattern).match(text, start)) is None:
        return None
    pairs = zip(_NUMBER.findall(piece), match.groups(), strict=True)
    return match.end() if all(math.isclose(float(a), float(b), rel_tol=NUMBERS_AGREE) for a, b in pairs) else None
