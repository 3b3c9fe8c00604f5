"""The graph of a spec file's nodes: vertices that are sums of edges, and vertices that compute a layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import networkx as nx
import numpy as np

from verify.architecture.edge import Edge, read_edge
from verify.architecture.names import check_distinct, check_name
from verify.architecture.structure import find_cycle
from verify.architecture.vertex import Vertex, resolve_activation
from verify.graph.tensor import GraphBuilder, Tensor
from verify.importers.architecture import edge_result, with_bias
from verify.layers import LAYERS
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Indices
from verify.operations.operation import Shape
from verify.operations.slices import Concatenate
from verify.outcomes import InputError
from verify.spec.messages import nearest
from verify.spec.models import IMAGE_AXES, LayerNode, Node, NodeTable
from verify.spec.vocabulary import options_of

Value = Tensor | Indices

MOST_ENTRIES = 2**28
"""Numbers that one operation may give for one sample: 2 GiB."""


@final
@dataclass(frozen=True)
class ParameterPlan:
    """A trainable array of the network, and how its first values are made.

    Parameters
    ----------
    label : str
        Node and name, as ``h.weight``.
    vertex : str
        The node.
    shape : tuple of int
    fans : (int, int) or None
        Fan in and fan out of what is drawn.
    start : float
        Every entry at first, where there are no fans.
    """

    label: str
    vertex: str
    shape: Shape
    fans: tuple[int, int] | None
    start: float


class Network:
    """The nodes of a spec file as a graph, for any number of samples.

    Parameters
    ----------
    nodes : mapping of str to Node or LayerNode
        In file order.
    output : str or list of str, optional
        By default the nodes that no other reads.

    Raises
    ------
    InputError
        If they are no network: unknown names, a cycle, shapes that do not fit.
    """

    def __init__(self, nodes: Mapping[str, NodeTable], output: str | Sequence[str] | None) -> None:
        check_distinct(nodes)
        self.nodes = nodes
        self.sources = {name: _sources(check_name(name), node, nodes) for name, node in nodes.items()}
        self.inputs = tuple(name for name in nodes if not self.sources[name])
        self.outputs = self._named_outputs(output)
        self.order = self._sorted()
        self.output_shape: Shape
        self.parameters: tuple[ParameterPlan, ...]
        self.output_shape, self.parameters = self._planned()

    @cached_property
    def size(self) -> int:
        """Number of trainable numbers."""
        return sum(math.prod(plan.shape) for plan in self.parameters)

    @property
    def vertex_blocks(self) -> dict[str, slice]:
        """Which weights belong to each vertex: they stand side by side."""
        blocks: dict[str, slice] = {}
        stop = 0
        for plan in self.parameters:
            start, stop = stop, stop + math.prod(plan.shape)
            blocks[plan.vertex] = slice(blocks[plan.vertex].start if plan.vertex in blocks else start, stop)
        return blocks

    @property
    def input_width(self) -> int:
        """Columns of x."""
        return sum(math.prod(self.input_shape(name)) for name in self.inputs)

    @cached_property
    def integer_columns(self) -> np.ndarray:
        """Which columns of x are whole numbers, (input_width,) of bool."""
        marks = [np.full(math.prod(self.input_shape(n)), self.nodes[n].values == "integer") for n in self.inputs]
        return np.concatenate(marks)

    def input_shape(self, name: str) -> Shape:
        """Return the shape of one sample of an input vertex."""
        try:
            return _declared(self.nodes[name])
        except InputError as error:
            raise error.at(f"nodes.{name}") from None

    def build(self, builder: GraphBuilder, x: np.ndarray) -> Tensor:
        """Return the network's output for samples, one a row of x; a constant "inputs" stands for x in the graph.

        Whole numbers of x that a layer reads are part of the graph.
        """
        for plan in self.parameters:
            builder.parameter(plan.label, plan.shape)
        return _Walk(self, builder, x).output()

    def initial_weights(self, scheme: str, seed: int) -> np.ndarray:
        """Return the first weights in the order of the parameters: drawn (Glorot's bounds), or without drawing.

        Parameters
        ----------
        scheme : {"glorot", "zeros"}
            Where nothing is drawn, parameters have their fixed first values: scales of normalisations 1, others 0.
        seed : int
        """
        generator = np.random.default_rng(seed)
        parts = []
        for plan in self.parameters:
            count = math.prod(plan.shape)
            if plan.fans is None or scheme == "zeros":
                parts.append(np.full(count, plan.start))
            else:
                limit = math.sqrt(6.0 / sum(plan.fans))
                parts.append(generator.uniform(-limit, limit, size=count))
        return np.concatenate(parts)

    def _planned(self) -> tuple[Shape, tuple[ParameterPlan, ...]]:
        """Build the graph of one sample to learn shapes; parameters come in the order of the file."""
        walk = _Walk(self, GraphBuilder(), np.zeros((1, self.input_width)))
        shape = walk.output().shape[1:]
        walk.check_ties()
        position = {name: index for index, name in enumerate(self.nodes)}
        plans = sorted(walk.plans.values(), key=lambda plan: position[plan.vertex])
        if not sum(math.prod(plan.shape) for plan in plans):
            raise InputError("the network has nothing to train", where="nodes", remedy="add a layer with weights")
        return shape, tuple(plans)

    def _named_outputs(self, output: str | Sequence[str] | None) -> tuple[str, ...]:
        if output is None:
            read = {source for sources in self.sources.values() for source in sources}
            output = [name for name in self.nodes if name not in read]
        names = (output,) if isinstance(output, str) else tuple(output)
        for name in names:
            if name not in self.nodes:
                raise InputError("no such vertex", where="output", vertex=name, remedy=_suggestion(name, self.nodes))
            if name in self.inputs:
                raise InputError("an input vertex cannot be an output", where="output", vertex=name)
        if len(set(names)) < len(names) or not names:
            raise InputError("outputs must be distinct vertices", where="output", output=list(names))
        return names

    def _sorted(self) -> tuple[str, ...]:
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(self.nodes)
        graph.add_edges_from((source, name) for name, sources in self.sources.items() for source in sources)
        position = {name: index for index, name in enumerate(self.nodes)}
        try:
            order = tuple(nx.lexicographical_topological_sort(graph, key=position.__getitem__))
        except nx.NetworkXUnfeasible:
            cycle = find_cycle(graph)
            raise InputError(
                "the graph has a cycle",
                where=f"nodes.{cycle[0]}",
                cycle=" -> ".join([*cycle[:6], cycle[0]]),
                remedy="remove one of its edges",
            ) from None
        useful = set(self.outputs).union(*(nx.ancestors(graph, name) for name in self.outputs))
        idle = [name for name in order if name not in useful]
        if idle:
            raise InputError(
                "no output can be reached from this vertex, so the error does not depend on it",
                where=f"nodes.{idle[0]}",
                vertices=idle,
                remedy="remove it, feed it into another vertex or name it in output",
            )
        return order


class _Walk:
    """One pass over the nodes: their values in a builder, and the parameters that they ask for."""

    def __init__(self, network: Network, builder: GraphBuilder, x: np.ndarray) -> None:
        self.network, self.builder = network, builder
        self.plans: dict[str, ParameterPlan] = {}
        self.tied: list[tuple[str, str, Shape]] = []
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

    def check_ties(self) -> None:
        """Refuse ties to parameters that no vertex owns, or of another shape."""
        for where, label, shape in self.tied:
            if label not in self.plans:
                raise InputError("no such parameter", where=where, tied=label, remedy=_suggestion(label, self.plans))
            if self.plans[label].shape != shape:
                raise InputError(
                    "a parameter of another shape",
                    where=where,
                    tied=label,
                    shape=self.plans[label].shape,
                    expected=shape,
                )

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
                raise InputError("too many numbers for one sample", shape=value.shape[1:], limit=MOST_ENTRIES)
        except InputError as error:
            raise error.at(f"nodes.{name}") from None
        self.builder.name_places(first, name)
        return value

    def _vertex(self, name: str) -> Tensor:
        node = self.network.nodes[name]
        inputs = [self.values[source] for source in self.network.sources[name]]
        parameters = _NodeParameters(self, name, node.tied)
        z = self._layer(node, parameters, inputs) if isinstance(node, LayerNode) else self._sum(name, node, parameters)
        parameters.check_used()
        if node.activation is None:
            return z
        spec = node.activation if isinstance(node.activation, str) else {"expr": node.activation.expr}
        resolve_activation(spec)
        text = spec if isinstance(spec, str) else spec["expr"]
        return z if text == "identity" else z.apply(Elementwise(text))

    def _layer(self, node: Any, parameters: _NodeParameters, inputs: Sequence[Value]) -> Tensor:
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

    def _sum(self, name: str, node: Node, parameters: _NodeParameters) -> Tensor:
        """Return the sum of the edges into a vertex of the classical form, and its bias."""
        shape = _declared(node)
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
            raise InputError("two edges of one kind between the same vertices", inputs=[str(edge) for edge, _ in edges])
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


class _NodeParameters:
    """The parameters of one node; `tied` says which are those of other nodes."""

    def __init__(self, walk: _Walk, name: str, tied: str | Mapping[str, str] | None) -> None:
        self._walk, self._name, self._tied = walk, name, tied
        self._made: list[str] = []

    def parameter(self, name: str, shape: Shape, *, fans: tuple[int, int] | None = None, start: float = 0.0) -> Tensor:
        """Return the parameter of this name, or the one that it is tied to."""
        self._made.append(name)
        walk, label = self._walk, f"{self._name}.{name}"
        other = f"{self._tied}.{name}" if isinstance(self._tied, str) else (self._tied or {}).get(name)
        if other is not None:
            walk.tied.append((f"nodes.{self._name}.tied", other, shape))
            return walk.builder.parameter(other, shape)
        if label in walk.plans:
            raise InputError("two parameters have one name", label=label, remedy="rename a vertex")
        walk.plans[label] = ParameterPlan(label, self._name, shape, fans, start)
        return walk.builder.parameter(label, shape)

    def check_used(self) -> None:
        """Refuse ties of parameters that the node does not have."""
        if self._tied is None:
            return
        if isinstance(self._tied, str):
            if not self._made:
                raise InputError("there is nothing to tie: the vertex has no parameters", tied=self._tied)
            return
        for name in self._tied:
            if name not in self._made:
                remedy = nearest(name, self._made) if self._made else "remove tied: the vertex has no parameters"
                raise InputError("the vertex has no such parameter", tied=name, remedy=remedy)


_BIASES: dict[Any, Any] = {True: "unit", False: None, "unit": "unit", "channel": "channel"}


def _sources(name: str, node: NodeTable, nodes: Mapping[str, NodeTable]) -> tuple[str, ...]:
    entries = node.inputs or ()
    if isinstance(node, Node):
        if entries and node.values is not None:
            raise InputError("only an input vertex has values", where=f"nodes.{name}", values=node.values)
        if not entries and (node.activation is not None or node.bias is not True or node.tied is not None):
            raise InputError(
                "no input reaches this vertex",
                where=f"nodes.{name}",
                activation=node.activation,
                remedy="give it inputs, or drop activation, bias and tied to make it an input vertex",
            )
    found = tuple(entry if isinstance(entry, str) else entry.source for entry in entries)
    for position, source in enumerate(found):
        where = f"nodes.{name}.inputs[{position}]"
        if source not in nodes:
            raise InputError("no such vertex", where=where, vertex=source, remedy=_suggestion(source, nodes))
        if source == name:
            raise InputError("a vertex feeds itself", where=where, vertex=name, remedy="remove the self-loop")
    return found


def _declared(node: Node) -> Shape:
    if node.shape is None:
        if node.width is None:
            raise InputError("width is missing", remedy="add width = ..., or shape = [..]")
        return (node.width,)
    shape = tuple(node.shape)
    if node.width not in (None, math.prod(shape)):
        raise InputError("width and shape disagree", width=node.width, shape=shape)
    return shape


def _image_vertex(name: str, shape: Shape, activation: str | None, bias: Any) -> Vertex:
    """Return the vertex as edges see it: an image, or a vector of all entries."""
    return Vertex(name, math.prod(shape), activation, bias, shape if len(shape) == IMAGE_AXES else None)  # type: ignore[arg-type]


def _suggestion(name: str, known: Iterable[str]) -> str:
    return nearest(name, list(known)[:1000])
