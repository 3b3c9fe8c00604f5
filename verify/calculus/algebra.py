"""The two arithmetics in which the passes through the graph run: float64, and enclosures of the exact reals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, final

import numpy as np

if TYPE_CHECKING:
    from verify.activations import Activation
    from verify.architecture import LinearMap


class Algebra(ABC):
    """The operations that forward, backward and tangent passes are written in.

    An element is a NumPy array (`FLOAT`) or an `Interval` (`ENCLOSING`); both carry ``+ - *``,
    indexing, ``reshape`` and ``sum``.
    """

    @abstractmethod
    def lift(self, array: np.ndarray) -> Any:
        """Turn exact float64 numbers into an element."""

    @abstractmethod
    def zeros(self, shape: tuple[int, ...]) -> Any:
        """Return exact zeros."""

    @abstractmethod
    def activate(self, activation: Activation, z: Any, order: int) -> tuple[Any, ...]:
        """Return g(z), g'(z), ... up to the derivative of the given order."""

    @abstractmethod
    def apply(self, linear: LinearMap, theta: Any, h: Any) -> Any:
        """Return A(theta) h for every sample: (n, in) -> (n, out)."""

    @abstractmethod
    def transpose(self, linear: LinearMap, theta: Any, delta: Any) -> Any:
        """Return A(theta)^T delta for every sample: (n, out) -> (n, in)."""

    @abstractmethod
    def parameter_gradient(self, linear: LinearMap, h: Any, delta: Any) -> Any:
        """Return the sum over samples of (d (A(theta) h) / d theta)^T delta."""


@final
class FloatAlgebra(Algebra):
    """float64 arithmetic, without any statement on its error."""

    def lift(self, array: np.ndarray) -> np.ndarray:
        return np.asarray(array, dtype=np.float64)

    def zeros(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape)

    def activate(self, activation: Activation, z: np.ndarray, order: int) -> tuple[np.ndarray, ...]:
        return activation.values(z, order)

    def apply(self, linear: LinearMap, theta: np.ndarray, h: np.ndarray) -> np.ndarray:
        return linear.apply(theta, h)

    def transpose(self, linear: LinearMap, theta: np.ndarray, delta: np.ndarray) -> np.ndarray:
        return linear.transpose(theta, delta)

    def parameter_gradient(self, linear: LinearMap, h: np.ndarray, delta: np.ndarray) -> np.ndarray:
        return linear.parameter_gradient(h, delta)


@final
class EnclosingAlgebra(Algebra):
    """Interval arithmetic: every element encloses the exact real value."""

    def lift(self, array: Any) -> Any:
        from verify.arithmetic.intervals import Interval

        return array if isinstance(array, Interval) else Interval.point(np.asarray(array, dtype=np.float64))

    def zeros(self, shape: tuple[int, ...]) -> Any:
        return self.lift(np.zeros(shape))

    def activate(self, activation: Activation, z: Any, order: int) -> tuple[Any, ...]:
        return activation.enclosures(z, order)

    def apply(self, linear: LinearMap, theta: Any, h: Any) -> Any:
        return linear.enclose(theta, h)

    def transpose(self, linear: LinearMap, theta: Any, delta: Any) -> Any:
        return linear.enclose_transpose(theta, delta)

    def parameter_gradient(self, linear: LinearMap, h: Any, delta: Any) -> Any:
        return linear.enclose_parameter_gradient(h, delta)


FLOAT = FloatAlgebra()
ENCLOSING = EnclosingAlgebra()
