"""Zeros around an array."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.layer import Layer, Margins, Parameters
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


@final
@dataclass(frozen=True)
class ZeroPad(Layer):
    """Zeros before and after the axes behind the channels.

    Parameters
    ----------
    before, after : int or list of int
    """

    before: Margins = 0
    after: Margins = 0
    name: ClassVar[str] = "pad"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        dimensions = self.space(h)
        margins = zip(self.each("before", dimensions), self.each("after", dimensions), strict=True)
        return padded(h, [(2 + axis, before, after) for axis, (before, after) in enumerate(margins)])
