"""What convolutions and their transposes share: options of a kernel, groups, bias."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

from verify.graph.tensor import Tensor
from verify.layers.layer import Count, Counts, Layer, Margins


@dataclass(frozen=True)
class KernelLayer(Layer):
    """A layer with a kernel that slides over the axes behind the channels.

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

    def check_groups(self, h: Tensor) -> None:
        """Refuse groups that do not divide the channels of both sides."""
        if h.shape[1] % self.groups or self.channels % self.groups:
            raise self.refuse(
                "groups must divide the channels of both sides",
                h,
                "choose another number of groups",
                channels=self.channels,
                groups=self.groups,
            )


def each_axis(dimensions: int, *options: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return stride, padding and dilation with one number for each axis, by default 1, 0 and 1."""
    return tuple(tuple(option) or (default,) * dimensions for option, default in zip(options, (1, 0, 1), strict=True))


def letters(dimensions: int) -> tuple[str, str]:
    """Return names of the axes that count places, and of those inside of the window."""
    return string.ascii_uppercase[:dimensions], string.ascii_uppercase[dimensions : 2 * dimensions]


def biased(z: Tensor, bias: Tensor | None) -> Tensor:
    """Return the result with one number added to each channel."""
    return (
        z if bias is None else z + bias.reshape((-1 if not bias.shape else bias.shape[0], *(1,) * (len(z.shape) - 2)))
    )
