"""Several vertices joined into one: side by side, added, multiplied, as matrices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.layer import Axis, Layer, Parameters
from verify.operations.slices import Concatenate


@final
@dataclass(frozen=True)
class ConcatLayer(Layer):
    """The inputs one after the other along an axis of the sample.

    Parameters
    ----------
    along : int
        Counted within a sample; -1 is the last.
    """

    along: Axis = -1
    name: ClassVar[str] = "concat"
    most: ClassVar[int | None] = None

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        axis = self.axis(inputs[0], self.along)
        return inputs[0].apply(Concatenate(axis), *inputs)


@final
@dataclass(frozen=True)
class Sum(Layer):
    """The inputs added entry by entry; shapes follow NumPy's rules."""

    name: ClassVar[str] = "sum"
    most: ClassVar[int | None] = None

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        return reduce(lambda total, h: total + h, inputs)


@final
@dataclass(frozen=True)
class Product(Layer):
    """The inputs multiplied entry by entry, as gates are; shapes follow NumPy's rules."""

    name: ClassVar[str] = "product"
    least: ClassVar[int] = 2
    most: ClassVar[int | None] = None

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        return reduce(lambda total, h: total * h, inputs)


@final
@dataclass(frozen=True)
class MatrixProduct(Layer):
    """The product of two vertices as matrices: their last two axes.

    Parameters
    ----------
    transpose : bool
        Of the second matrix.
    """

    transpose: bool = False
    name: ClassVar[str] = "matrix_product"
    least: ClassVar[int] = 2
    most: ClassVar[int | None] = 2

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        for h in inputs:
            if len(h.shape) < 3:
                raise self.refuse("takes matrices", h, "give the vertex a shape = [rows, columns]")
        left, right = inputs
        if self.transpose:
            axes = range(len(right.shape))
            right = right.permute(*axes[:-2], axes[-1], axes[-2])
        return left @ right
