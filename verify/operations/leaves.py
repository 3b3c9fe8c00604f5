"""Where values enter a graph: trainable parameters, data and constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from verify.arithmetic.arrays import Array
from verify.arithmetic.floats import exact_float
from verify.operations.operation import Operation, Shape

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@dataclass(frozen=True)
class Leaf(Operation):
    """A value from outside, found by its label.

    Parameters
    ----------
    label : str
    dimensions : tuple of int
    """

    label: str
    dimensions: Shape

    def shape(self, *arguments: Shape) -> Shape:
        if arguments:
            raise self.refuse("takes no argument", *arguments)
        return self.dimensions

    def evaluate(self, *arguments: Array) -> Array:
        raise self.refuse(f"no value was given for {self.label!r}")

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return ()

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        return None


@final
@dataclass(frozen=True)
class Parameter(Leaf):
    """Trainable numbers; every use of the leaf is a use of the same numbers."""

    name: ClassVar[str] = "parameter"


@final
@dataclass(frozen=True)
class Constant(Leaf):
    """Data, targets, masks, buffers: numbers that training does not change."""

    name: ClassVar[str] = "constant"


@final
@dataclass(frozen=True)
class Tangent(Leaf):
    """The direction in which a parameter moves."""

    name: ClassVar[str] = "tangent"


@final
@dataclass(frozen=True)
class Filled(Operation):
    """An array of one repeated whole number."""

    value: int
    dimensions: Shape
    name: ClassVar[str] = "filled"

    def __post_init__(self) -> None:
        exact_float(self.value, "operation filled")

    def shape(self, *arguments: Shape) -> Shape:
        if arguments:
            raise self.refuse("takes no argument", *arguments)
        return self.dimensions

    def evaluate(self, *arguments: Array) -> Array:
        raise self.refuse("is made in the arithmetic of the evaluation")

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return ()

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        return None
