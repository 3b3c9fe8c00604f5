"""Convolutions of any dimension: padded, cut into windows and contracted with the kernel; and their transposes."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.layer import Count, Counts, Layer, Margins, Parameters
from verify.layers.padding import padded
from verify.operations.contraction import Contraction
from verify.operations.windows import Fold, Windows


def convolution(
    h: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (),
    padding: Sequence[int] = (),
    dilation: Sequence[int] = (),
    groups: int = 1,
) -> Tensor:
    """Return the convolution (cross-correlation, as in common frameworks).

    Parameters
    ----------
    h : Tensor, shape (n, channels in, length, ...)
    kernel : Tensor, shape (channels out, channels in / groups, kernel length, ...)
    bias : Tensor, shape (channels out,), optional
    stride, padding, dilation : sequence of int
        One number for each spatial axis; by default 1, 0 and 1. `padding` counts zeros on either side.
    groups : int
        Channels are split into so many parts that do not see each other.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> h, k = builder.constant("h", (2, 4, 9, 9)), builder.parameter("k", (6, 2, 3, 3))
    >>> convolution(h, k, stride=(2, 2), padding=(1, 1), groups=2).shape
    (2, 6, 5, 5)
    """
    n, _, *lengths = h.shape
    out, per_group, *sides = kernel.shape
    stride, padding, dilation = _options(len(lengths), stride, padding, dilation)
    wide = padded(h, [(2 + axis, p, p) for axis, p in enumerate(padding)])
    seen = wide.apply(Windows(tuple(sides), stride, dilation))
    grid = seen.shape[2 : 2 + len(lengths)]
    seen = seen.reshape((n, groups, per_group, *grid, *sides))
    weights = kernel.reshape((groups, out // groups, per_group, *sides))
    places, inside = _letters(len(lengths))
    z = seen.apply(Contraction(f"ngc{places}{inside}", f"goc{inside}", f"ngo{places}"), seen, weights)
    return _biased(z.reshape((n, out, *grid)), bias)


def transposed_convolution(
    h: Tensor,
    kernel: Tensor,
    bias: Tensor | None = None,
    stride: Sequence[int] = (),
    padding: Sequence[int] = (),
    output_padding: Sequence[int] = (),
    dilation: Sequence[int] = (),
    groups: int = 1,
) -> Tensor:
    """Return the transpose of a convolution in its input, as layers that enlarge images use it.

    Parameters
    ----------
    h : Tensor, shape (n, channels in, length, ...)
    kernel : Tensor, shape (channels in, channels out / groups, kernel length, ...)
    bias, stride, padding, dilation, groups
        Of the convolution.
    output_padding : sequence of int
        Rows added at the end of every spatial axis of the result.
    """
    n, channels, *grid = h.shape
    _, per_group, *sides = kernel.shape
    stride, padding, dilation = _options(len(grid), stride, padding, dilation)
    extra = tuple(output_padding) or (0,) * len(grid)
    lengths = tuple(
        (g - 1) * s + (k - 1) * d + 1 + e for g, s, k, d, e in zip(grid, stride, sides, dilation, extra, strict=True)
    )
    places, inside = _letters(len(grid))
    units = h.reshape((n, groups, channels // groups, *grid))
    weights = kernel.reshape((groups, channels // groups, per_group, *sides))
    seen = units.apply(Contraction(f"ngo{places}", f"goc{inside}", f"ngc{places}{inside}"), units, weights)
    z = seen.reshape((n, groups * per_group, *grid, *sides)).apply(Fold(tuple(sides), stride, dilation, lengths))
    for axis, p in enumerate(padding):
        if p:
            z = z.slice(2 + axis, p, z.shape[2 + axis] - p)
    return _biased(z, bias)


def _options(dimensions: int, *options: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(option) or (default,) * dimensions for option, default in zip(options, (1, 0, 1), strict=True))


def _letters(dimensions: int) -> tuple[str, str]:
    return string.ascii_uppercase[:dimensions], string.ascii_uppercase[dimensions : 2 * dimensions]


def _biased(z: Tensor, bias: Tensor | None) -> Tensor:
    return (
        z if bias is None else z + bias.reshape((-1 if not bias.shape else bias.shape[0], *(1,) * (len(z.shape) - 2)))
    )


@final
@dataclass(frozen=True)
class Convolution(Layer):
    """A convolution of as many dimensions as its input has axes behind the channels.

    Parameters
    ----------
    channels : int
        Of the result.
    kernel, stride, padding, dilation : int or list of int
    groups : int
        Parts that do not see each other.
    bias : bool
        One for each channel.
    """

    channels: Count
    kernel: Counts
    stride: Counts = 1
    padding: Margins = 0
    dilation: Counts = 1
    groups: Count = 1
    bias: bool = True
    name: ClassVar[str] = "convolution"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        dimensions, channels = self.space(h), h.shape[1]
        _check_groups(self, h, channels, self.channels, self.groups)
        sides = self.each("kernel", dimensions)
        shape, places = (self.channels, channels // self.groups, *sides), math.prod(sides)
        weight = parameters.parameter("weight", shape, fans=(shape[1] * places, self.channels * places))
        stride, padding, dilation = (self.each(option, dimensions) for option in ("stride", "padding", "dilation"))
        bias = parameters.parameter("bias", (self.channels,)) if self.bias else None
        return convolution(h, weight, bias, stride, padding, dilation, self.groups)


@final
@dataclass(frozen=True)
class TransposedConvolution(Layer):
    """The transpose of a convolution, which enlarges.

    Parameters
    ----------
    channels : int
        Of the result.
    kernel, stride, padding, output_padding, dilation : int or list of int
    groups : int
    bias : bool
    """

    channels: Count
    kernel: Counts
    stride: Counts = 1
    padding: Margins = 0
    output_padding: Margins = 0
    dilation: Counts = 1
    groups: Count = 1
    bias: bool = True
    name: ClassVar[str] = "transposed_convolution"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        dimensions, channels = self.space(h), h.shape[1]
        _check_groups(self, h, channels, self.channels, self.groups)
        sides = self.each("kernel", dimensions)
        stride, padding, extra, dilation = (
            self.each(option, dimensions) for option in ("stride", "padding", "output_padding", "dilation")
        )
        axes = zip(h.shape[2:], stride, sides, dilation, extra, padding, strict=True)
        if any(e >= max(s, d) or (n - 1) * s + (k - 1) * d + 1 + e <= 2 * p for n, s, k, d, e, p in axes):
            raise self.refuse("padding or output_padding is too large", h, padding=padding, output_padding=extra)
        shape, places = (channels, self.channels // self.groups, *sides), math.prod(sides)
        weight = parameters.parameter("weight", shape, fans=(channels * places, shape[1] * places))
        bias = parameters.parameter("bias", (self.channels,)) if self.bias else None
        return transposed_convolution(h, weight, bias, stride, padding, extra, dilation, self.groups)


def _check_groups(layer: Layer, h: Tensor, source: int, target: int, groups: int) -> None:
    if source % groups or target % groups:
        raise layer.refuse("groups must divide the channels of both sides", h, channels=target, groups=groups)
