"""What training makes small, whatever the network: an error of all trainable numbers, with enclosures."""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from verify.arithmetic.intervals import Interval
    from verify.bounds.regions import Region


class Objective(abc.ABC):
    """An error E(w) of a vector w of P numbers, defined in exact real arithmetic by float64 data.

    The final subclasses are `verify.Problem` (sums of linear maps, elementwise functions: the class that every theorem
    and bound speaks of) and `verify.GraphProblem` (every network of the vocabulary).
    """

    initial_weights: Any
    """(P,) float64."""
    region: Region | None
    """Where the weights are assumed or proved to stay."""

    name: str
    """For reports."""
    least_error: float
    """A number that E is nowhere below; minus infinity if none is known."""

    @property
    def quadratic_growth(self) -> float:
        """A number a >= 0 with E(w) >= a/2 |w|^2 for all w; 0 if no larger one is known."""
        return 0.0

    @property
    def size(self) -> int:
        """Number P of weights."""
        return int(self.initial_weights.size)

    @abc.abstractmethod
    def check_weights(self, w: Any) -> np.ndarray:
        """Return w as a finite (P,) float64 array, or raise `InputError`."""

    @abc.abstractmethod
    def error(self, w: Any) -> float:
        """Return E(w) in float64."""

    @abc.abstractmethod
    def error_and_gradient(self, w: Any) -> tuple[float, np.ndarray]:
        """Return E(w) and grad E(w), (P,), in float64."""

    @abc.abstractmethod
    def hessian_vector(self, w: Any, direction: Any) -> np.ndarray:
        """Return (Hess E(w)) direction, (P,), in float64."""

    @abc.abstractmethod
    def error_enclosure(self, w: Any) -> tuple[float, float]:
        """Return float64 numbers lo <= E(w) <= hi."""

    @abc.abstractmethod
    def gradient_enclosure(self, w: Any) -> Interval:
        """Return an interval array, (P,), that contains the exact gradient."""

    @abc.abstractmethod
    def error_over(self, box: Interval) -> tuple[float, float]:
        """Return float64 numbers lo <= E(w) <= hi that hold for all weights w of a box, (P,)."""

    @abc.abstractmethod
    def hessian_vector_enclosure(self, w: Any, direction: Any) -> Interval:
        """Return an interval array, (P,), that contains the exact product (Hess E(w)) direction."""

    def gradient(self, w: Any) -> np.ndarray:
        """Return grad E(w), (P,), by backpropagation in float64."""
        return self.error_and_gradient(w)[1]
