"""The table ``[tool.dagverify]`` of pyproject.toml: every value that cannot be used is a usage error of one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

_WRITE = 'write specs = ["models/net.toml"]'


def named_specs(root: Path) -> list[Path]:
    """Return the files of ``[tool.dagverify] specs``; the file is parsed only if it speaks of dagverify.

    Raises
    ------
    pytest.UsageError
        If the table or a pattern cannot be used.
    """
    file = root / "pyproject.toml"
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
    except (OSError, UnicodeDecodeError):
        return []
    if "dagverify" not in text:
        return []
    return [path.resolve() for pattern in _patterns(text, file) for path in _files(root, pattern, file)]


def _patterns(text: str, file: Path) -> list[str]:
    import tomllib

    try:
        tables = tomllib.loads(text)
    except RecursionError:
        _refuse(file, "not valid TOML", "nested too deeply")
    except ValueError as error:
        _refuse(file, "not valid TOML", str(error))
    tool = tables.get("tool", {})
    table = tool.get("dagverify", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        _refuse(
            file,
            f"tool.dagverify: it should be one table: dagverify={_shown(table)}",
            f"write [tool.dagverify] and below it {_WRITE.removeprefix('write ')}",
        )
    unknown = sorted(set(table) - {"specs"})
    if unknown:
        _refuse(file, f"tool.dagverify: unknown key: key={_shown(unknown[0])}", "use specs")
    patterns = table.get("specs", [])
    if not (isinstance(patterns, list) and all(isinstance(pattern, str) and pattern for pattern in patterns)):
        _refuse(file, f"tool.dagverify: specs={_shown(patterns)}", _WRITE)
    return patterns


def _files(root: Path, pattern: str, file: Path) -> Iterator[Path]:
    if Path(pattern).is_absolute():
        _refuse(file, f"tool.dagverify: specs={_shown(pattern)}", "write a path relative to this file")
    try:
        found = sorted(path for path in root.glob(pattern) if path.is_file())
    except (ValueError, NotImplementedError, OSError, IndexError, RecursionError) as error:
        _refuse(file, f"tool.dagverify: not a pattern: specs={_shown(pattern)}, reason={_shown(str(error))}", _WRITE)
    if not found:
        _refuse(file, f"tool.dagverify: no such file: specs={_shown(pattern)}", "correct the path")
    yield from found


def _shown(value: Any) -> str:
    from verify.escaping import shorten

    try:
        return shorten(repr(value), 200)
    except ValueError:
        return f"<{type(value).__name__} with a number too long to show>"


def _refuse(file: Path, fault: str, remedy: str) -> NoReturn:
    from verify.escaping import terminal

    raise pytest.UsageError(terminal(f"{file}: {fault}; {remedy}"))
