"""A directed acyclic graph of operations, in the order in which it is evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from verify.operations.leaves import Leaf
from verify.operations.operation import Operation, Shape

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class Node:
    """An operation applied to the results of earlier nodes.

    Parameters
    ----------
    operation : Operation
    arguments : tuple of int
        Positions of the nodes that it reads, all smaller than its own.
    shape : tuple of int
        Of the result.
    place : str
        Where it comes from, for messages: a path of modules, a vertex.
    """

    operation: Operation
    arguments: tuple[int, ...]
    shape: Shape
    place: str = ""


@dataclass(frozen=True)
class Graph:
    """Nodes in an order of evaluation, and the positions of the results.

    Parameters
    ----------
    nodes : tuple of Node
    outputs : tuple of int
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]

    def __post_init__(self) -> None:
        for position, node in enumerate(self.nodes):
            if not all(0 <= argument < position for argument in node.arguments):
                raise ValueError(f"node {position} reads a node that does not stand before it")

    @cached_property
    def last_use(self) -> tuple[int, ...]:
        """For every node the position of the last one that reads it; the number of nodes for outputs."""
        last = list(range(len(self.nodes)))
        for position, node in enumerate(self.nodes):
            for argument in node.arguments:
                last[argument] = position
        for output in self.outputs:
            last[output] = len(self.nodes)
        return tuple(last)

    def leaves(self, kind: type[Leaf] = Leaf) -> Iterator[Leaf]:
        """Iterate over the leaves of a kind, in order."""
        return (node.operation for node in self.nodes if isinstance(node.operation, kind))

    def to_networkx(self) -> nx.DiGraph:
        """Return the graph with the attributes `operation`, `shape` and `place` on every node.

        An edge's attribute `argument` holds the argument's positions in the call.
        """
        import networkx as nx

        graph: nx.DiGraph = nx.DiGraph()
        for position, node in enumerate(self.nodes):
            graph.add_node(position, operation=node.operation, shape=node.shape, place=node.place)
            for place, argument in enumerate(node.arguments):
                places = graph.get_edge_data(argument, position, {"argument": ()})["argument"]
                graph.add_edge(argument, position, argument=(*places, place))
        return graph
