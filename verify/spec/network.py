"""The graph of a spec file's nodes: vertices that are sums of edges, and vertices that compute a layer."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import networkx as nx
import numpy as np

from verify.architecture.names import check_distinct, check_name
from verify.architecture.structure import find_cycle
from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations.operation import Shape
from verify.outcomes import InputError
from verify.spec.messages import nearest
from verify.spec.network_walk import NodeWalk, declared_shape
from verify.spec.node_models import NodeTable, VertexNode
from verify.spec.node_parameters import ParameterPlan


class Network:
    """The nodes of a spec file as a graph, for any number of samples.

    Parameters
    ----------
    nodes : mapping of str to VertexNode or LayerNode
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
            return declared_shape(self.nodes[name])
        except InputError as error:
            raise error.at(f"nodes.{name}") from None

    def build(self, builder: GraphBuilder, x: np.ndarray) -> Tensor:
        """Return the network's output for samples, one a row of x; a constant "inputs" stands for x in the graph.

        Whole numbers of x that a layer reads are part of the graph.
        """
        for plan in self.parameters:
            builder.parameter(plan.label, plan.shape)
        return NodeWalk(self, builder, x).output()

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
        walk = NodeWalk(self, GraphBuilder(), np.zeros((1, self.input_width)))
        shape = walk.output().shape[1:]
        walk.planned.check_ties()
        position = {name: index for index, name in enumerate(self.nodes)}
        plans = sorted(walk.planned.plans.values(), key=lambda plan: position[plan.vertex])
        if not sum(math.prod(plan.shape) for plan in plans):
            raise InputError(
                "the network has nothing to train",
                where="nodes",
                remedy="add a layer with weights",
                nodes=len(self.nodes),
            )
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
                raise InputError(
                    "an input vertex cannot be an output",
                    where="output",
                    vertex=name,
                    remedy="name a vertex with inputs",
                )
        if len(set(names)) < len(names) or not names:
            raise InputError(
                "outputs must be distinct vertices", where="output", output=list(names), remedy="name each once"
            )
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


def _sources(name: str, node: NodeTable, nodes: Mapping[str, NodeTable]) -> tuple[str, ...]:
    entries = node.inputs or ()
    if isinstance(node, VertexNode):
        if entries and node.values is not None:
            raise InputError(
                "only an input vertex has values", where=f"nodes.{name}", values=node.values, remedy="leave it out"
            )
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


def _suggestion(name: str, known: Iterable[str]) -> str:
    return nearest(name, list(known)[:1000])
