"""Convolutions of any dimension: padded, cut into windows and contracted with the kernel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.kernels import KernelLayer, biased, each_axis, letters
from verify.layers.layer import Parameters
from verify.layers.padding import padded
from verify.operations.contraction import Contraction
from verify.operations.windows import Windows


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
    stride, padding, dilation = each_axis(len(lengths), stride, padding, dilation)
    wide = padded(h, [(2 + axis, p, p) for axis, p in enumerate(padding)])
    seen = wide.apply(Windows(tuple(sides), stride, dilation))
    grid = seen.shape[2 : 2 + len(lengths)]
    seen = seen.reshape((n, groups, per_group, *grid, *sides))
    weights = kernel.reshape((groups, out // groups, per_group, *sides))
    places, inside = letters(len(lengths))
    z = seen.apply(Contraction(f"ngc{places}{inside}", f"goc{inside}", f"ngo{places}"), seen, weights)
    return biased(z.reshape((n, out, *grid)), bias)


@final
@dataclass(frozen=True)
class Convolution(KernelLayer):
    """A convolution of as many dimensions as its input has axes behind the channels.

    Its options are those of `KernelLayer`.
    """

    name: ClassVar[str] = "convolution"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        dimensions, channels = self.space(h), h.shape[1]
        self.check_groups(h)
        sides = self.each("kernel", dimensions)
        shape, places = (self.channels, channels // self.groups, *sides), math.prod(sides)
        weight = parameters.parameter("weight", shape, fans=(shape[1] * places, self.channels * places))
        stride, padding, dilation = (self.each(option, dimensions) for option in ("stride", "padding", "dilation"))
        bias = parameters.parameter("bias", (self.channels,)) if self.bias else None
        return convolution(h, weight, bias, stride, padding, dilation, self.groups)
