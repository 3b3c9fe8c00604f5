"""Pools: the mean or the largest of what a window sees."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

import numpy as np

from verify.graph.tensor import Tensor
from verify.layers.layer import Counts, Layer, Margins, Parameters, limited
from verify.layers.padding import padded
from verify.operations.gather import Gather, Indices
from verify.operations.maximum import Maximum
from verify.operations.slices import Concatenate
from verify.operations.windows import Windows
from verify.outcomes import InputError


def average_pool(h: Tensor, kernel: Sequence[int], stride: Sequence[int] = (), padding: Sequence[int] = ()) -> Tensor:
    """Return the mean over windows of the last axes; zeros of the padding count.

    Parameters
    ----------
    h : Tensor, shape (..., length, ...)
    kernel, stride, padding : sequence of int
        One number for each axis; the stride is the kernel's length by default.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> average_pool(GraphBuilder().constant("h", (1, 3, 8, 8)), (2, 2)).shape
    (1, 3, 4, 4)
    """
    seen = _windows(h, kernel, stride, padding, (1,) * len(kernel))
    return seen.sum(range(len(seen.shape) - len(kernel), len(seen.shape))).scale(Fraction(1, math.prod(kernel)))


def max_pool(
    h: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (),
    dilation: Sequence[int] = (),
) -> Tensor:
    """Return the largest entry of windows of the last axes; the padding never wins, its place repeats a neighbour.

    A window sees at least one entry of its own, since the padding is at most half the kernel; a padded place then
    repeats the entry of the window that is nearest to it, which leaves the largest entry as it is.
    """
    dilation = tuple(dilation) or (1,) * len(kernel)
    padding = tuple(padding) or (0,) * len(kernel)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise InputError(
            "padding of a max-pool must be at most half its kernel",
            padding=padding,
            kernel=tuple(kernel),
            remedy="use less padding",
        )
    if any(padding):
        return _padded_max_pool(h, tuple(kernel), tuple(stride) or tuple(kernel), padding, dilation)
    return _largest(_windows(h, kernel, stride, padding, dilation), len(kernel))


def adaptive_average_pool(h: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return means over bins that split the last axes into the given numbers of parts.

    Bin i of an axis of length n split into s parts holds the entries from floor(i n / s) to ceil((i + 1) n / s).
    """
    first = len(h.shape) - len(sizes)
    for axis, parts in enumerate(sizes, start=first):
        length = h.shape[axis]
        means = []
        for i in range(parts):
            start, stop = i * length // parts, -(-(i + 1) * length // parts)
            means.append(h.slice(axis, start, stop).mean(axis, keep=True))
        h = means[0] if parts == 1 else h.apply(Concatenate(axis), *means)
    return h


def _windows(
    h: Tensor, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]
) -> Tensor:
    first = len(h.shape) - len(kernel)
    wide = padded(h, [(first + axis, p, p) for axis, p in enumerate(padding)])
    return wide.apply(Windows(tuple(kernel), tuple(stride) or tuple(kernel), tuple(dilation)))


def _largest(seen: Tensor, dimensions: int) -> Tensor:
    return seen.reshape((*seen.shape[:-dimensions], math.prod(seen.shape[-dimensions:]))).apply(Maximum())


def _padded_max_pool(
    h: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...], padding: tuple[int, ...], dilation: tuple[int, ...]
) -> Tensor:
    """Pick the entries of every window along one axis after the other, then take the largest."""
    first = len(h.shape) - len(kernel)
    for k in range(len(kernel)):
        axis, length = first + 2 * k, h.shape[first + 2 * k]
        positions = (length + 2 * padding[k] - (kernel[k] - 1) * dilation[k] - 1) // stride[k] + 1
        places = np.arange(kernel[k]) * dilation[k]
        found = np.arange(positions)[:, None] * stride[k] - padding[k] + places
        inside = np.where((found >= 0) & (found < length), found, -1)
        nearest = np.where(inside >= 0, inside, inside.max(axis=1, keepdims=True))
        h = h.apply(Gather(axis, Indices(nearest)))
    lead = len(h.shape) - 2 * len(kernel)
    order = (*range(lead), *range(lead, len(h.shape), 2), *range(lead + 1, len(h.shape), 2))
    return _largest(h.permute(*order), len(kernel))


@final
@dataclass(frozen=True)
class AveragePool(Layer):
    """Means over windows of the axes behind the channels; zeros of the padding count.

    Parameters
    ----------
    kernel, stride, padding : int or list of int
        The stride is the kernel by default.
    """

    kernel: Counts
    stride: Counts | None = None
    padding: Margins = 0
    name: ClassVar[str] = "average_pool"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        dimensions = self.space(h)
        kernel = self.each("kernel", dimensions)
        stride = kernel if self.stride is None else self.each("stride", dimensions)
        return average_pool(h, kernel, stride, self.each("padding", dimensions))


@final
@dataclass(frozen=True)
class MaxPool(Layer):
    """The largest entry of windows of the axes behind the channels.

    Parameters
    ----------
    kernel, stride, padding, dilation : int or list of int
        The stride is the kernel by default; the padding, at most half the kernel, never wins.
    """

    kernel: Counts
    stride: Counts | None = None
    padding: Margins = 0
    dilation: Counts = 1
    name: ClassVar[str] = "max_pool"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        dimensions = self.space(h)
        kernel, dilation = self.each("kernel", dimensions), self.each("dilation", dimensions)
        stride = kernel if self.stride is None else self.each("stride", dimensions)
        padding = self.each("padding", dimensions)
        for length, side, step, margin in zip(h.shape[2:], kernel, dilation, padding, strict=True):
            if (side - 1) * step + 1 > length + 2 * margin:
                raise self.refuse(
                    "the window is larger than the input",
                    h,
                    "use a smaller kernel or more padding",
                    kernel=kernel,
                    dilation=dilation,
                )
            limited(self, (length + 2 * margin, side))
        return max_pool(h, kernel, stride, padding, dilation)


@final
@dataclass(frozen=True)
class AdaptiveAveragePool(Layer):
    """Means over bins that split the axes behind the channels into the given numbers of parts.

    Parameters
    ----------
    parts : int or list of int
    """

    parts: Counts = 1
    name: ClassVar[str] = "adaptive_average_pool"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        parts = self.each("parts", self.space(h))
        if any(part > length for part, length in zip(parts, h.shape[2:], strict=True)):
            raise self.refuse("more parts than entries", h, "ask for fewer parts", parts=parts)
        return adaptive_average_pool(h, parts)
