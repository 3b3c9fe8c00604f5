"""Running the command in the same process, and a small valid spec file to vary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

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
inputs = ["x", {from = "x", kind = "identity"}]

[nodes.y]
width = 1
activation = "sigmoid"
inputs = ["h"]

[region]
kind = "ball"
radius = 0.1
"""


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes the small spec with pairs (old, new) replaced and returns its path."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = SMALL
        for old, new in replacements:
            assert text.count(old) == 1, f"the spec holds {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        path = tmp_path / "spec.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def dagverify() -> Callable[..., Result]:
    """Return a function that runs the command line of its arguments."""

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run
