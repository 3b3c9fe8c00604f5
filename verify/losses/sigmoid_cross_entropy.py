"""Cross-entropy of independent sigmoids, on logits: the loss of yes-or-no outputs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from verify.losses.loss import Loss
from verify.operations.elementwise import Elementwise
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class SigmoidCrossEntropy(Loss):
    """``softplus(z) - t z`` with a logit z and a probability t, one term an entry."""

    name: ClassVar[str] = "sigmoid-cross-entropy"

    def terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs.apply(Elementwise("softplus")) - targets * outputs

    def curvature(self, shape: tuple[int, ...]) -> Fraction:
        """Return 1/4, the largest value of p (1 - p)."""
        return Fraction(1, 4)

    def read_targets(self, targets: Any, shape: tuple[int, ...]) -> np.ndarray:
        probabilities = super().read_targets(targets, shape)
        if not np.all((probabilities >= 0) & (probabilities <= 1)):
            raise InputError(
                "probabilities must lie in [0, 1]",
                where=f"loss {self.name}",
                least=float(np.min(probabilities)),
                largest=float(np.max(probabilities)),
                remedy="scale the targets to [0, 1]",
            )
        return probabilities
