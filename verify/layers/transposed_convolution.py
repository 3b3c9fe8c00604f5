"""Transposed convolutions: the kernel's products folded to where the windows were."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.kernels import KernelLayer, biased, each_axis, letters
from verify.layers.layer import Margins, Parameters
from verify.operations.contraction import Contraction
from verify.operations.windows import Fold


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
    stride, padding, dilation = each_axis(len(grid), stride, padding, dilation)
    extra = tuple(output_padding) or (0,) * len(grid)
    lengths = tuple(
        (g - 1) * s + (k - 1) * d + 1 + e for g, s, k, d, e in zip(grid, stride, sides, dilation, extra, strict=True)
    )
    places, inside = letters(len(grid))
    units = h.reshape((n, groups, channels // groups, *grid))
    weights = kernel.reshape((groups, channels // groups, per_group, *sides))
    seen = units.apply(Contraction(f"ngo{places}", f"goc{inside}", f"ngc{places}{inside}"), units, weights)
    z = seen.reshape((n, groups * per_group, *grid, *sides)).apply(Fold(tuple(sides), stride, dilation, lengths))
    for axis, p in enumerate(padding):
        if p:
            z = z.slice(2 + axis, p, z.shape[2 + axis] - p)
    return biased(z, bias)


@final
@dataclass(frozen=True)
class TransposedConvolution(KernelLayer):
    """The transpose of a convolution, which enlarges.

    Its options are those of `KernelLayer`, and one more.

    Parameters
    ----------
    output_padding : int or list of int
        Rows added at the end of every spatial axis of the result.
    """

    output_padding: Margins = 0
    name: ClassVar[str] = "transposed_convolution"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        dimensions, channels = self.space(h), h.shape[1]
        self.check_groups(h)
        sides = self.each("kernel", dimensions)
        stride, padding, extra, dilation = (
            self.each(option, dimensions) for option in ("stride", "padding", "output_padding", "dilation")
        )
        axes = zip(h.shape[2:], stride, sides, dilation, extra, padding, strict=True)
        if any(e >= max(s, d) or (n - 1) * s + (k - 1) * d + 1 + e <= 2 * p for n, s, k, d, e, p in axes):
            raise self.refuse(
                "padding or output_padding is too large", h, "use smaller ones", padding=padding, output_padding=extra
            )
        shape, places = (channels, self.channels // self.groups, *sides), math.prod(sides)
        weight = parameters.parameter("weight", shape, fans=(channels * places, shape[1] * places))
        bias = parameters.parameter("bias", (self.channels,)) if self.bias else None
        return transposed_convolution(h, weight, bias, stride, padding, extra, dilation, self.groups)
