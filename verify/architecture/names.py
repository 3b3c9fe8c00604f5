"""Which names a vertex may bear, and when two names look alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from verify.outcomes import InputError

MAX_NAME_LENGTH = 200

_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:\-]*")
_PUNCTUATION = "_-.:"
_INVISIBLE_LETTERS = "\u115f\u1160\u3164\uffa0"
_LATIN_TWINS = str.maketrans(
    "аеорсхуіјѕһԁԛԝ" + "АВЕЗКМНОРСТУХІЈЅ" + "αικνορυχ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcxyijshdqw" + "ABE3KMHOPCTYXIJS" + "aikvopux" + "ABEZHIKMNOPTYX",
)


class _Escaped(str):
    """A name whose representation spells out every character that is not ASCII."""

    __slots__ = ()

    def __repr__(self) -> str:
        return ascii(str(self))


def check_name(name: Any) -> str:
    """Return `name` if a vertex may bear it.

    A name consists of letters, digits, ``_ - . :`` and starts with a letter, a digit or ``_``.

    Raises
    ------
    InputError
        If it is no such name; the error shows it with every special character escaped.

    Examples
    --------
    >>> check_name("encoder.h1")
    'encoder.h1'
    """
    if not isinstance(name, str):
        raise InputError(
            "a vertex name must be a string",
            name=name,
            type=type(name).__name__,
            remedy="rename it, with networkx by nx.relabel_nodes(graph, str)",
        )
    if not name:
        raise InputError("a vertex name must not be empty", name=name, remedy="name it")
    if len(name) > MAX_NAME_LENGTH:
        raise InputError(
            f"a vertex name has at most {MAX_NAME_LENGTH} characters", name=name, length=len(name), remedy="shorten it"
        )
    if _PLAIN_NAME.fullmatch(name) or (_is_first(name[0]) and all(map(_is_allowed, name))):
        return name
    raise InputError(
        "a vertex name consists of letters, digits and _ - . : and starts with a letter, a digit or _",
        name=_Escaped(name),
        remedy="rename it",
    )


def check_distinct(names: Iterable[str]) -> None:
    """Refuse names that are equal or that a reader cannot tell apart.

    Compatibility forms (full-width letters, superscripts, ...) and Cyrillic or Greek twins of Latin letters
    look alike; upper and lower case do not.
    """
    seen: dict[str, str] = {}
    for name in names:
        shown = skeleton(name)
        if shown in seen and seen[shown] == name:
            raise InputError("two vertices bear the same name", name=name, remedy="rename one")
        if shown in seen:
            raise InputError(
                "two vertices bear names that look alike",
                first=_Escaped(seen[shown]),
                second=_Escaped(name),
                remedy="rename one",
            )
        seen[shown] = name


def skeleton(name: str) -> str:
    """Return what a reader sees of a name: names with equal skeletons look alike.

    Examples
    --------
    >>> skeleton("\N{CYRILLIC SMALL LETTER ES}1") == skeleton("c1")
    True
    """
    if name.isascii():
        return name
    return unicodedata.normalize("NFKC", name).translate(_LATIN_TWINS)


def _is_first(character: str) -> bool:
    return character == "_" or _is_letter_or_digit(character)


def _is_allowed(character: str) -> bool:
    return character in _PUNCTUATION or _is_letter_or_digit(character)


def _is_letter_or_digit(character: str) -> bool:
    return character.isalnum() and character not in _INVISIBLE_LETTERS
