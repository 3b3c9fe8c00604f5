"""The same entries, in the same row-major order, under another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic.arrays import Array
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.operations.operation import LinearOperation, Shape

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Reshape(LinearOperation):
    """``result[i] = argument[j]`` where i and j have the same row-major position."""

    target: Shape
    name: ClassVar[str] = "reshape"
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or math.prod(arguments[0]) != math.prod(self.target):
            raise self.refuse("another number of entries", *arguments)
        return self.target

    def keeps_rows(self, *arguments: Shape) -> bool:
        return bool(arguments[0] and self.target) and arguments[0][0] == self.target[0]

    def evaluate(self, *arguments: Array) -> Array:
        return arguments[0].reshape(self.target)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.rearranged(lambda a: a.reshape(self.target), 1)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint.reshape(arguments[0].shape),)
