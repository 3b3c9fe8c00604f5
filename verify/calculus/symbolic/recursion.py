"""The backpropagation recursion over any commutative ring, written from the terms of the edges alone.

It shares no code with the float64 passes: the full symbolic expansion runs it over polynomials, the gradient
check over 50-digit numbers. Values are object arrays of shape (samples, width).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.budget import check_time
from verify.calculus.symbolic.proof import Claim, GradientProof, ProofStep

if TYPE_CHECKING:
    from verify.architecture import Architecture, Edge, Vertex

Values = Mapping[str, np.ndarray]


class RecursionRing(ABC):
    """The numbers that the recursion runs over, and how an edge acts on them."""

    @property
    @abstractmethod
    def zero(self) -> Any:
        """The neutral element of addition."""

    @abstractmethod
    def number(self, value: Fraction) -> Any:
        """Return a rational number as an element."""

    def apply(self, edge: Edge, theta: np.ndarray | None, h: np.ndarray) -> np.ndarray:
        """Return A(theta) h: (samples, in) -> (samples, out)."""
        terms = edge.map.terms()
        products = h[:, terms.input] if theta is None else h[:, terms.input] * theta[terms.parameter]
        return self._gather(products, terms.out, edge.map.out_width, terms.coefficient)

    def transpose(self, edge: Edge, theta: np.ndarray | None, delta: np.ndarray) -> np.ndarray:
        """Return A(theta)^T delta: (samples, out) -> (samples, in)."""
        terms = edge.map.terms()
        products = delta[:, terms.out] if theta is None else delta[:, terms.out] * theta[terms.parameter]
        return self._gather(products, terms.input, edge.map.in_width, terms.coefficient)

    def parameter_gradient(self, edge: Edge, h: np.ndarray, delta: np.ndarray) -> np.ndarray:
        """Return the gradient of ``sum of delta . A(theta) h`` in theta, flat."""
        terms = edge.map.terms()
        products = (h[:, terms.input] * delta[:, terms.out]).sum(axis=0)[None, :]
        return self._gather(products, terms.parameter, edge.map.parameter_count, terms.coefficient)[0]

    def _gather(self, products: np.ndarray, places: np.ndarray, width: int, coefficient: Fraction) -> np.ndarray:
        order = np.argsort(places, kind="stable")
        reached, starts = np.unique(places[order], return_index=True)
        sums = np.full((len(products), width), self.zero, dtype=object)
        if len(reached):
            sums[:, reached] = np.add.reduceat(products[:, order], starts, axis=1)
        return sums if coefficient == 1 else sums * self.number(coefficient)


def bias_places(vertex: Vertex) -> np.ndarray:
    """Return for every unit which entry of its vertex's bias it adds."""
    if vertex.bias == "channel" and vertex.shape is not None:
        return np.arange(vertex.width) // (vertex.width // vertex.shape[0])
    return np.arange(vertex.width)


def flat_parts(architecture: Architecture, weights: np.ndarray) -> dict[Any, np.ndarray]:
    """Split P elements of any kind by the architecture's keys, each part flat."""
    return {key: weights[place] for key, place in architecture.layout.slices.items()}


def preactivation(
    ring: RecursionRing, architecture: Architecture, name: str, parts: Mapping[Any, np.ndarray], outputs: Values
) -> np.ndarray:
    """Return z of one vertex from the outputs of its predecessors, (samples, width)."""
    vertex = architecture.vertices[name]
    total = sum_of(
        [
            ring.apply(edge, parts[edge.key] if edge.map.parameter_shape else None, outputs[edge.source])
            for edge in architecture.in_edges(name)
        ]
    )
    return total if vertex.bias is None else total + parts[name][bias_places(vertex)]


def sum_of(arrays: list[np.ndarray]) -> np.ndarray:
    """Return the sum of at least one array."""
    total = arrays[0]
    for array in arrays[1:]:
        total = total + array
    return total


def backpropagate(
    ring: RecursionRing,
    architecture: Architecture,
    proof: GradientProof,
    parts: Mapping[Any, np.ndarray],
    outputs: Values,
    slopes: Values,
    residuals: Values,
) -> dict[Any, np.ndarray]:
    """Run the steps of a proof: return dE/dtheta by key, flat, summed over the samples and without weight decay.

    Parameters
    ----------
    outputs, slopes : mapping
        h_v and g_v'(z_v) of every vertex, (samples, width).
    residuals : mapping
        What the loss contributes at each output vertex, ``s (h_v - y)``.
    """
    edges = {
        (edge.source, edge.target, edge.kind): edge
        for name in architecture.order
        for edge in architecture.in_edges(name)
    }
    output_adjoints: dict[str, np.ndarray] = {}
    adjoints: dict[str, np.ndarray] = {}
    gradient: dict[Any, np.ndarray] = {}

    def sent_back(step: ProofStep) -> np.ndarray:
        arrays = [residuals[step.vertex]] if "loss" in step.rules else []
        for edge in map(edges.__getitem__, step.edges):
            theta = parts[edge.key] if edge.map.parameter_shape else None
            arrays.append(ring.transpose(edge, theta, adjoints[edge.target]))
        return sum_of(arrays)

    for step in proof.steps:
        check_time()
        name = step.vertex
        if step.claim is Claim.OUTPUT_ADJOINT:
            output_adjoints[name] = sent_back(step)
        elif step.claim is Claim.PREACTIVATION_ADJOINT:
            adjoints[name] = slopes[name] * output_adjoints[name]
        elif step.claim is Claim.EDGE_GRADIENT:
            edge = edges[step.edges[0]]
            gradient[edge.key] = ring.parameter_gradient(edge, outputs[edge.source], adjoints[name])
        else:
            places = bias_places(architecture.vertices[name])
            summed = adjoints[name].sum(axis=0)
            gradient[name] = np.array([summed[places == place].sum() for place in range(places[-1] + 1)], dtype=object)
    return gradient


def join_parts(architecture: Architecture, parts: Mapping[Any, np.ndarray]) -> np.ndarray:
    """Join flat parts into one object array of P elements; the inverse of `flat_parts`."""
    joined = np.empty(architecture.size, dtype=object)
    for key, place in architecture.layout.slices.items():
        joined[place] = parts[key]
    return joined
