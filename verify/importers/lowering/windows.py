"""Pools whose windows may reach over the ends of the array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verify.graph.tensor import Tensor
from verify.operations.gather import Gather, Indices
from verify.operations.maximum import Maximum
from verify.operations.slices import Concatenate


def max_pool_over_the_ends(
    h: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> Tensor:
    """Return the largest entries of windows that may reach over the ends."""
    windows = []
    for k in range(len(kernel)):
        length = h.shape[len(h.shape) - len(kernel) + k]
        count = _positions(length, kernel[k], stride[k], padding[k], dilation[k], ceil_mode)
        starts = [position * stride[k] - padding[k] for position in range(count)]
        found = [start + np.arange(kernel[k]) * dilation[k] for start in starts]
        windows.append([places[(places >= 0) & (places < length)] for places in found])
    return largest_of(h, windows)


def _positions(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Return PyTorch's number of windows; with ceil_mode each begins inside the array or its left padding."""
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= length + padding else count


def largest_of(h: Tensor, windows: Sequence[Sequence[np.ndarray]]) -> Tensor:
    """Return the largest entry of every box of the last axes, given by the places along each axis.

    Windows of one width are taken together: an entry that stands twice in a window would be tied with itself.
    """
    first = len(h.shape) - len(windows)
    for axis, of_axis in enumerate(windows, start=first):
        parts, numbers = [], []
        for width in sorted(set(map(len, of_axis))):
            chosen = [number for number, found in enumerate(of_axis) if len(found) == width]
            seen = h.apply(Gather(axis, Indices(np.array([of_axis[number] for number in chosen]))))
            order = [k for k in range(len(seen.shape)) if k != axis + 1]
            parts.append(seen.permute(*order, axis + 1).apply(Maximum()))
            numbers += chosen
        h = parts[0] if len(parts) == 1 else parts[0].apply(Concatenate(axis), *parts)
        if numbers != sorted(numbers):
            h = h.apply(Gather(axis, Indices(np.argsort(numbers))))
    return h
