"""Reading one field of a plain description: whole numbers, pairs and the keys that may stand in a table."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from verify.outcomes import InputError

MAX_WIDTH = 2**24
"""Largest number of units of one vertex; more would exhaust the memory of a usual machine."""


def whole_number(value: Any, name: str, *, minimum: int, maximum: int = MAX_WIDTH) -> int:
    """Return `value` as an int within the bounds.

    Raises
    ------
    InputError
        If it is no whole number (a bool or a float is none) or lies outside the bounds.

    Examples
    --------
    >>> whole_number(3, "stride", minimum=1)
    3
    """
    shown: dict[str, Any] = {name: value}
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise InputError(
            f"{name} must be a whole number", type=type(value).__name__, **shown, remedy=f"give {minimum} or more"
        )
    number = operator.index(value)
    if number < minimum:
        raise InputError(f"{name} must be at least {minimum}", **shown, remedy=f"give {minimum} or more")
    if number > maximum:
        raise InputError(f"{name} is too large", remedy=f"use at most {maximum}", **shown)
    return number


def whole_numbers(value: Any, name: str, count: int, *, minimum: int) -> tuple[int, ...]:
    """Return a list of exactly `count` whole numbers as a tuple."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)) or len(value) != count:
        shown: dict[str, Any] = {name: value}
        raise InputError(f"{name} must be a list of {count} whole numbers", **shown, remedy=f"give {count} of them")
    return tuple(whole_number(entry, f"{name}[{i}]", minimum=minimum) for i, entry in enumerate(value))


def pair(value: Any, name: str, *, minimum: int) -> tuple[int, int]:
    """Return one whole number, taken for both directions, or a list of two as ``(vertical, horizontal)``."""
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        vertical, horizontal = whole_numbers(value, name, 2, minimum=minimum)
        return vertical, horizontal
    both = whole_number(value, name, minimum=minimum)
    return both, both


def known_keys(table: Mapping[Any, Any], allowed: Collection[str]) -> None:
    """Refuse a table that holds a key which is not in `allowed`."""
    for key in table:
        if key not in allowed:
            raise InputError("unknown key", key=key, remedy=f"known keys are {', '.join(allowed)}")


def required(table: Mapping[str, Any], key: str) -> Any:
    """Return the value of a key that must be there."""
    if table.get(key) is None:
        raise InputError(f"{key} is missing", remedy=f"add {key} = ...", found=sorted(map(str, table))[:8])
    return table[key]


def optional(table: Mapping[str, Any], key: str, default: Any) -> Any:
    """Return the value of a key that may be missing (or None), else `default`."""
    value = table.get(key)
    return default if value is None else value
