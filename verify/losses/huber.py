"""Huber's loss: a parabola near zero that goes on as a line."""

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
class Huber(Loss):
    """``1/2 d^2`` for a difference with ``|d| <= delta``, else ``delta (|d| - delta/2)``, one term an entry.

    As a formula: ``1/2 d^2 - 1/2 max(d - delta, 0)^2 - 1/2 max(-d - delta, 0)^2``.

    Parameters
    ----------
    delta : float
        Where the parabola ends; positive.
    """

    delta: float = 1.0
    name: ClassVar[str] = "huber"
    smooth: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.delta < float("inf"):
            raise InputError(
                "delta must be positive and finite",
                where=f"loss {self.name}",
                delta=self.delta,
                remedy="give a finite delta > 0",
            )

    def terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        difference, delta = outputs - targets, Fraction(self.delta)
        scaled = difference.scale(1 / delta)
        above, below = scaled.apply(Elementwise("max(x-1,0)")), scaled.apply(Elementwise("max(-x-1,0)"))
        beyond = (above.square() + below.square()).scale(delta).scale(delta)
        return (difference.square() - beyond).scale(Fraction(1, 2))

    def curvature(self, shape: tuple[int, ...]) -> Fraction:
        return Fraction(1)
