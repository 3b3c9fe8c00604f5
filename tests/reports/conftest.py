"""A small spec file to vary, and its check from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from verify.cli import main

SMALL = """\
name = "small"
output = "y"

[data]
x = [[0.0, 1.0], [0.5, -0.25]]
y = [1.0, 0.0]

[nodes.x]
width = 2

[nodes.h]
width = 2
activation = "tanh"
inputs = ["x"]

[nodes.g]
width = 1
activation = "tanh"
inputs = ["x"]

[nodes.y]
width = 1
activation = "sigmoid"
inputs = ["h", "g", "x"]

[region]
kind = "ball"
radius = 0.1
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder that is the current one, outside any continuous integration."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def write_spec(folder: Path) -> Callable[..., Path]:
    """Return a function that writes the small spec with pairs (old, new) replaced."""

    def write(*replacements: tuple[str, str], name: str = "spec.toml") -> Path:
        text = SMALL
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new, 1)
        (folder / name).write_text(text, encoding="utf-8")
        return Path(name)

    return write


@pytest.fixture
def check() -> Callable[..., Result]:
    """Return a function that runs ``dagverify check``."""
    return lambda *arguments: CliRunner().invoke(main, ["check", *(str(argument) for argument in arguments)])


@pytest.fixture
def answer(check: Callable[..., Result]) -> Callable[..., dict[str, Any]]:
    """Return a function that runs ``dagverify check --json`` and reads what it printed."""
    return lambda *arguments: json.loads(check(*arguments, "--json").stdout)
