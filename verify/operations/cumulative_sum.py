"""Running sums along the last axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic.arrays import Array, accumulated
from verify.arithmetic.intervals import Interval
from verify.arithmetic.perturbation import Perturbation, Perturbed, rounded_sum
from verify.arithmetic.precision import Precision
from verify.operations.gather import Gather, Indices
from verify.operations.operation import LinearOperation, Operation, Shape, cut_rows

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class CumulativeSum(LinearOperation):
    """``result[..., i] = sum over j <= i of argument[..., j]``."""

    name: ClassVar[str] = "cumulative_sum"
    rule: ClassVar[str] = "the argument gets the running sums of the adjoint from the other end"

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not arguments[0]:
            raise self.refuse("takes one array with a last axis", *arguments)
        return arguments[0]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut_rows, shapes))

    def keeps_rows(self, *arguments: Shape) -> bool:
        return len(arguments[0]) > 1

    def evaluate(self, *arguments: Array) -> Array:
        (x,) = arguments
        return accumulated(self._add, max(x.shape[-1], 1), x, max(x.shape[-1], 1))

    def _add(self, a: np.ndarray) -> np.ndarray:
        return np.cumsum(a, axis=-1)

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        return rounded_sum(self._add, arguments[0].value.shape[-1], arguments[0].value)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.accumulated(self._add, max(result.shape[-1], 1), max(result.shape[-1], 1))

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        return self.programmed_sum(precision, arguments[0].shape[-1], *arguments)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        backwards = Gather(len(adjoint.shape) - 1, Indices(range(adjoint.shape[-1] - 1, -1, -1)))
        return (adjoint.apply(backwards).apply(self).apply(backwards),)
