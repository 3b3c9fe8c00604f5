"""How large a whole number in a file may be: no count, seed or bit pattern of this package needs more.

Python reads hexadecimal integers of any length, and refuses to write one of more than 4300 digits: so they are bounded
where they enter.
"""

from __future__ import annotations

from typing import Any

from verify.outcomes import InputError

LARGEST = 2**63 - 1
"""What TOML asks every reader to accept."""

_LONGEST = 19
REMEDY = "whole numbers in files have at most 63 bits"


def whole_number(literal: str) -> int:
    """Read a decimal whole number, as ``parse_int`` of a JSON reader.

    Raises
    ------
    InputError
        If it exceeds `LARGEST` in size.

    Examples
    --------
    >>> whole_number("-12")
    -12
    """
    value = int(literal) if len(literal.lstrip("-")) <= _LONGEST else LARGEST + 1
    if abs(value) > LARGEST:
        raise InputError("whole number too large", value=literal[:24], digits=len(literal), remedy=REMEDY)
    return value


def oversized(data: Any) -> tuple[str | int, ...] | None:
    """Return where in plain data the first whole number beyond `LARGEST` stands, None if there is none.

    Examples
    --------
    >>> oversized({"a": [1, {"b": 2**63}]})
    ('a', 1, 'b')
    """
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), data)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [((*place, key), item) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            waiting += [((*place, i), item) for i, item in reversed(list(enumerate(value))) if not _is_small(item)]
        elif isinstance(value, int) and abs(value) > LARGEST:
            return place
    return None


def _is_small(value: Any) -> bool:
    """Whether the value holds no number that is too large, as far as can be said without looking inside."""
    return isinstance(value, (float, str)) or (isinstance(value, int) and abs(value) <= LARGEST)
