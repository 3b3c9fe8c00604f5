"""Graphs as networkx graphs and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import networkx as nx

from verify.operations.operation import Operation
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.graph.graph import Graph


def to_networkx(graph: Graph) -> nx.DiGraph[Any]:
    """Return the graph with attributes; see `Graph.to_networkx`."""
    found: nx.DiGraph[Any] = nx.DiGraph(outputs=graph.outputs)
    for position, node in enumerate(graph.nodes):
        found.add_node(position, operation=node.operation, shape=node.shape, place=node.place)
        for place, argument in enumerate(node.arguments):
            places = found.get_edge_data(argument, position, {"argument": ()})["argument"]
            found.add_edge(argument, position, argument=(*places, place))
    return found


def from_networkx(graph: nx.DiGraph[Any]) -> Graph:
    """Return the graph that attributes describe; see `Graph.from_networkx`."""
    from verify.graph.graph import Graph, Node

    rank = {name: index for index, name in enumerate(graph.nodes)}
    try:
        order = list(nx.lexicographical_topological_sort(graph, key=rank.__getitem__))
    except nx.NetworkXUnfeasible:
        cycle = " -> ".join(str(edge[0]) for edge in nx.find_cycle(graph))
        raise InputError(
            "the graph has a cycle", where="networkx", cycle=cycle, remedy="drop an edge of the cycle"
        ) from None
    position = {name: index for index, name in enumerate(order)}
    nodes: list[Node] = []
    for name in order:
        where, attributes = f"networkx node {name}", graph.nodes[name]
        operation = attributes.get("operation")
        if not isinstance(operation, Operation):
            raise InputError(
                "a node needs an operation",
                where=where,
                operation=operation,
                remedy="give it an Operation or a leaf as attribute operation",
            )
        arguments = _arguments(graph, name, position)
        try:
            shape = operation.shape(*(nodes[argument].shape for argument in arguments))
        except InputError as error:
            raise error.at(where) from None
        nodes.append(Node(operation, arguments, shape, str(attributes.get("place", ""))))
    outputs = graph.graph.get("outputs")
    if not isinstance(outputs, list | tuple) or not all(output in position for output in outputs):
        raise InputError(
            "the graph attribute outputs must name nodes",
            where="networkx",
            outputs=outputs,
            remedy="set graph.graph['outputs'] to a list of nodes",
        )
    return Graph(tuple(nodes), tuple(position[output] for output in outputs))


def _arguments(graph: nx.DiGraph[Any], name: Any, position: dict[Any, int]) -> tuple[int, ...]:
    found: dict[int, int] = {}
    for source, _, attributes in graph.in_edges(name, data=True):
        places = attributes.get("argument")
        if not isinstance(places, tuple) or not places:
            raise InputError(
                "an edge needs the positions of its argument",
                edge=f"{source} -> {name}",
                argument=places,
                remedy="set its attribute argument to whole numbers from 0 on",
            )
        for place in places:
            if place in found:
                raise InputError(
                    "two edges are one argument",
                    where=f"networkx node {name}",
                    argument=place,
                    remedy="number the arguments from 0 on",
                )
            found[place] = position[source]
    if sorted(found) != list(range(len(found))):
        raise InputError(
            "an argument is missing",
            where=f"networkx node {name}",
            arguments=sorted(found),
            remedy="number the arguments from 0 on without a gap",
        )
    return tuple(found[place] for place in range(len(found)))
