"""The same entries in other places, and sums of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, final

from annotated_types import MinLen

from verify.graph.tensor import Tensor
from verify.layers.layer import Axis, Count, Layer, Margin, Parameters

Axes = Annotated[tuple[Axis, ...], MinLen(1)]


@final
@dataclass(frozen=True)
class FlattenLayer(Layer):
    """All entries of a sample in a row."""

    name: ClassVar[str] = "flatten"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        return h.reshape((h.shape[0], math.prod(h.shape[1:])))


@final
@dataclass(frozen=True)
class ReshapeLayer(Layer):
    """The same entries, in the same row-major order, under another shape of the sample.

    Parameters
    ----------
    to : list of int
    """

    to: tuple[Count, ...]
    name: ClassVar[str] = "reshape"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        if math.prod(self.to) != math.prod(h.shape[1:]):
            raise self.refuse("another number of entries", h, "give a shape of as many", to=self.to)
        return h.reshape((h.shape[0], *self.to))


@final
@dataclass(frozen=True)
class PermuteLayer(Layer):
    """The axes of the sample in another order.

    Parameters
    ----------
    axes : list of int
        Axis k of the result is axis ``axes[k]`` of the input.
    """

    axes: Axes
    name: ClassVar[str] = "permute"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        found = tuple(self.axis(h, axis) for axis in self.axes)
        if sorted(found) != list(range(1, len(h.shape))):
            raise self.refuse("axes are no permutation", h, "name each axis once", axes=self.axes)
        return h.permute(0, *found)


@final
@dataclass(frozen=True)
class SliceLayer(Layer):
    """A range of entries along an axis of the sample.

    Parameters
    ----------
    start, stop : int
    step : int
    along : int
        The axis, counted within a sample; -1 is the last.
    """

    start: Margin
    stop: Count
    step: Count = 1
    along: Axis = -1
    name: ClassVar[str] = "slice"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        axis = self.axis(h, self.along)
        if not self.start < self.stop <= h.shape[axis]:
            raise self.refuse("range out of bounds", h, "stay within the axis", start=self.start, stop=self.stop)
        return h.slice(axis, self.start, self.stop, self.step)


@final
@dataclass(frozen=True)
class Mean(Layer):
    """The mean over axes of the sample, which are left out.

    Parameters
    ----------
    axes : list of int
    """

    axes: Axes
    name: ClassVar[str] = "mean"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        return h.mean(_distinct(self, h, self.axes))


@final
@dataclass(frozen=True)
class Total(Layer):
    """The sum over axes of the sample, which are left out.

    Parameters
    ----------
    axes : list of int
    """

    axes: Axes
    name: ClassVar[str] = "total"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        return h.sum(_distinct(self, h, self.axes))


def _distinct(layer: Layer, h: Tensor, axes: tuple[int, ...]) -> list[int]:
    found = [layer.axis(h, axis) for axis in axes]
    if len(set(found)) != len(found):
        raise layer.refuse("an axis is named twice", h, "name each axis once", axes=axes)
    return found
