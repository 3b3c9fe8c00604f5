"""What the user set: command line before ini file, and the table ``[tool.dagverify]`` of pyproject.toml."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dagverify_pytest.pyproject import named_specs

SUFFIX = ".dagverify.toml"
OLDEST_PYTEST = (8, 4)
_LARGEST = 2**63 - 1


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
    """Declare the options and their ini twins.

    Raises
    ------
    pytest.UsageError
        If pytest is too old to know settings of type int.
    """
    if pytest.version_tuple[:2] < OLDEST_PYTEST:
        raise pytest.UsageError(
            f"the dagverify plugin needs pytest >= {'.'.join(map(str, OLDEST_PYTEST))}: pytest={pytest.__version__}; "
            "upgrade pytest, or leave the plugin out: -p no:dagverify"
        )
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
        frozenset(named_specs(config.rootpath)),
    )


def _number(config: pytest.Config, name: str, least: int) -> int:
    option = config.getoption(f"dagverify_{name}")
    try:
        value: Any = config.getini(f"dagverify_{name}") if option is None else option
    except (TypeError, ValueError, pytest.UsageError) as error:
        from verify.escaping import terminal

        raise pytest.UsageError(f"dagverify_{name}: {terminal(str(error))}; write a whole number >= {least}") from None
    if not least <= value <= _LARGEST:
        from verify.escaping import shorten

        shown = shorten(f"{value:#x}" if abs(value) > _LARGEST else str(value), 40)
        raise pytest.UsageError(f"dagverify_{name}: out of range: {name}={shown}; use a number >= {least} below 2^63")
    return int(value)
