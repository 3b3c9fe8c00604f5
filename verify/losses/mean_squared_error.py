"""The squared difference of every entry: with the mean over all entries, the ``mse`` of common frameworks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, final

from verify.losses.loss import Loss

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """``(output - target)^2``, one term an entry.

    Its mean is 2/width times the mean of `HalfSquaredError`.
    """

    name: ClassVar[str] = "mse"

    def terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).square()

    def curvature(self, shape: tuple[int, ...]) -> Fraction:
        return Fraction(2)
