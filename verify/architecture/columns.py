"""The few column operations that arrays and interval arrays spell differently, so that one formula serves both."""

from __future__ import annotations

from typing import Any

import numpy as np


def with_zeros(values: Any, before: int, after: int) -> Any:
    """Return `values` with that many zero columns put before and after its last axis (exact for intervals)."""
    if isinstance(values, np.ndarray):
        return np.pad(values, [(0, 0)] * (values.ndim - 1) + [(before, after)])
    return type(values).from_midrad(
        with_zeros(values.mid, before, after), with_zeros(values.rad, before, after)
    )


def swap_last_axes(values: Any) -> Any:
    """Return `values` with its last two axes swapped."""
    axes = (*range(values.ndim - 2), values.ndim - 1, values.ndim - 2)
    return values.transpose(*axes)


def flat_rows(values: Any, width: int) -> Any:
    """Return `values` as a matrix of rows of the given width."""
    return values.reshape(-1, width)
