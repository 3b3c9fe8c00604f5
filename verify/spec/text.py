"""The bytes of a spec file: refused when they cannot be one, else parsed as TOML."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from verify.files import reading
from verify.files.kinds import SPEC
from verify.outcomes import InputError

MAX_KEY_PARTS = 64

_POSITION = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_KEY_PART = r"""(?>[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*+\.[ \t]*+"""
MAX_WORD = 10**6
"""The parser takes a third of a second for so many characters."""
_LONG_WORD = re.compile(rf"(?<![^\s,\[\]])[^\s,\[\]]{{{MAX_WORD + 1}}}")
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_KEY_PART}){{{MAX_KEY_PARTS}}}")


def read_text(path: Path) -> str:
    """Return the text of a spec file, its lines ended by a newline alone.

    Raises
    ------
    InputError
        If the file is missing, not regular, too large, or not UTF-8 text.
    """
    return reading.read_text(path, SPEC).replace("\r\n", "\n")


def parse(text: str, path: Path) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises
    ------
    InputError
        If the text is not TOML (duplicate keys included), with the line.
    """
    long_word = _LONG_WORD.search(text)
    if long_word:
        raise InputError(
            "a word is too long",
            where=f"{path}:{text.count(chr(10), 0, long_word.start()) + 1}",
            word=long_word[0][:40],
            remedy=f"a word has at most {MAX_WORD} characters",
        )
    long_key = _LONG_KEY.search(text)
    if long_key:
        line = text.count("\n", 0, long_key.start()) + 1
        raise InputError(
            "key too long",
            where=f"{path}:{line}",
            key=long_key[0],
            remedy=f"a key has at most {MAX_KEY_PARTS} parts",
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(str(error), text, path) from None
    except RecursionError:
        raise InputError(
            "not valid TOML: nested too deeply", where=str(path), depth=">100", remedy="flatten the values"
        ) from None
    except ValueError as error:
        raise InputError(
            "a number or date is out of range", where=str(path), reason=str(error), remedy="write it shorter"
        ) from None


def _syntax_error(message: str, text: str, path: Path) -> InputError:
    position = _POSITION.search(message)
    what = message[: position.start()] if position else message
    line = int(position[1]) if position and position[1] else text.count("\n") + 1
    remedy = "correct this line"
    if what.startswith("Cannot"):
        remedy = "a key or table may stand once only: remove or rename one of the two"
    lines = text.split("\n")
    shown = lines[line - 1].strip() if line <= len(lines) else ""
    what = what[:1].lower() + what[1:]
    return InputError(f"not valid TOML: {what}", where=f"{path}:{line}", line=shown, remedy=remedy)
