"""One pass over the nodes of a spec file: what each computes of the others, as tensors of a graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.architecture.edge import Edge, read_edge
from verify.architecture.vertex import Vertex, resolve_activation
from verify.graph.tensor import GraphBuilder, Tensor
from verify.importers.architecture import edge_result, with_bias
from verify.layers import LAYERS
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Indices
from verify.operations.operation import Shape
from verify.operations.slices import Concatenate
from verify.outcomes import InputError
from verify.spec.node_models import IMAGE_AXES, LayerNode, VertexNode
from verify.spec.node_parameters import NodeParameters, PlannedParameters
from verify.spec.vocabulary import options_of

if TYPE_CHECKING:
    from verify.spec.network import Network

Value = Tensor | Indices

MOST_ENTRIES = 2**28
"""Numbers that one operation may give for one sample: 2 GiB."""


class NodeWalk:
    """One pass over the nodes: their values in a builder, and the parameters that they ask for."""

    def __init__(self, network: Network, builder: GraphBuilder, x: np.ndarray) -> None:
        self.network, self.builder = network, builder
        self.planned = PlannedParameters(builder)
        self.values: dict[str, Value] = self._inputs(x)
        for name in network.order:
            if name not in self.values:
                self.values[name] = self._located(name)

    def output(self) -> Tensor:
        """Return the output: one vertex as it is, several side by side as vectors."""
        found = [value for name in self.network.outputs if isinstance(value := self.values[name], Tensor)]
        if len(found) == 1:
            return found[0]
        rows = [value.reshape((value.shape[0], math.prod(value.shape[1:]))) for value in found]
        return rows[0].apply(Concatenate(1), *rows)

    def _inputs(self, x: np.ndarray) -> dict[str, Value]:
        network, samples = self.network, len(x)
        values: dict[str, Value] = {}
        start = 0
        for name in network.inputs:
            shape = network.input_shape(name)
            stop = start + math.prod(shape)
            if network.nodes[name].values == "integer":
                values[name] = Indices(x[:, start:stop].reshape((samples, *shape)))
            else:
                table = self.builder.constant("inputs", x.shape)
                values[name] = table.slice(1, start, stop).reshape((samples, *shape))
            start = stop
        return values

    def _located(self, name: str) -> Tensor:
        self.builder.place = ""
        first = len(self.builder.nodes)
        try:
            value = self._vertex(name)
            if any(math.prod(node.shape[1:]) > MOST_ENTRIES for node in self.builder.nodes[first:]):
                raise InputError(
                    "too many numbers for one sample",
                    shape=value.shape[1:],
                    limit=MOST_ENTRIES,
                    remedy="make the layers narrower",
                )
        except InputError as error:
            raise error.at(f"nodes.{name}") from None
        self.builder.name_places(first, name)
        return value

    def _vertex(self, name: str) -> Tensor:
        node = self.network.nodes[name]
        inputs = [self.values[source] for source in self.network.sources[name]]
        parameters = NodeParameters(self.planned, name, node.tied)
        z = self._layer(node, parameters, inputs) if isinstance(node, LayerNode) else self._sum(name, node, parameters)
        parameters.check_used()
        if node.activation is None:
            return z
        spec = node.activation if isinstance(node.activation, str) else {"expr": node.activation.expr}
        resolve_activation(spec)
        text = spec if isinstance(spec, str) else spec["expr"]
        return z if text == "identity" else z.apply(Elementwise(text))

    def _layer(self, node: Any, parameters: NodeParameters, inputs: Sequence[Value]) -> Tensor:
        kind = LAYERS[node.layer]
        if len(inputs) < kind.least or (kind.most is not None and len(inputs) > kind.most):
            wanted = str(kind.least) if kind.least == kind.most else f"{kind.least} to {kind.most or 'any number'}"
            raise InputError("wrong number of inputs", layer=node.layer, inputs=len(inputs), remedy=f"give {wanted}")
        for source, value in zip(node.inputs, inputs, strict=True):
            if isinstance(value, Indices) != kind.reads_integers:
                what = "reads whole numbers" if kind.reads_integers else "does not read whole numbers"
                remedy = 'give an input vertex with values = "integer"' if kind.reads_integers else "embed them first"
                raise InputError(f"the layer {what}", layer=node.layer, input=source, remedy=remedy)
        return kind(**options_of(node, kind)).apply(parameters, *inputs)

    def _sum(self, name: str, node: VertexNode, parameters: NodeParameters) -> Tensor:
        """Return the sum of the edges into a vertex of the classical form, and its bias."""
        shape = declared_shape(node)
        target = _image_vertex(name, shape, "identity", _BIASES[node.bias])
        edges: list[tuple[Edge, Tensor]] = []
        for entry, source in zip(node.inputs or (), self.network.sources[name], strict=True):
            h = self.values[source]
            if isinstance(h, Indices):
                raise InputError("whole numbers are read by a layer", input=source, remedy='use layer = "embedding"')
            options = {"from": source} if isinstance(entry, str) else entry.model_dump(by_alias=True, exclude_none=True)
            edge = read_edge(_image_vertex(source, h.shape[1:], None, None), target, options)
            edges.append((edge, h.reshape((h.shape[0], math.prod(h.shape[1:])))))
        if len({edge.key for edge, _ in edges}) < len(edges):
            raise InputError(
                "two edges of one kind between the same vertices",
                inputs=[str(edge) for edge, _ in edges],
                remedy="drop one of them",
            )
        trained = [edge for edge, _ in edges if edge.map.parameter_shape]
        parts = []
        for edge, h in edges:
            kernel = edge.map.parameter_shape
            if kernel:
                label = "weight" if len(trained) == 1 else ".".join(["weight", edge.source, *edge.key[2:]])
                places = math.prod(kernel[2:])
                weight = parameters.parameter(label, kernel, fans=(kernel[1] * places, kernel[0] * places))
                parts.append(edge_result(edge, h, weight))
            else:
                parts.append(edge_result(edge, h, None))
        bias = None if target.bias_shape is None else parameters.parameter("bias", target.bias_shape)
        z = with_bias(sum(parts[1:], start=parts[0]), target, bias)
        return z.reshape((z.shape[0], *shape))


_BIASES: dict[Any, Any] = {True: "unit", False: None, "unit": "unit", "channel": "channel"}


def declared_shape(node: VertexNode) -> Shape:
    """Return the shape of one sample of a vertex that says it."""
    if node.shape is None:
        if node.width is None:
            raise InputError("width is missing", remedy="add width = ..., or shape = [..]", width=None, shape=None)
        return (node.width,)
    shape = tuple(node.shape)
    if node.width not in (None, math.prod(shape)):
        raise InputError("width and shape disagree", width=node.width, shape=shape, remedy="leave out one of them")
    return shape


def _image_vertex(name: str, shape: Shape, activation: str | None, bias: Any) -> Vertex:
    """Return the vertex as edges see it: an image, or a vector of all entries."""
    return Vertex(name, math.prod(shape), activation, bias, shape if len(shape) == IMAGE_AXES else None)  # type: ignore[arg-type]
