"""A small valid spec file to vary; what holds for all tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import flint
import pytest
from hypothesis import HealthCheck, settings

from tests.specifications import SMALL

settings.register_profile(
    "patient", settings(settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
)
settings.load_profile("patient")
"""No test depends on how fast the machine is; in CI, which Hypothesis knows, examples are the same every time."""


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


@pytest.fixture(autouse=True)
def _arithmetic_of_flint_is_left_as_it_was() -> Iterator[None]:
    before = flint.ctx.cap, flint.ctx.prec
    yield
    assert (flint.ctx.cap, flint.ctx.prec) == before
