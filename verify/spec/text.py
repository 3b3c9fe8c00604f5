"""The bytes of a spec file: refused when they cannot be one, else parsed as TOML."""

from __future__ import annotations

import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from verify.outcomes import InputError

MAX_BYTES = 32 * 2**20
MAX_KEY_PARTS = 64

_POSITION = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_KEY_PART = r"""(?>[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*+\.[ \t]*+"""
_LONG_KEY = re.compile(rf"(?<![\w-])(?:{_KEY_PART}){{{MAX_KEY_PARTS}}}")


def regular_file(path: Path, *, remedy: str) -> int:
    """Return the size in bytes of a regular file.

    Raises
    ------
    InputError
        If there is no such file, it cannot be looked at, or it is a directory or a device.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise InputError("no such file", where=str(path), path=str(path), remedy=remedy) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("cannot open the file", where=str(path), reason=reason, remedy=remedy) from None
    if not stat.S_ISREG(status.st_mode):
        kind = "directory" if stat.S_ISDIR(status.st_mode) else "special file"
        raise InputError("not a file", where=str(path), kind=kind, remedy=remedy)
    return status.st_size


def read_text(path: Path) -> str:
    """Return the text of a spec file.

    Raises
    ------
    InputError
        If the file is missing, not regular, larger than `MAX_BYTES`, or not UTF-8 text.
    """
    size = regular_file(path, remedy="give the path of a TOML spec file")
    if size > MAX_BYTES:
        raise InputError(
            "file too large for a spec",
            where=str(path),
            bytes=size,
            limit=MAX_BYTES,
            remedy='keep the data in an .npz file and name it: source = "npz:data.npz"',
        )
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            "cannot read the file", where=str(path), reason=error.strerror, remedy="check its permissions"
        ) from None
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            "not UTF-8 text",
            where=f"{path}:{line}",
            byte=hex(content[error.start]),
            offset=error.start,
            remedy="give a TOML spec file saved as UTF-8",
        ) from None


def parse(text: str, path: Path) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises
    ------
    InputError
        If the text is not TOML (duplicate keys included), with the line.
    """
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
