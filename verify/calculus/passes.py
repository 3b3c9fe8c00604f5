"""Forward, backward and tangent passes through the graph, written once for every arithmetic.

Notation of the recursion (``h_u`` a vertex's output, ``A_e`` the linear map of an edge)::

    z_v = b_v + sum over e = (u, v) of A_e(theta_e) h_u          h_v = g_v(z_v)
    dh_v = [v is an output] s (h_v - y) + sum over e = (v, t) of A_e(theta_e)^T dz_t
    dz_v = g_v'(z_v) * dh_v
    dE/dtheta_e = (d A_e(theta) h_u / d theta)^T dz_v            dE/db_v = dz_v

The sample weight s is applied by the caller, once, to sums over all samples.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.budget import check_time
from verify.calculus.algebra import Algebra

if TYPE_CHECKING:
    from verify.architecture import Architecture, Edge, Vertex

Parts = Mapping[Any, Any]


@dataclass(frozen=True)
class ForwardPass:
    """Outputs of every vertex, (n, width) each, and g, g', ... at the pre-activations."""

    outputs: dict[str, Any]
    derivatives: dict[str, tuple[Any, ...]]
    preactivations: dict[str, Any]


@dataclass(frozen=True)
class BackwardPass:
    """Adjoints of every vertex, (n, width) each, for the unweighted sum over samples."""

    outputs: dict[str, Any]
    preactivations: dict[str, Any]


