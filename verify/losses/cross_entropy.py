"""Cross-entropy of a softmax: the loss of classifiers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from verify.losses.loss import Loss
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.slices import Concatenate
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
    class_weights : tuple of float, optional
        Factors c >= 0 of the classes: the term is ``sum over k of c_k t_k (logsumexp(z) - z_k)``, and the mean divides
        by the sum of ``c . t`` in place of the number of terms, as common frameworks do.
    ignore_index : int, optional
        A class that says that a term does not count, neither in the sum nor in the mean's divisor.
    """

    label_smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None
    ignore_index: int | None = None
    name: ClassVar[str] = "softmax-cross-entropy"
    takes_classes: ClassVar[bool] = True

    def __post_init__(self) -> None:
        weights = self.class_weights
        if weights is not None and not all(0 <= c < float("inf") for c in weights):
            raise InputError(
                "class weights must be finite and not negative",
                where=f"loss {self.name}",
                class_weights=weights,
                remedy="give finite numbers >= 0",
            )
        if not 0 <= self.label_smoothing <= 1:
            raise InputError(
                "label smoothing must lie in [0, 1]",
                where=f"loss {self.name}",
                label_smoothing=self.label_smoothing,
                remedy="give 0 <= label_smoothing <= 1",
            )

    def terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if self.class_weights is not None:
            return self._weighted_terms(outputs, targets)
        weight = targets.sum(-1)
        chosen = (targets * outputs).sum(-1)
        if self.label_smoothing:
            even = weight * outputs.mean(-1)
            chosen = chosen + (even - chosen).scale(Fraction(self.label_smoothing))
        return weight * outputs.apply(LogSumExp()) - chosen

    def _weighted_terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if self.label_smoothing:
            even = targets.sum(-1, keep=True).scale(Fraction(1, outputs.shape[-1]))
            targets = targets + (even - targets).scale(Fraction(self.label_smoothing))
        weighted = targets * self._factors(outputs)
        return weighted.sum(-1) * outputs.apply(LogSumExp()) - (weighted * outputs).sum(-1)

    def _factors(self, outputs: Tensor) -> Tensor:
        """Return the class weights as an array: exact, whatever their number of bits."""
        factors = self.class_weights or ()
        self._check_classes(outputs.shape[-1])
        one = outputs.builder.filled(1, (1,))
        each = [one.scale(Fraction(c)) if c else one.zeros() for c in factors]
        return each[0] if len(each) == 1 else each[0].apply(Concatenate(0), *each)

    def _check_classes(self, classes: int) -> None:
        if self.class_weights is not None and len(self.class_weights) != classes:
            raise InputError(
                "one weight for each class is needed",
                where=f"loss {self.name}",
                class_weights=len(self.class_weights),
                classes=classes,
                remedy="give as many as there are classes",
            )

    def error(
        self, outputs: Tensor, targets: Tensor, reduction: str = "mean", sample_weights: Tensor | None = None
    ) -> Tensor:
        if reduction != "mean" or (self.class_weights is None and self.ignore_index is None):
            return super().error(outputs, targets, reduction, sample_weights)
        counted = targets if self.class_weights is None else targets * self._factors(outputs)
        count = counted.sum(-1)
        if sample_weights is not None:
            count = count * sample_weights.broadcast_to(count.shape)
        return super().error(outputs, targets, "sum", sample_weights) / count.sum()

    def curvature(self, shape: tuple[int, ...]) -> Fraction:
        """Return 1/2 for targets that sum up to 1, times the largest class weight.

        For |v| = 1, v^T (diag(p) - p p^T) v is the variance of a variable with values v_i, which lie in an interval of
        length at most sqrt 2; a variance is at most a quarter of the squared length (Popoviciu).
        """
        return Fraction(1, 2) * Fraction(1 if self.class_weights is None else max(self.class_weights))

    def read_targets(self, targets: Any, shape: tuple[int, ...]) -> np.ndarray:
        """Return class probabilities; whole numbers without the last axis are classes and become 0 and 1."""
        array = np.asarray(targets)
        self._check_classes(shape[-1])
        if array.shape == shape[:-1] and array.dtype.kind in "iu":
            return self._from_classes(array, shape[-1])
        if self.ignore_index is not None:
            raise InputError(
                "ignore_index needs classes",
                where=f"loss {self.name}",
                targets=array.shape,
                outputs=shape,
                remedy="give whole numbers as targets, or leave it out",
            )
        probabilities = super().read_targets(array, shape)
        if not np.all(probabilities >= 0):
            raise InputError(
                "probabilities must not be negative",
                where=f"loss {self.name}",
                least=float(np.min(probabilities)),
                remedy="give targets >= 0",
            )
        return probabilities

    def _from_classes(self, labels: np.ndarray, classes: int) -> np.ndarray:
        ignored = np.zeros(labels.shape, bool) if self.ignore_index is None else labels == self.ignore_index
        counted = labels[~ignored]
        if labels.size and not counted.size:
            raise InputError(
                "every target is ignored",
                where=f"loss {self.name}",
                ignore_index=self.ignore_index,
                remedy="give targets that count",
            )
        if counted.size and not (counted.min() >= 0 and counted.max() < classes):
            bad = int(counted.min() if counted.min() < 0 else counted.max())
            raise InputError(
                "no such class",
                where=f"loss {self.name}",
                label=bad,
                classes=classes,
                remedy="count the classes from 0 on, or give the network more outputs",
            )
        if self.class_weights is not None and not np.asarray(self.class_weights)[np.unique(counted)].any():
            raise InputError(
                "every target has weight 0",
                where=f"loss {self.name}",
                class_weights=self.class_weights,
                remedy="give weights that are not all 0 on these targets",
            )
        rows = np.eye(classes)[np.where(ignored, 0, labels)]
        rows[ignored] = 0
        return rows
