"""What training makes small: one abstract class, one file for each loss."""

from __future__ import annotations

import abc
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor

LOSSES: dict[str, type[Loss]] = {}
"""Every loss by its name: filled by the classes themselves."""

REDUCTIONS = ("mean", "sum")


@dataclass(frozen=True)
class Loss(abc.ABC):
    """A function of outputs and targets, added up or averaged over its terms; options are the dataclass' fields.

    Subclasses are final and found by `name`.
    """

    name: ClassVar[str] = ""
    convex: ClassVar[bool] = True
    """Whether it is convex in the outputs."""
    smooth: ClassVar[bool] = True
    """Whether it is twice continuously differentiable in the outputs."""
    takes_classes: ClassVar[bool] = False
    """Whether targets may be whole numbers that count classes, without the last axis of the outputs."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.name:
            LOSSES[cls.name] = cls

    @abc.abstractmethod
    def terms(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the terms whose sum or mean the error is: an array whose first axis counts samples."""

    @abc.abstractmethod
    def curvature(self, shape: tuple[int, ...]) -> Fraction:
        """Return an upper bound of the norm of a term's second derivative in the outputs that it reads.

        Parameters
        ----------
        shape : tuple of int
            Of the outputs.
        """

    def read_targets(self, targets: Any, shape: tuple[int, ...]) -> np.ndarray:
        """Return targets as a float64 array that `terms` takes.

        Parameters
        ----------
        targets : array
        shape : tuple of int
            Of the outputs.

        Raises
        ------
        InputError
            If the targets do not fit.
        """
        array = np.asarray(targets)
        if array.shape != shape:
            raise InputError(
                "targets do not have the shape of the outputs",
                where=f"loss {self.name}",
                targets=array.shape,
                outputs=shape,
                remedy="give one target for each output",
            )
        return array.astype(np.float64)

    def error(
        self, outputs: Tensor, targets: Tensor, reduction: str = "mean", sample_weights: Tensor | None = None
    ) -> Tensor:
        """Return the scalar that training makes small.

        Parameters
        ----------
        outputs, targets : Tensor
        reduction : {"mean", "sum"}
            The mean divides by the number of terms, or by the sum of the weights.
        sample_weights : Tensor, optional
            Factors of the terms, >= 0, of their shape or repeated to it; zero leaves a term out.

        Raises
        ------
        InputError
            If the reduction is unknown.
        """
        if reduction not in REDUCTIONS:
            raise InputError("unknown reduction", remedy="use 'mean' or 'sum'", reduction=reduction)
        terms = self.terms(outputs, targets)
        if sample_weights is None:
            return terms.mean() if reduction == "mean" else terms.sum()
        weights = sample_weights.broadcast_to(terms.shape)
        total = (terms * weights).sum()
        return total / weights.sum() if reduction == "mean" else total
