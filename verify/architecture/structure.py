"""The checks that make a set of vertices and edges a network, each in linear time and without recursion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import networkx as nx

from verify.architecture.edge import Edge
from verify.architecture.vertex import Vertex
from verify.outcomes import InputError


def check_edges(vertices: Mapping[str, Vertex], edges: Iterable[Edge]) -> None:
    """Refuse an edge that names no vertex, does not fit its vertices, repeats another or closes on itself."""
    seen = set()
    for edge in edges:
        where = f"edge {edge}"
        for end in (edge.source, edge.target):
            if end not in vertices:
                raise InputError(
                    "no such vertex", where=where, vertex=end, remedy="correct the name, or add the vertex"
                )
        if edge.source == edge.target:
            raise InputError("a vertex feeds itself", where=where, vertex=edge.source, remedy="remove the self-loop")
        widths = (vertices[edge.source].width, vertices[edge.target].width)
        if widths != (edge.map.in_width, edge.map.out_width):
            raise InputError(
                "the edge's map does not fit its vertices",
                where=where,
                source_width=widths[0],
                target_width=widths[1],
                map_reads=edge.map.in_width,
                map_writes=edge.map.out_width,
                remedy="correct the widths, or the edge's kind",
            )
        if edge.key in seen:
            raise InputError(
                "two edges of one kind between the same vertices",
                where=where,
                kind=edge.kind,
                remedy="remove one; edges of different kinds may stand side by side",
            )
        seen.add(edge.key)


def check_sources(vertices: Mapping[str, Vertex], fed: set[str]) -> None:
    """Refuse a vertex that computes without being fed, or that carries data although it is fed."""
    for name, vertex in vertices.items():
        if vertex.is_input and name in fed:
            raise InputError(
                "a vertex with inputs needs an activation",
                where=f"nodes.{name}",
                remedy='use "identity" for a linear vertex',
                activation=None,
            )
        if not vertex.is_input and name not in fed:
            raise InputError(
                "no input reaches this vertex: it has an activation but no inputs",
                where=f"nodes.{name}",
                activation=vertex.activation_spec,
                remedy="give it inputs, or drop the activation to make it an input vertex",
            )


def check_outputs(vertices: Mapping[str, Vertex], outputs: Sequence[str]) -> None:
    """Refuse outputs that are missing, unknown, repeated or input vertices."""
    if not outputs:
        raise InputError(
            "the network has no output", where="output", remedy="name at least one vertex", outputs=list(outputs)
        )
    seen: set[str] = set()
    for name in outputs:
        if name not in vertices:
            raise InputError(
                "no such vertex", where="output", vertex=name, remedy="correct the name, or add the vertex"
            )
        if name in seen:
            raise InputError("a vertex is named twice", where="output", vertex=name, remedy="name it once")
        seen.add(name)
        if vertices[name].is_input:
            raise InputError(
                "an input vertex cannot be an output",
                where="output",
                vertex=name,
                remedy="feed it into a vertex",
            )


def topological_order(names: Sequence[str], edges: Iterable[Edge]) -> list[str]:
    """Return the names so that every edge leads forward, keeping the given order wherever that is possible.

    Raises
    ------
    InputError
        If there is a cycle, whose vertices the error names.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(names)
    graph.add_edges_from((edge.source, edge.target) for edge in edges)
    position = {name: index for index, name in enumerate(names)}
    try:
        return list(nx.lexicographical_topological_sort(graph, key=position.__getitem__))
    except nx.NetworkXUnfeasible:
        pass
    cycle = find_cycle(graph)
    raise InputError(
        "the graph has a cycle",
        where=f"nodes.{cycle[0]}",
        cycle=_shown_cycle(cycle),
        vertices=len(cycle),
        remedy="remove one of its edges",
    )


def find_cycle(graph: nx.DiGraph[str]) -> list[str]:
    """Return the vertices of one cycle of a graph that has one longer than a self-loop."""
    component = next(part for part in nx.strongly_connected_components(graph) if len(part) > 1)
    name = min(component)
    path: dict[str, int] = {}
    while name not in path:
        path[name] = len(path)
        name = next(successor for successor in graph[name] if successor in component)
    return list(path)[path[name] :]


def check_reaching(order: Sequence[str], successors: Mapping[str, Sequence[Edge]], outputs: Iterable[str]) -> None:
    """Refuse a vertex from which no output can be reached."""
    reaching = set(outputs)
    for name in reversed(order):
        if any(edge.target in reaching for edge in successors[name]):
            reaching.add(name)
    idle = [name for name in order if name not in reaching]
    if idle:
        raise InputError(
            "no output can be reached from this vertex, so the error does not depend on it",
            where=f"nodes.{idle[0]}",
            vertices=idle,
            remedy="remove it, feed it into another vertex or name it in output",
        )


def _shown_cycle(cycle: Sequence[str]) -> str:
    shown = list(cycle) if len(cycle) <= 8 else [*cycle[:4], "...", *cycle[-2:]]
    return " -> ".join([*shown, cycle[0]])
