"""Zeros around an array."""

from __future__ import annotations

from collections.abc import Iterable

from verify.graph.tensor import Tensor
from verify.operations.slices import Pad


def padded(h: Tensor, widths: Iterable[tuple[int, int, int]]) -> Tensor:
    """Return the array with zeros before and after it; negative numbers cut entries off.

    Parameters
    ----------
    h : Tensor
    widths : iterable of (axis, before, after)
    """
    for axis, before, after in widths:
        length = h.shape[axis]
        if before < 0 or after < 0:
            h = h.slice(axis, max(-before, 0), length - max(-after, 0))
        start, length = max(before, 0), h.shape[axis] + max(before, 0) + max(after, 0)
        if length != h.shape[axis]:
            h = h.apply(Pad(axis, start, length))
    return h
