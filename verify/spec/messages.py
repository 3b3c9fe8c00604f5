"""Turns what pydantic found wrong into one line: file and place, ``name=value``, remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from verify.outcomes import InputError
from verify.spec.lines import KeyPath, LineMap
from verify.spec.node_models import BARE_NAME, VERTEX

_PLAIN = {
    "dict_type": "it should be a table",
    "model_type": "it should be a table",
    "model_attributes_type": "it should be a table",
    "list_type": "it should be an array",
    "string_type": "it should be text in quotes",
    "int_type": "it should be a whole number",
    "int_from_float": "it should be a whole number",
    "float_type": "it should be a number",
    "bool_type": "it should be true or false",
    "finite_number": "give a number of at most 1.797e308",
}
_SUBJECT = re.compile(r"^(Input|String|List|Dictionary) should")
_BARE = re.compile(r"[\w-]+")
_LONGEST_WORD = 200
"""Characters of a word that are compared: a key of megabytes is near to no other."""
_TAGGED = {"_node_kind": "layer", "name": "loss"}
"""What an unknown tag is called, by the discriminator that reads it."""
_TAKEN = ("what", "where", "remedy", "self")


def place(path: Path, lines: LineMap, key: KeyPath) -> str:
    """Return where a key stands, as ``file:line: a.b[0]``."""
    line = lines.line(key)
    located = f"{path}:{line}" if line else str(path)
    return f"{located}: {dotted(key)}" if key else located


def dotted(key: KeyPath) -> str:
    """Return a key path as text.

    Examples
    --------
    >>> dotted(("nodes", "h", "inputs", 1, "from"))
    'nodes.h.inputs[1].from'
    """
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if _BARE.fullmatch(part) else repr(part)
            text += f".{shown}" if text else shown
    return text


def nearest(word: str, allowed: Sequence[str]) -> str:
    """Return the remedy for a misspelt word: the closest allowed one, or all of them.

    Examples
    --------
    >>> nearest("widht", ["width", "inputs"])
    "did you mean 'width'?"
    >>> nearest("q", ["width", "inputs"])
    'use one of width, inputs'
    """
    close = difflib.get_close_matches(word[:_LONGEST_WORD], allowed, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"use one of {', '.join(allowed)}" if len(allowed) > 1 else f"use {allowed[0]}"


def first_error(error: ValidationError, tables: dict[str, Any], path: Path, lines: LineMap) -> InputError:
    """Return the first error of a validation, in the order of the file."""
    found = [_located(item, tables) for item in error.errors(include_url=False, include_input=False)]
    key, item, value = min(found, key=lambda entry: lines.line(entry[0]) or 0)
    return _described(item, key, value).at(place(path, lines, key))


def _located(item: Any, tables: dict[str, Any]) -> tuple[KeyPath, Any, Any]:
    """Follow pydantic's location through the file's tables; the names of union members are no keys."""
    value: Any = tables
    key: list[str | int] = []
    location = [*item["loc"], item["ctx"]["key"]] if item["type"] == "unknown_key" else item["loc"]
    for part in location:
        is_key = isinstance(value, dict) and part in value
        is_index = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if is_key or is_index:
            value = value[part]
            key.append(part)
    return tuple(key), item, value


def _described(item: Any, key: KeyPath, value: Any) -> InputError:
    kind, context = item["type"], item.get("ctx", {})
    name = next((part for part in reversed(key) if isinstance(part, str) and part not in _TAKEN), "value")
    if kind == "unknown_key":
        wrong = context["key"]
        return InputError("unknown key", remedy=nearest(wrong, context["allowed"]), **{name: value})
    if kind == "missing":
        missing = str(item["loc"][-1])
        return InputError("missing key", remedy=f"add {missing} = ...", key=missing)
    if kind == "union_tag_not_found":
        missing = context["discriminator"].strip("'")
        return InputError("missing key", remedy=f"add {missing} = ...", key=missing)
    if kind == "union_tag_invalid":
        allowed = [tag for tag in _quoted_words(context["expected_tags"]) if tag not in (BARE_NAME, VERTEX)]
        word = _TAGGED.get(context["discriminator"].strip("'()"), "kind")
        return InputError(f"unknown {word}", remedy=nearest(str(context["tag"]), allowed), **{word: context["tag"]})
    if "remedy" in context:
        shown = {label: content for label, content in context.items() if label != "remedy"}
        return InputError(item["msg"], remedy=context["remedy"], **shown)
    if kind == "literal_error" and isinstance(value, str):
        allowed = _quoted_words(context["expected"].replace(" or ", ","))
        return InputError("unknown value", remedy=nearest(value, allowed), **{name: value})
    remedy = _PLAIN.get(kind, _SUBJECT.sub("it should", item["msg"]))
    what = "wrong type" if kind in _PLAIN else "not allowed"
    return InputError("not a finite number" if kind == "finite_number" else what, remedy=remedy, **{name: value})


def _quoted_words(text: str) -> list[str]:
    return [word.strip("' ") for word in text.split(",")]
