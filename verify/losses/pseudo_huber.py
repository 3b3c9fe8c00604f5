"""The smooth relative of Huber's loss: a parabola near zero that bends into lines."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, final

from verify.losses.loss import Loss
from verify.operations.elementwise import Elementwise
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class PseudoHuber(Loss):
    """``delta^2 (sqrt(1 + (d / delta)^2) - 1)`` for a difference d, one term an entry.

    Parameters
    ----------
    delta : float
        About where the parabola ends; positive.
    """

    delta: float = 1.0
    name: ClassVar[str] = "pseudo-huber"

    def __post_init__(self) -> None:
        if not 0 < self.delta < float("inf"):
            raise InputError(
                "delta must be positive and finite",
                where=f"loss {self.name}",
                delta=self.delta,
                remedy="give a finite delta > 0",
            )

    def terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        delta = Fraction(self.delta)
        bent = (outputs - targets).scale(1 / delta).apply(Elementwise("sqrt(1+x*x)-1"))
        return bent.scale(delta).scale(delta)

    def curvature(self, shape: tuple[int, ...]) -> Fraction:
        """Return 1: the second derivative in d is ``(1 + (d / delta)^2)^(-3/2)``."""
        return Fraction(1)
