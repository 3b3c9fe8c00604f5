"""The network as a networkx graph: node and edge attributes are those of the specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx

from verify.architecture.dense import Dense
from verify.architecture.fields import whole_number
from verify.outcomes import InputError

POSITION = "position"
"""Edge attribute: place of the edge among the inputs of its target."""


def nodes_of(graph: Any) -> tuple[dict[Any, dict[str, Any]], Any]:
    """Return the nodes table and the output (None if not given) that a graph holds.

    The inputs of a vertex are ordered by the edge attribute ``position`` where its edges bear one, else in the
    order in which networkx lists them, which is that of insertion with parallel edges side by side.
    """
    if not isinstance(graph, nx.Graph):
        raise InputError("a networkx graph is needed", type=type(graph).__name__)
    if not graph.is_directed():
        raise InputError("the graph is undirected", type=type(graph).__name__, remedy="use networkx.DiGraph")
    nodes: dict[Any, dict[str, Any]] = {}
    for name, attributes in graph.nodes(data=True):
        if "inputs" in attributes:
            raise InputError("inputs are edges in a graph", where=f"nodes.{name}", remedy="add edges instead")
        nodes[name] = dict(attributes)
        edges = _in_edges(graph, name)
        if edges:
            nodes[name]["inputs"] = edges
    return nodes, graph.graph.get("output")


def graph_of(nodes: Mapping[str, Mapping[str, Any]], output: str | list[str]) -> nx.MultiDiGraph[str]:
    """Return the graph that a nodes table describes; parallel edges have their kind as key."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(output=output)
    for name, node in nodes.items():
        graph.add_node(name, **{key: value for key, value in node.items() if key != "inputs"})
    for name, node in nodes.items():
        for position, entry in enumerate(node.get("inputs", ())):
            options = {"from": entry, "kind": Dense.kind} if isinstance(entry, str) else dict(entry)
            source = options.pop("from")
            graph.add_edge(source, name, key=options["kind"], **options, **{POSITION: position})
    return graph


def _in_edges(graph: Any, name: Any) -> list[dict[str, Any]]:
    edges = [{**attributes, "from": source} for source, _, attributes in graph.in_edges(name, data=True)]
    placed = [edge for edge in edges if POSITION in edge]
    if not placed:
        return edges
    if len(placed) < len(edges):
        raise InputError(
            "some of the edges into the vertex bear a position and some do not", where=f"nodes.{name}"
        )
    places = [whole_number(edge.pop(POSITION), POSITION, minimum=0, maximum=2**63) for edge in edges]
    if len(set(places)) < len(places):
        raise InputError(
            "two edges into the vertex bear the same position", where=f"nodes.{name}", positions=places
        )
    return [
        edge for _, edge in sorted(zip(places, edges, strict=True), key=lambda placed_edge: placed_edge[0])
    ]
