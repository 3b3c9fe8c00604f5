"""What the user set: command line before ini file, and the table ``[tool.dagverify]`` of pyproject.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SUFFIX = ".dagverify.toml"


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    Parameters
    ----------
    examples, seed : int
        Of the item ``decrease`` and of every random search.
    collects : bool
        Whether spec files become test items.
    specs : frozenset of Path
        Spec files named in pyproject.toml, beside those called ``*.dagverify.toml``.
    """

    examples: int
    seed: int
    collects: bool
    specs: frozenset[Path]

    def is_spec(self, path: Path) -> bool:
        """Whether a file is collected."""
        return self.collects and (path.name.endswith(SUFFIX) or (bool(self.specs) and path.resolve() in self.specs))


def add_options(parser: pytest.Parser) -> None:
    """Declare the options and their ini twins."""
    group = parser.getgroup("dagverify", "monotone error decrease (dagverify)")
    group.addoption(
        "--dagverify-examples", type=int, metavar="N", help="steps that the item `decrease` takes (default: 200)"
    )
    group.addoption("--dagverify-seed", type=int, metavar="S", help="seed of everything random (default: 0)")
    group.addoption(
        "--dagverify-no-collect", action="store_true", help="do not turn spec files into test items; keep the fixtures"
    )
    parser.addini("dagverify_examples", "steps that the item `decrease` takes", type="int", default=200)
    parser.addini("dagverify_seed", "seed of everything random", type="int", default=0)
    parser.addini("dagverify_collect", "whether spec files become test items", type="bool", default=True)


def read_settings(config: pytest.Config) -> Settings:
    """Read the settings of a run.

    Raises
    ------
    pytest.UsageError
        If a value is out of range or of the wrong type.
    """
    return Settings(
        _number(config, "examples", least=1),
        _number(config, "seed", least=0),
        not config.getoption("dagverify_no_collect") and bool(config.getini("dagverify_collect")),
        frozenset(_named_specs(config.rootpath)),
    )


def _number(config: pytest.Config, name: str, least: int) -> int:
    option = config.getoption(f"dagverify_{name}")
    try:
        value: Any = config.getini(f"dagverify_{name}") if option is None else option
    except (TypeError, ValueError, pytest.UsageError) as error:
        raise pytest.UsageError(f"dagverify_{name}: {error}; write a whole number >= {least}") from None
    if value < least:
        raise pytest.UsageError(f"dagverify_{name}: out of range: {name}={value}; use a number >= {least}")
    return int(value)


def _named_specs(root: Path) -> list[Path]:
    """Return the files of ``[tool.dagverify] specs``; the file is parsed only if it has such a table."""
    file = root / "pyproject.toml"
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    if "tool.dagverify" not in text:
        return []
    import tomllib

    try:
        table = tomllib.loads(text).get("tool", {}).get("dagverify", {})
    except tomllib.TOMLDecodeError as error:
        raise pytest.UsageError(f"{file}: not valid TOML: {error}") from None
    unknown = sorted(set(table) - {"specs"})
    if unknown:
        raise pytest.UsageError(f"{file}: tool.dagverify: unknown key: key={unknown[0]!r}; use specs")
    patterns = table.get("specs", [])
    if not (isinstance(patterns, list) and all(isinstance(pattern, str) and pattern for pattern in patterns)):
        raise pytest.UsageError(f'{file}: tool.dagverify: specs={patterns!r}; write specs = ["models/net.toml"]')
    files: list[Path] = []
    for pattern in patterns:
        if Path(pattern).is_absolute():
            raise pytest.UsageError(f"{file}: tool.dagverify: specs={pattern!r}; write a path relative to this file")
        found = sorted(path for path in root.glob(pattern) if path.is_file())
        if not found:
            raise pytest.UsageError(f"{file}: tool.dagverify: no such file: specs={pattern!r}; correct the path")
        files += found
    return [path.resolve() for path in files]
