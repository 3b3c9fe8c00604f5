"""A segment of weights w + t D, 0 <= t <= T, prepared once for all samples: what every edge does along it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from verify.bounds.factors import Factor
from verify.bounds.forward_errors import VertexWeights, spread_bias
from verify.bounds.taylor_rounding import Approximation
from verify.calculus import passes
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.architecture import Architecture, Edge

Precision = Literal["mixed", "float64", "float32"]


@dataclass(frozen=True)
class Formats:
    """Number formats: of the start and its tangent, and of everything of higher order."""

    start: np.dtype[Any]
    rest: np.dtype[Any]

    @classmethod
    def of(cls, precision: Precision) -> Formats:
        """Return the formats that a precision stands for.

        Raises
        ------
        InputError
            If there is no such precision.
        """
        if precision not in get_args(Precision):
            raise InputError("unknown precision", remedy=f"use one of {get_args(Precision)}", precision=precision)
        start: np.dtype[Any] = np.dtype(np.float32 if precision == "float32" else np.float64)
        return cls(start, np.dtype(np.float64 if precision == "float64" else np.float32))

    @property
    def derivatives(self) -> tuple[np.dtype[Any], ...]:
        """Formats of g, g', g'', g''' at the start."""
        return self.start, self.start, self.rest, self.rest


@dataclass(frozen=True)
class EdgeSegment:
    """An edge's weights A, direction B, M = A + T/2 B, T/2 B and |M| + T/2 |B|.

    A and B come in both formats; arrays are None where the edge has no parameters.
    """

    edge: Edge
    theta: Factor
    direction: Factor | None
    theta_rest: Factor
    direction_rest: Factor | None = None
    middle: np.ndarray | None = None
    half: np.ndarray | None = None
    spread: np.ndarray | None = None

    @classmethod
    def of(
        cls, edge: Edge, parts: passes.Parts, directions: passes.Parts, length: float, formats: Formats
    ) -> EdgeSegment:
        """Prepare an edge for steps up to `length`."""
        if not edge.map.parameter_shape:
            fixed = Factor.of(edge.map, None)
            return cls(edge, fixed, None, fixed)
        theta, direction = parts[edge.key], directions[edge.key]
        half = 0.5 * length * direction
        middle = theta + half
        factors = [Factor.of(edge.map, array) for array in (theta, direction)]
        starts = [factor.in_format(formats.start) for factor in factors]
        rests = [factor.in_format(formats.rest) for factor in factors]
        spread = np.abs(middle) + np.abs(half)
        middle, half, spread = (array.astype(formats.rest, copy=False) for array in (middle, half, spread))
        return cls(edge, starts[0], starts[1], rests[0], rests[1], middle, half, spread)


@dataclass
class Segment:
    """A segment of weights."""

    architecture: Architecture
    parts: passes.Parts
    directions: passes.Parts
    length: float
    formats: Formats
    long: bool = False
    """Whether remainders of second order are carried too (`segment_bent`)."""
    edges: dict[str, list[EdgeSegment]] = field(init=False)
    start: dict[str, VertexWeights] = field(init=False)
    """The weights at t = 0."""
    bias_direction: dict[str, Approximation | None] = field(init=False)

    def __post_init__(self) -> None:
        self.edges = {
            name: [EdgeSegment.of(edge, self.parts, self.directions, self.length, self.formats) for edge in incoming]
            for name in self.architecture.order
            for incoming in [self.architecture.in_edges(name)]
        }

        vertices = self.architecture.vertices
        self.start = {
            name: VertexWeights([e.theta for e in edges], spread_bias(vertices[name], self.parts))
            for name, edges in self.edges.items()
        }
        self.bias_direction = {name: spread_bias(vertices[name], self.directions) for name in self.edges}
