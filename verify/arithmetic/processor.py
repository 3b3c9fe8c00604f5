"""The state of this thread's floating-point unit, told from a few of Python's own sums: it costs under a microsecond.

The constants are made at run time from exact numbers, in ways that no state of the processor changes: the compiler
would fold ``2.0**-1022`` in the state of the moment, and the interpreter keep it in a file for later processes.
"""

from __future__ import annotations

import sys
from math import ldexp

SMALLEST_NORMAL = ldexp(1.0, -1022)
_HALF, _ONE, _UNIT, _MORE_THAN_UNIT = 0.5, 1.0, ldexp(1.0, -53), ldexp(1.5, -53)
_NEXT, _AFTER_NEXT = ldexp(float(2**52 + 1), -52), ldexp(float(2**51 + 1), -51)

suspicion: str | None = None
"""Why numbers that this process keeps cannot be trusted, whatever state it is in now; None where they can."""


def flaw() -> str | None:
    """Return what is wrong with the thread's arithmetic; None if it rounds to nearest and keeps subnormal numbers.

    Examples
    --------
    >>> flaw() is None
    True
    """
    half = SMALLEST_NORMAL * _HALF
    if half + half != SMALLEST_NORMAL:
        return "subnormal numbers become zero"
    if _ONE + _UNIT != _ONE or _NEXT + _UNIT != _AFTER_NEXT or _ONE + _MORE_THAN_UNIT != _NEXT:
        return "rounding is not to nearest"
    return None


def suspect(reason: str) -> None:
    """Refuse every later answer of this process: constants or caches were computed in a hostile state."""
    global suspicion  # noqa: PLW0603 -- a fact about the process
    suspicion = suspicion or reason


def note_import() -> None:
    """Remember if modules are imported in a hostile state, and keep what is compiled in it out of files."""
    if (found := flaw()) is not None:
        suspect(f"the package was imported while {found}")
        sys.dont_write_bytecode = True
