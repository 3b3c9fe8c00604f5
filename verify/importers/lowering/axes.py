"""Axes moved to the end and back, as operations along the last axis need them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from verify.graph.tensor import Tensor


def last_axis(z: Tensor, axis: int) -> Tensor:
    """Return the array with an axis moved to the end."""
    return z.permute(*_order(len(z.shape), axis))


def axis_back(z: Tensor, axis: int) -> Tensor:
    """Return the array with its last axis moved to a place: the inverse of `last_axis`."""
    order = _order(len(z.shape), axis)
    return z.permute(*(order.index(k) for k in range(len(order))))


def merged_last(z: Tensor, axes: Sequence[int]) -> Tensor:
    """Return the array with some axes (all of them if none are named) merged to one at the end."""
    gone = [axis % len(z.shape) for axis in axes] or list(range(len(z.shape)))
    stay = [axis for axis in range(len(z.shape)) if axis not in gone]
    moved = z.permute(*stay, *gone)
    return moved.reshape((*moved.shape[: len(stay)], math.prod(moved.shape[len(stay) :])))


def kept_axes(found: Tensor, shape: Sequence[int], axes: Sequence[int]) -> Tensor:
    """Return what is left of an array of a shape without some axes (or all), with those of length 1."""
    gone = {axis % len(shape) for axis in axes} or set(range(len(shape)))
    return found.reshape(tuple(1 if axis in gone else n for axis, n in enumerate(shape)))


def _order(dimensions: int, axis: int) -> list[int]:
    place = axis % dimensions
    return [*(k for k in range(dimensions) if k != place), place]
