"""The axes in another order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic.arrays import Array
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, LinearOperation, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Permute(LinearOperation):
    """Axis k of the result is axis ``axes[k]`` of the argument."""

    axes: tuple[int, ...]
    name: ClassVar[str] = "permute"
    rule: ClassVar[str] = "the argument gets the adjoint with its axes in the inverse order"
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or sorted(self.axes) != list(range(len(arguments[0]))):
            raise self.refuse("axes are no permutation", *arguments)
        return tuple(arguments[0][axis] for axis in self.axes)

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut, shapes))

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes, lambda shape: len(shape) > 1)
        return None if position is None else (cls(choices.order(len(shapes[position]))), (position,))

    def keeps_rows(self, *arguments: Shape) -> bool:
        return self.axes[:1] == (0,)

    def evaluate(self, *arguments: Array) -> Array:
        return arguments[0].transpose(self.axes)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.rearranged(lambda a: a.transpose(self.axes), 1)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        inverse = sorted(range(len(self.axes)), key=lambda k: self.axes[k])
        return (adjoint.permute(*inverse),)