def row_chunks(rows: int, size: int = 320) -> Iterator[slice]:
    """Slices of nearly equal length, at most `size`, that cover all samples; their arrays fit the processor's cache."""
    count = -(-rows // size)
    for index in range(count):
        yield slice(index * rows // count, (index + 1) * rows // count)


def sum_of(terms: Iterable[Any]) -> Any:
    """Sum of at least one element, from left to right."""
    return functools.reduce(operator.add, terms)


def input_outputs(algebra: Algebra, architecture: Architecture, x: np.ndarray) -> dict[str, Any]:
    """Split the columns of x among the input vertices, in file order."""
    outputs: dict[str, Any] = {}
    start = 0
    for name in architecture.inputs:
        width = architecture.vertices[name].width
        outputs[name] = algebra.lift(x[:, start : start + width])
        start += width
    return outputs


def edge_parameters(parts: Parts, edge: Edge) -> Any:
    """Return the trainable parameters of an edge, or an empty array when it has none."""
    return parts[edge.key] if edge.map.parameter_shape else _NO_PARAMETERS


def spread_bias(vertex: Vertex, bias: Any) -> Any:
    """Return the bias of every unit, (width,): a channel's bias stands at each of its positions."""
    if vertex.bias == "channel":
        channels, height, width = _image_shape(vertex)
        return bias[np.repeat(np.arange(channels), height * width)]
    return bias


def gather_bias(vertex: Vertex, per_unit: Any) -> Any:
    """Adjoint of `spread_bias`: (width,) -> the shape of the bias."""
    if vertex.bias == "channel":
        channels, height, width = _image_shape(vertex)
        return per_unit.reshape(channels, height * width).sum(axis=1)
    return per_unit


def forward(algebra: Algebra, architecture: Architecture, parts: Parts, x: np.ndarray, order: int) -> ForwardPass:
    """Propagate samples x (n, input dimension) and keep g_v and its derivatives up to `order`."""
    outputs = input_outputs(algebra, architecture, x)
    derivatives: dict[str, tuple[Any, ...]] = {}
    preactivations: dict[str, Any] = {}
    for name in architecture.order:
        check_time()
        vertex = architecture.vertices[name]
        z = sum_of(
            algebra.apply(edge.map, edge_parameters(parts, edge), outputs[edge.source])
            for edge in architecture.in_edges(name)
        )
        if vertex.bias is not None:
            z = z + spread_bias(vertex, parts[name])
        preactivations[name] = z
        derivatives[name] = algebra.activate(_activation(vertex), z, order)
        outputs[name] = derivatives[name][0]
    return ForwardPass(outputs, derivatives, preactivations)


def residuals(
    algebra: Algebra, architecture: Architecture, outputs: Mapping[str, Any], y: np.ndarray
) -> dict[str, Any]:
    """Return h_v - y for every output vertex; the columns of y follow the listed outputs."""
    result: dict[str, Any] = {}
    start = 0
    for name in architecture.outputs:
        width = architecture.vertices[name].width
        result[name] = outputs[name] - algebra.lift(y[:, start : start + width])
        start += width
    return result


def backward(
    algebra: Algebra,
    architecture: Architecture,
    parts: Parts,
    state: ForwardPass,
    residual: Mapping[str, Any],
) -> BackwardPass:
    """Propagate the residuals back; the forward pass must hold derivatives of order 1."""
    outputs: dict[str, Any] = {}
    preactivations: dict[str, Any] = {}
    for name in reversed(architecture.order):
        check_time()
        terms = [residual[name]] if name in residual else []
        terms += [
            algebra.transpose(edge.map, edge_parameters(parts, edge), preactivations[edge.target])
            for edge in architecture.out_edges(name)
        ]
        outputs[name] = sum_of(terms)
        preactivations[name] = state.derivatives[name][1] * outputs[name]
    return BackwardPass(outputs, preactivations)


def parameter_gradients(
    algebra: Algebra, architecture: Architecture, outputs: Mapping[str, Any], adjoints: Mapping[str, Any]
) -> dict[Any, Any]:
    """Return the gradient parts of the unweighted sum over samples, from outputs h and adjoints dz."""
    gradient: dict[Any, Any] = {}
    for name in architecture.order:
        check_time()
        for edge in architecture.in_edges(name):
            if edge.map.parameter_shape:
                gradient[edge.key] = algebra.parameter_gradient(edge.map, outputs[edge.source], adjoints[name])
        vertex = architecture.vertices[name]
        if vertex.bias is not None:
            gradient[name] = gather_bias(vertex, adjoints[name].sum(axis=0))
    return gradient


@dataclass(frozen=True)
class TangentPass:
    """Directional derivatives of z_v and h_v along a direction in weight space, (n, width) each."""

    outputs: dict[str, Any]
    preactivations: dict[str, Any]


def tangent(
    algebra: Algebra, architecture: Architecture, parts: Parts, direction: Parts, state: ForwardPass
) -> TangentPass:
    """Differentiate the forward pass along `direction`; the state must hold derivatives of order 1."""
    outputs: dict[str, Any] = {}
    preactivations: dict[str, Any] = {}
    for name in architecture.order:
        check_time()
        vertex = architecture.vertices[name]
        z = algebra.zeros(state.outputs[name].shape)
        for edge in architecture.in_edges(name):
            if edge.map.parameter_shape:
                z = z + algebra.apply(edge.map, direction[edge.key], state.outputs[edge.source])
            if edge.source in outputs:
                z = z + algebra.apply(edge.map, edge_parameters(parts, edge), outputs[edge.source])
        if vertex.bias is not None:
            z = z + spread_bias(vertex, direction[name])
        preactivations[name] = z
        outputs[name] = state.derivatives[name][1] * z
    return TangentPass(outputs, preactivations)


def backward_tangent(
    algebra: Algebra,
    architecture: Architecture,
    parts: Parts,
    direction: Parts,
    state: ForwardPass,
    adjoints: BackwardPass,
    tangents: TangentPass,
) -> dict[str, Any]:
    """Differentiate the adjoints dz along `direction`; the state must hold derivatives of order 2."""
    result: dict[str, Any] = {}
    for name in reversed(architecture.order):
        check_time()
        terms = [tangents.outputs[name]] if name in architecture.outputs else []
        for edge in architecture.out_edges(name):
            terms.append(algebra.transpose(edge.map, edge_parameters(parts, edge), result[edge.target]))
            if edge.map.parameter_shape:
                terms.append(algebra.transpose(edge.map, direction[edge.key], adjoints.preactivations[edge.target]))
        _, slope, curvature = state.derivatives[name][:3]
        bend = curvature * tangents.preactivations[name] * adjoints.outputs[name]
        result[name] = bend + slope * sum_of(terms)
    return result


def hessian_vector_parts(
    algebra: Algebra, architecture: Architecture, parts: Parts, direction: Parts, x: np.ndarray, y: np.ndarray
) -> dict[Any, Any]:
    """Parts of the Hessian-vector product of the unweighted sum of 1/2 |h_out - y|^2 over the samples."""
    state = forward(algebra, architecture, parts, x, order=2)
    adjoints = backward(algebra, architecture, parts, state, residuals(algebra, architecture, state.outputs, y))
    tangents = tangent(algebra, architecture, parts, direction, state)
    adjoint_tangents = backward_tangent(algebra, architecture, parts, direction, state, adjoints, tangents)
    product = parameter_gradients(algebra, architecture, state.outputs, adjoint_tangents)
    for name in architecture.order:
        check_time()
        for edge in architecture.in_edges(name):
            if edge.map.parameter_shape and edge.source in tangents.outputs:
                product[edge.key] = product[edge.key] + algebra.parameter_gradient(
                    edge.map, tangents.outputs[edge.source], adjoints.preactivations[name]
                )
    return product


_NO_PARAMETERS = np.empty(0)


def _activation(vertex: Vertex) -> Any:
    if vertex.activation is None:
        raise ValueError(f"input vertex {vertex.name!r} has no activation")
    return vertex.activation


def _image_shape(vertex: Vertex) -> tuple[int, int, int]:
    if vertex.shape is None:
        raise ValueError(f"vertex {vertex.name!r} has a channel bias but no shape")
    return vertex.shape
