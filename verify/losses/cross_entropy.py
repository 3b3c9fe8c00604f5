"""Cross-entropy of a softmax: the loss of classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from verify.losses.loss import Loss
from verify.operations.softmax import LogSumExp
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """``(sum of t) logsumexp(z) - t . z`` with logits z along the last axis and class probabilities t.

    Parameters
    ----------
    label_smoothing : float
        s in [0, 1]: the targets become (1 - s) t + s (sum of t) / classes.
    """

    label_smoothing: float = 0.0
    name: ClassVar[str] = "softmax-cross-entropy"

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing <= 1:
            raise InputError(
                "label smoothing must lie in [0, 1]", where=f"loss {self.name}", label_smoothing=self.label_smoothing
            )

    def terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        weight = targets.sum(-1)
        chosen = (targets * outputs).sum(-1)
        if self.label_smoothing:
            even = weight * outputs.mean(-1)
            chosen = chosen + (even - chosen).scale(Fraction(self.label_smoothing))
        return weight * outputs.apply(LogSumExp()) - chosen

    def curvature(self, shape: tuple[int, ...]) -> Fraction:
        """Return 1/2 for targets that sum up to 1.

        For |v| = 1, v^T (diag(p) - p p^T) v is the variance of a variable with values v_i, which lie in an interval of
        length at most sqrt 2; a variance is at most a quarter of the squared length (Popoviciu).
        """
        return Fraction(1, 2)

    def read_targets(self, targets: Any, shape: tuple[int, ...]) -> np.ndarray:
        """Return class probabilities; whole numbers without the last axis are classes and become 0 and 1."""
        array = np.asarray(targets)
        if array.shape == shape[:-1] and array.dtype.kind in "iu":
            if array.size and not (array.min() >= 0 and array.max() < shape[-1]):
                bad = int(array.min() if array.min() < 0 else array.max())
                raise InputError("no such class", where=f"loss {self.name}", label=bad, classes=shape[-1])
            return np.eye(shape[-1])[array]
        probabilities = super().read_targets(array, shape)
        if not np.all(probabilities >= 0):
            raise InputError("probabilities must not be negative", where=f"loss {self.name}")
        return probabilities
