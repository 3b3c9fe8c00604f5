"""Values of options that are none, and tables of pyproject.toml that the pytest plugin reads."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from malformed_asks import Ask, Stock
from malformed_inputs import PLAIN
from malformed_words import WORDS, toml

PATHS = ("--junit", "--sarif", "--baseline", "--at", "--output")
OPTIONS = (
    *(("check", option) for option in ("--baseline-factor", "--junit", "--sarif", "--baseline", "--unknown")),
    *(("train", option) for option in ("--steps", "--rule", "--eta", "--norm", "--checkpoint-every", "--certificates")),
    *(("certify", option) for option in ("--kind", "--steps", "--eta", "--radius", "--at", "--output")),
    *(("test", option) for option in ("--examples", "--seed")),
    *(("range", option) for option in ("--norm", "--at", "--json")),
    ("explain", "--budget"),
    ("recheck", "--jobs"),
)
NO_VALUES = ("", "1e400", "nan", "-inf", "0x10", "many", "-", "1,5")
TABLES = (
    "[tool]\ndagverify = {}",
    "[[tool.dagverify]]\nspecs = [{}]",
    "[tool.dagverify]\nspecs = {}",
    "[tool.dagverify]\nspecs = [{}]",
    "[tool.dagverify.specs]\na = {}",
    "[tool.dagverify]\nspecs = [[{}]]",
)
TABLE_VALUES = (
    *("5", "true", '""', "[]", "{}", "1e400", "nan", "2020-01-01", "[1, 2]", "0x" + "f" * 6000),
    *('"."', '"**foo/*.toml"', '"/etc/passwd"', '"a\\u0000b"', '"[a"', '"***"', '"none.toml"', '".."', '"~"'),
    *('"' + "a" * 5000 + '"', '"' + "a/" * 5000 + '"'),
    *(toml(word) for word in WORDS[:20]),
)


def option_values(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Options with a value that they cannot have."""
    (folder / "spec.toml").write_text(PLAIN)
    command, option = rng.choice(OPTIONS)
    value = "" if option in PATHS else rng.choice([*NO_VALUES, *WORDS[:20]]).replace("\x00", "")
    needed = {"train": ("--out", str(folder / "r")), "certify": ("-o", str(folder / "c.json"))}.get(command, ())
    return Ask((command, str(folder / "spec.toml"), *needed, f"{option}={value}"), option)


def plugin_tables(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Tables [tool.dagverify] of a repository in which pytest runs."""
    text = rng.choice(TABLES).replace("{}", rng.choice(TABLE_VALUES))
    (folder / "pyproject.toml").write_text(f"# tool.dagverify\n{text}\n")
    (folder / "test_own.py").write_text("def test_own(): pass\n")
    arguments = ("-q", "-p", "no:cacheprovider", "--rootdir", str(folder))
    return Ask(arguments, "pyproject.toml", frozenset({4}), may_be_valid=True, pytest=True)


USAGE_MAKERS: dict[Callable[[random.Random, Stock, Path], Ask], float] = {option_values: 1.0, plugin_tables: 0.3}
"""Each maker, and how often it is chosen."""
