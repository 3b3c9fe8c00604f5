"""A problem of the classical class (sums of linear maps, elementwise functions) as a graph of operations."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from verify.architecture import Architecture
from verify.architecture.convolution import Conv2d
from verify.architecture.dense import Dense
from verify.architecture.edge import Edge
from verify.architecture.linear_map import LinearMap
from verify.architecture.pooling import AvgPool2d
from verify.architecture.selection import Concat, Flatten, Identity
from verify.architecture.vertex import Vertex
from verify.calculus.problem import Problem
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder, Tensor
from verify.layers.convolution import convolution
from verify.layers.dense import dense
from verify.layers.padding import padded
from verify.layers.pooling import average_pool
from verify.losses import loss
from verify.operations.elementwise import Elementwise
from verify.operations.slices import Concatenate

EdgeRule = Callable[[Any, Tensor, "Tensor | None"], Tensor]


def graph_problem(problem: Problem) -> GraphProblem:
    """Return the same error of the same weights, in the same order, as a `GraphProblem`.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[0.5]])
    >>> graph_problem(problem).error([0.5, 0.25]) == problem.error([0.5, 0.25])
    True
    """
    architecture = problem.architecture
    builder = GraphBuilder()
    parameters = _parameters(builder, architecture)
    values = _inputs(builder, architecture, problem.samples)
    for name in architecture.order:
        builder.place = name
        values[name] = _vertex(architecture, name, values, parameters)
    builder.place = ""
    outputs = [values[name] for name in architecture.outputs]
    joined = outputs[0] if len(outputs) == 1 else outputs[0].apply(Concatenate(1), *outputs)
    targets = builder.constant("targets", joined.shape)
    graph = builder.build(loss(problem.loss).error(joined, targets, problem.reduction))
    data = {"inputs": np.asarray(problem.inputs, np.float64), "targets": np.asarray(problem.targets, np.float64)}
    return GraphProblem(
        graph, data, problem.initial_weights, problem.weight_decay, region=problem.region, name=problem.name
    )


def _parameters(builder: GraphBuilder, architecture: Architecture) -> dict[Any, Tensor]:
    """Make the leaves in the order of the weights: for every vertex of the file its edges, then its bias."""
    leaves: dict[Any, Tensor] = {}
    for name, vertex in architecture.vertices.items():
        if vertex.is_input:
            continue
        for edge in architecture.in_edges(name):
            if edge.map.parameter_shape:
                leaves[edge.key] = builder.parameter(str(edge), edge.map.parameter_shape)
        bias = vertex.bias_shape
        if bias:
            leaves[name] = builder.parameter(f"{name}.bias", bias)
    return leaves


def _inputs(builder: GraphBuilder, architecture: Architecture, samples: int) -> dict[str, Tensor]:
    table = builder.constant("inputs", (samples, architecture.input_dimension))
    values: dict[str, Tensor] = {}
    start = 0
    for name in architecture.inputs:
        width = architecture.vertices[name].width
        values[name] = table.slice(1, start, start + width)
        start += width
    return values


def _vertex(architecture: Architecture, name: str, values: dict[str, Tensor], parameters: dict[Any, Tensor]) -> Tensor:
    vertex = architecture.vertices[name]
    parts = [edge_result(edge, values[edge.source], parameters.get(edge.key)) for edge in architecture.in_edges(name)]
    z = with_bias(sum(parts[1:], start=parts[0]), vertex, parameters.get(name))
    spec = vertex.activation_spec
    text = spec["expr"] if isinstance(spec, Mapping) else str(spec)
    return z if text == "identity" else z.apply(Elementwise(text))


def with_bias(z: Tensor, vertex: Vertex, bias: Tensor | None) -> Tensor:
    """Return rows of units with the vertex' bias, one number a unit or a channel, or none."""
    if bias is None or vertex.bias != "channel":
        return z if bias is None else z + bias
    (channels,) = bias.shape
    split = z.reshape((z.shape[0], channels, vertex.width // channels)) + bias.reshape((channels, 1))
    return split.reshape((z.shape[0], vertex.width))


def edge_result(edge: Edge, h: Tensor, weights: Tensor | None) -> Tensor:
    """Return what an edge adds to its target for rows of units h, again as rows."""
    samples = h.shape[0]
    z = _EDGES[type(edge.map)](edge.map, h, weights)
    return z.reshape((samples, math.prod(z.shape[1:])))


def _convolved(edge: Conv2d, h: Tensor, weights: Tensor | None) -> Tensor:
    image = h.reshape((h.shape[0], *edge.in_shape))
    return convolution(image, _present(weights), None, edge.stride, edge.padding)


def _pooled(edge: AvgPool2d, h: Tensor, weights: Tensor | None) -> Tensor:
    return average_pool(h.reshape((h.shape[0], *edge.in_shape)), edge.kernel, edge.stride)


def _placed(edge: Concat, h: Tensor, weights: Tensor | None) -> Tensor:
    return padded(h, [(1, edge.offset, edge.out_units - edge.offset - edge.in_units)])


def _present(weights: Tensor | None) -> Tensor:
    if weights is None:
        raise TypeError("an edge with parameters has none")
    return weights


_EDGES: dict[type[LinearMap], EdgeRule] = {
    Dense: lambda edge, h, weights: dense(h, _present(weights)),
    Conv2d: _convolved,
    AvgPool2d: _pooled,
    Concat: _placed,
    Identity: lambda edge, h, weights: h,
    Flatten: lambda edge, h, weights: h,
}
