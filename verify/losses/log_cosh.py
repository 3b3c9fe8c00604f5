"""The logarithm of the hyperbolic cosine of the difference: a parabola near zero, analytic, that tends to lines."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, final

from verify.losses.loss import Loss
from verify.operations.elementwise import Elementwise

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class LogCosh(Loss):
    """``log(cosh(d))`` for a difference d, one term an entry.

    As a formula: ``softplus(2 d) - d - log 2``.
    """

    name: ClassVar[str] = "log-cosh"

    def terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).apply(Elementwise("softplus(2*x)-x-log(2)"))

    def curvature(self, shape: tuple[int, ...]) -> Fraction:
        """Return 1: the second derivative in d is ``1 - tanh(d)^2``."""
        return Fraction(1)
