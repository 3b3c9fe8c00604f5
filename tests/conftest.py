"""A small valid spec file to vary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.specifications import SMALL


@pytest.fixture
def spec_text() -> str:
    return SMALL


@pytest.fixture
def write_spec(tmp_path: Path, spec_text: str) -> Callable[..., Path]:
    """Return a function that writes the small spec with pairs (old, new) replaced and returns its path."""

    def write(*replacements: tuple[str, str]) -> Path:
        text = spec_text
        for old, new in replacements:
            assert text.count(old) == 1, f"the spec holds {old!r} {text.count(old)} times"
            text = text.replace(old, new)
        path = tmp_path / "spec.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
