"""Samples of the cases of a test: a few run always, the others with ``make slow``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(count: int, always: int) -> list[Any]:
    """Return the numbers below `count` as parameters, those from `always` on marked as slow."""
    return [pytest.param(number, marks=() if number < always else pytest.mark.slow) for number in range(count)]


def always(*chosen: str, of: Iterable[str]) -> list[Any]:
    """Return names as parameters, those that were not chosen marked as slow."""
    return [pytest.param(name, marks=() if name in chosen else pytest.mark.slow) for name in of]
