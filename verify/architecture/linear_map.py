"""What an edge does: a map that is linear in the units it reads and linear in its parameters."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from verify.architecture.columns import with_zeros
from verify.arithmetic.intervals import Interval, interval

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from verify.architecture.vertex import Vertex

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Terms:
    """The definition of a linear map as a sparse bilinear form.

    Every position k of the three arrays adds ``coefficient * theta[parameter[k]] * h[input[k]]`` to
    ``z[out[k]]``, theta being read in row-major order; ``parameter[k] = -1`` stands for the factor 1. No pair
    ``(out, input)`` occurs twice.
    """

    out: IndexArray
    parameter: IndexArray
    input: IndexArray
    coefficient: Fraction


class LinearMap(abc.ABC):
    """A map ``z = A(theta) h`` that is linear in h and in theta.

    The methods work on the last axis of `h` (``in_width``) or `delta` (``out_width``); all axes before it
    count samples. Maps without parameters ignore `theta`, which may then be None. `terms` is the definition;
    every other method agrees with it, up to rounding where the values are float64 and enclosing it where they
    are intervals. Subclasses are final and immutable.
    """

    kind: ClassVar[str]
    """How the specification calls it."""

    @property
    @abc.abstractmethod
    def in_width(self) -> int:
        """Number of units read."""

    @property
    @abc.abstractmethod
    def out_width(self) -> int:
        """Number of units written."""

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        """Shape of theta, ``()`` when there is none."""
        return ()

    @property
    def parameter_count(self) -> int:
        """Number of trainable parameters."""
        return math.prod(self.parameter_shape) if self.parameter_shape else 0

    @classmethod
    @abc.abstractmethod
    def between(cls, source: Vertex, target: Vertex, options: Mapping[str, Any]) -> Self:
        """Return the map from `source` to `target` that the keys of an edge's table describe."""

    @abc.abstractmethod
    def to_data(self) -> dict[str, Any]:
        """Return the keys of an edge's table, without ``from``."""

    @abc.abstractmethod
    def terms(self) -> Terms:
        """Return the definition of the map."""

    @property
    def overlap(self) -> float:
        """Upper bound of the least s with ``|A(theta) h| <= s |theta| |h|`` for all theta and h.

        Raises
        ------
        TypeError
            If the map has no parameters: use `gain`.
        """
        raise TypeError(f"a map of kind {self.kind} has no parameters, so no overlap: use gain")

    @abc.abstractmethod
    def gain(self, theta: FloatArray | Interval | None) -> float:
        """Return an upper bound of the spectral norm of ``A(theta)``, rounding included."""

    def apply(self, theta: FloatArray | None, h: FloatArray) -> FloatArray:
        """Return ``A(theta) h`` for every sample: (n, in) -> (n, out); the result may share memory with `h`."""
        return self._apply(theta, h)

    def transpose(self, theta: FloatArray | None, delta: FloatArray) -> FloatArray:
        """Return ``A(theta)^T delta`` for every sample: (n, out) -> (n, in), which may share memory too."""
        return self._transpose(theta, delta)

    def parameter_gradient(self, h: FloatArray, delta: FloatArray) -> FloatArray:
        """Return the gradient of ``sum over the samples of delta . A(theta) h`` in theta.

        It has the shape of the parameters, and is empty when there are none.
        """
        return self._parameter_gradient(h, delta)

    def enclose(self, theta: FloatArray | Interval | None, h: Interval) -> Interval:
        """Return an enclosure of what `apply` stands for, theta being exact if it is an array."""
        return self._apply(theta, h)

    def enclose_transpose(self, theta: FloatArray | Interval | None, delta: Interval) -> Interval:
        """Return an enclosure of what `transpose` stands for."""
        return self._transpose(theta, delta)

    def enclose_parameter_gradient(self, h: Interval, delta: Interval) -> Interval:
        """Return an enclosure of what `parameter_gradient` stands for."""
        return self._parameter_gradient(h, delta)

    def matrix(self, theta: FloatArray | None) -> FloatArray:
        """Return ``A(theta)`` (out, in) as a dense array, each entry rounded to nearest."""
        return self._matrix(theta)

    def enclose_matrix(self, theta: FloatArray | Interval | None) -> Interval:
        """Return an enclosure of ``A(theta)`` (out, in), theta being exact if it is an array."""
        return self._matrix(interval(np.ones(0) if theta is None else theta))

    def _matrix(self, theta: Any) -> Any:
        """Return the matrix, the one formula for arrays and for intervals."""
        values = theta.reshape(self.parameter_count) if self.parameter_count else np.ones(1)
        terms = self.terms()
        table = np.full((self.out_width, self.in_width), values.shape[0])
        table[terms.out, terms.input] = np.maximum(terms.parameter, 0)
        entries = with_zeros(interval(values) if isinstance(theta, Interval) else values, 0, 1)[table]
        if terms.coefficient == 1:
            return entries
        return entries * float(terms.coefficient.numerator) / float(terms.coefficient.denominator)

    @abc.abstractmethod
    def _apply(self, theta: Any, h: Any) -> Any:
        """Return ``A(theta) h``, the one formula for arrays and for intervals."""

    @abc.abstractmethod
    def _transpose(self, theta: Any, delta: Any) -> Any:
        """Return ``A(theta)^T delta``, the one formula for arrays and for intervals."""

    def _parameter_gradient(self, h: Any, delta: Any) -> Any:
        """Return the gradient in theta, the one formula for arrays and for intervals."""
        return h.reshape(-1)[:0]
