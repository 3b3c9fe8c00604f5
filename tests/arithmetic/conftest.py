"""Exact containment in rational arithmetic, shared by the tests of interval operations."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from verify.arithmetic.intervals import Interval


def rational(x: Any) -> np.ndarray:
    """Return float64 numbers as an object array of exact fractions."""
    array = np.asarray(x, dtype=np.float64)
    return np.array([Fraction(v) for v in array.ravel().tolist()], dtype=object).reshape(array.shape)


def missed(enclosure: Interval, exact: np.ndarray) -> int:
    """Count the entries of `exact` (fractions) that lie outside; an infinite radius holds everything."""
    if enclosure.shape != exact.shape:
        raise ValueError(f"shapes disagree: {enclosure.shape} and {exact.shape}")
    count = 0
    for mid, rad, value in zip(
        enclosure.mid.ravel().tolist(), enclosure.rad.ravel().tolist(), exact.ravel(), strict=True
    ):
        count += rad != np.inf and abs(Fraction(mid) - value) > Fraction(rad)
    return count


@pytest.fixture(name="rational")
def _rational() -> Callable[[Any], np.ndarray]:
    return rational


@pytest.fixture(name="missed")
def _missed() -> Callable[[Interval, np.ndarray], int]:
    return missed
