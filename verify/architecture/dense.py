"""The dense edge: every unit of the source feeds every unit of the target through its own weight."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from verify.architecture.columns import flat_rows
from verify.architecture.fields import known_keys, whole_number
from verify.architecture.linear_map import FloatArray, LinearMap, Terms
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.spectral import norm_upper

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from verify.architecture.vertex import Vertex
    from verify.arithmetic.intervals import Interval


@final
@dataclass(frozen=True)
class Dense(LinearMap):
    """``A(theta) = theta``, a matrix of shape (out, in).

    Examples
    --------
    >>> Dense(2, 1).apply(np.array([[1.0, 10.0]]), np.array([[3.0, 4.0]]))
    array([[43.]])
    """

    in_units: int
    out_units: int
    kind: ClassVar[str] = "dense"

    def __post_init__(self) -> None:
        whole_number(self.in_units, "in_units", minimum=1)
        whole_number(self.out_units, "out_units", minimum=1)

    @classmethod
    def between(cls, source: Vertex, target: Vertex, options: Mapping[str, Any]) -> Self:
        known_keys(options, ("from", "kind"))
        return cls(source.width, target.width)

    @property
    def in_width(self) -> int:
        return self.in_units

    @property
    def out_width(self) -> int:
        return self.out_units

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        return (self.out_units, self.in_units)

    def to_data(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def terms(self) -> Terms:
        out, source = np.indices(self.parameter_shape, dtype=np.int64)
        return Terms(out.ravel(), np.arange(self.parameter_count), source.ravel(), Fraction(1))

    @property
    def overlap(self) -> float:
        """One: the spectral norm is at most the Euclidean norm of all entries."""
        return 1.0

    @certified_environment()
    def gain(self, theta: FloatArray | Interval | None) -> float:
        weights: Any = theta
        return float(norm_upper(weights))

    def matrix(self, theta: FloatArray | None) -> FloatArray:
        return np.array(theta, dtype=np.float64)

    def _apply(self, theta: Any, h: Any) -> Any:
        return h @ theta.T

    def _transpose(self, theta: Any, delta: Any) -> Any:
        return delta @ theta

    def _parameter_gradient(self, h: Any, delta: Any) -> Any:
        return flat_rows(delta, self.out_units).T @ flat_rows(h, self.in_units)
