"""Samples of random tests: the first few run always, the others with ``make slow``."""

from __future__ import annotations

from typing import Any

import pytest


def sampled(count: int, always: int) -> list[Any]:
    """Return the numbers below `count` as parameters, those from `always` on marked as slow."""
    return [pytest.param(number, marks=() if number < always else pytest.mark.slow) for number in range(count)]
