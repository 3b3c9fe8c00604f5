"""A directed acyclic graph of operations, in the order in which it is evaluated."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

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

    def to_data(self) -> dict[str, Any]:
        """Return the graph as plain data: what JSON holds, exactly.

        Returns
        -------
        dict
            ``"nodes"``: for each its operation's name and options, the positions of its arguments and its place;
            ``"outputs"``. Shapes follow from these; constants and parameters stand there by label and shape.
        """
        from verify.graph.plain_data import graph_data

        return graph_data(self)

    @classmethod
    def from_data(cls, data: Any) -> Graph:
        """Return the graph that `to_data` wrote.

        No array but the indices that the data hold is made, whatever shapes they speak of.

        Raises
        ------
        InputError
            If an operation is unknown, an option is unreadable, or arguments do not fit.

        Examples
        --------
        >>> from verify.graph.tensor import GraphBuilder
        >>> builder = GraphBuilder()
        >>> graph = builder.build(builder.parameter("w", (2,)).square().mean())
        >>> Graph.from_data(graph.to_data()) == graph
        True
        """
        from verify.graph.plain_data import read_graph

        return read_graph(data)

    def fingerprint(self) -> str:
        """Return the SHA-256 hash of the graph: equal for equal operations, arguments and outputs, whatever places."""
        data = self.to_data()
        for node in data["nodes"]:
            node.pop("place", None)
        return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def to_networkx(self) -> nx.DiGraph[Any]:
        """Return the graph with the attributes `operation`, `shape` and `place` on every node.

        An edge's attribute `argument` holds the argument's positions in the call; the graph's attribute `outputs` names
        the outputs.
        """
        from verify.graph.networkx_form import to_networkx

        return to_networkx(self)

    @classmethod
    def from_networkx(cls, graph: nx.DiGraph[Any]) -> Graph:
        """Return the graph that `to_networkx` describes; nodes may bear any names, and shapes are computed.

        Raises
        ------
        InputError
            If there is a cycle, a node has no operation, or arguments are missing or do not fit.
        """
        from verify.graph.networkx_form import from_networkx

        return from_networkx(graph)
