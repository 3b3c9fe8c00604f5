"""The network as a networkx graph: node and edge attributes are those of the specification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import networkx as nx

from verify.architecture.dense import Dense
from verify.architecture.edge import EDGE_KINDS
from verify.architecture.fields import whole_number
from verify.architecture.names import check_name
from verify.outcomes import InputError

POSITION = "position"
"""Edge attribute: place of the edge among the inputs of its target."""


def nodes_of(graph: Any) -> tuple[dict[str, dict[str, Any]], Any]:
    """Return the nodes table and the output (None if not given) that a graph holds.

    The inputs of a vertex are ordered by the edge attribute ``position`` where its edges bear one, else in the
    order in which networkx lists them, which is that of insertion with parallel edges side by side.

    Raises
    ------
    InputError
        If it is no directed graph, or an attribute cannot stand in a graph.
    """
    if not isinstance(graph, nx.Graph):
        raise InputError(
            "a networkx graph is needed", type=type(graph).__name__, remedy="give a networkx.DiGraph or MultiDiGraph"
        )
    if not graph.is_directed():
        raise InputError("the graph is undirected", type=type(graph).__name__, remedy="use networkx.DiGraph")
    nodes: dict[str, dict[str, Any]] = {}
    for name, attributes in graph.nodes(data=True):
        check_name(name)
        if "inputs" in attributes:
            raise InputError(
                "inputs are edges in a graph",
                where=f"nodes.{name}",
                remedy="add edges instead",
                inputs=attributes["inputs"],
            )
        nodes[name] = dict(attributes)
    for name, node in nodes.items():
        edges = _edges_into(graph, name)
        if edges:
            node["inputs"] = edges
    return nodes, graph.graph.get("output")


def graph_of(nodes: Mapping[str, Mapping[str, Any]], output: str | list[str]) -> nx.MultiDiGraph[str]:
    """Return the graph that a nodes table describes; the key of an edge is its kind."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph(output=output)
    for name, node in nodes.items():
        graph.add_node(name, **{key: value for key, value in node.items() if key != "inputs"})
    for name, node in nodes.items():
        for position, entry in enumerate(node.get("inputs", ())):
            options = {"from": entry, "kind": Dense.kind} if isinstance(entry, str) else dict(entry)
            source = options.pop("from")
            graph.add_edge(source, name, key=options["kind"], **options, **{POSITION: position})
    return graph


def _edges_into(graph: Any, name: str) -> list[dict[str, Any]]:
    edges = []
    for source, parallel in graph.pred[name].items():
        for key, attributes in parallel.items() if graph.is_multigraph() else [(None, parallel)]:
            where = f"edge {source}->{name}"
            if "from" in attributes:
                raise InputError(
                    "an edge's ends are not attributes",
                    where=where,
                    remedy='drop "from"',
                    **{"from": attributes["from"]},
                )
            kind = attributes.get("kind", Dense.kind)
            if key in EDGE_KINDS and key != kind:
                raise InputError(
                    "the edge's key names another kind than its attribute",
                    where=where,
                    key=key,
                    kind=kind,
                    remedy=f'set the attribute kind = "{key}" or drop the key',
                )
            edges.append({**attributes, "from": source})
    return _in_position(edges, name)


def _in_position(edges: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    where = f"nodes.{name}"
    placed = sum(POSITION in edge for edge in edges)
    if placed == 0:
        return edges
    if placed < len(edges):
        raise InputError(
            "some edges into the vertex bear a position and some do not",
            where=where,
            remedy="give it to all or none",
            placed=placed,
            edges=len(edges),
        )
    try:
        places = [whole_number(edge[POSITION], POSITION, minimum=0, maximum=2**63) for edge in edges]
    except InputError as error:
        raise error.at(where) from None
    if len(set(places)) < len(places):
        raise InputError(
            "two edges into the vertex bear the same position",
            where=where,
            positions=places,
            remedy="number them from 0 on",
        )
    ordered = [edge for _, edge in sorted(zip(places, edges, strict=True), key=lambda entry: entry[0])]
    return [{key: value for key, value in edge.items() if key != POSITION} for edge in ordered]
