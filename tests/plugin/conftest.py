"""Spec files for runs of pytest inside pytest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

# A run inside the same process forgets the modules it imported, and NumPy cannot be imported twice: import before.
import verify.analysis.check
import verify.properties.suite
import verify.spec.specification  # noqa: F401

GOOD = """\
name = "good"
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
inputs = ["h", "x"]

[region]
kind = "ball"
radius = 0.1

[momentum]
eta = 0.05
tau = 0.02
"""


@pytest.fixture
def spec(pytester: pytest.Pytester) -> Callable[..., Path]:
    """Return a function that writes the spec file with pairs (old, new) replaced."""

    def write(name: str = "net.dagverify.toml", *replacements: tuple[str, str]) -> Path:
        text = GOOD
        for old, new in replacements:
            assert text.count(old) == 1, f"the spec holds {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        path = pytester.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write
