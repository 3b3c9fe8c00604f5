"""Half the squared distance of a sample's outputs from its targets: the error of the source paper."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, final

from verify.losses.loss import Loss

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class HalfSquaredError(Loss):
    """``1/2 |outputs - targets|^2``, one term a sample."""

    name: ClassVar[str] = "half-squared-error"

    def terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        squares = (outputs - targets).square()
        return squares.sum(range(1, len(squares.shape))).scale(Fraction(1, 2))

    def curvature(self, shape: tuple[int, ...]) -> Fraction:
        return Fraction(1)
