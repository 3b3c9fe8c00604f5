"""The nodes table of the specification: read into vertices and edges, and written back."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

from verify.architecture.dense import Dense
from verify.architecture.edge import Edge, read_edge
from verify.architecture.fields import known_keys, optional, required
from verify.architecture.images import images
from verify.architecture.names import check_distinct, check_name
from verify.architecture.vertex import Bias, Vertex
from verify.outcomes import InputError

NODE_KEYS = ("width", "shape", "activation", "bias", "inputs")
DEFAULT_ACTIVATION = "identity"

_BIASES: dict[Any, Bias | None] = {True: "unit", False: None, "unit": "unit", "channel": "channel"}


def read_nodes(nodes: Any) -> tuple[list[Vertex], list[Edge]]:
    """Return the vertices and edges that a nodes table describes.

    Raises
    ------
    InputError
        If the table is not as the specification says; the error names the node, the input and the value.
    """
    if not isinstance(nodes, Mapping) or not nodes:
        raise InputError("the network has no nodes", where="nodes", nodes=nodes, remedy="add [nodes.x] width = ...")
    for name in nodes:
        _located("nodes", check_name, name)
    _located("nodes", check_distinct, nodes)
    vertices = {name: _located(f"nodes.{name}", _read_vertex, name, node) for name, node in nodes.items()}
    edges = []
    for name, node in nodes.items():
        for position, entry in enumerate(optional(node, "inputs", ())):
            where = f"nodes.{name}.inputs[{position}]"
            edges.append(_located(where, _read_input, entry, vertices[name], vertices))
    return list(vertices.values()), edges


def read_output(output: Any, nodes: Mapping[str, Any], edges: Iterable[Edge]) -> tuple[str, ...]:
    """Return the output's name or names as a tuple; without any, the vertices that feed no other, in file order."""
    if output is None:
        feeding = {edge.source for edge in edges}
        return tuple(name for name in nodes if name not in feeding)
    names = (output,) if isinstance(output, str) else output
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise InputError(
            "output must be a name or a list of names", where="output", output=output, remedy='write output = "y"'
        )
    for name in names:
        if name not in nodes:
            raise InputError("no such vertex", where="output", vertex=name, remedy=_suggestion(name, nodes))
    return tuple(names)


def write_nodes(vertices: Iterable[Vertex], in_edges: Mapping[str, Iterable[Edge]]) -> dict[str, dict[str, Any]]:
    """Return the nodes table that describes the vertices and edges."""
    return {vertex.name: _write_vertex(vertex, in_edges[vertex.name]) for vertex in vertices}


def write_output(outputs: tuple[str, ...]) -> str | list[str]:
    """Return one output as its name, several as a list."""
    return outputs[0] if len(outputs) == 1 else list(outputs)


def _located(where: str, read: Any, *arguments: Any) -> Any:
    try:
        return read(*arguments)
    except InputError as error:
        raise error.at(where) from None


def _read_vertex(name: str, node: Any) -> Vertex:
    if not isinstance(node, Mapping):
        raise InputError("a node must be a table", node=node, remedy=f"write [nodes.{name}] and its keys below")
    known_keys(node, NODE_KEYS)
    inputs = optional(node, "inputs", [])
    if not isinstance(inputs, (list, tuple)):
        raise InputError("inputs must be a list", inputs=inputs, remedy='write inputs = ["x"]')
    shape = node.get("shape")
    if shape is not None:
        shape = images(shape, "shape")
    width = node.get("width")
    if width is None:
        if shape is None:
            raise InputError(
                "width is missing",
                remedy="add width = ..., or shape = [channels, height, width]",
                found=sorted(map(str, node)),
            )
        width = math.prod(shape)
    bias = optional(node, "bias", True)
    if not isinstance(bias, (bool, str)) or bias not in _BIASES:
        raise InputError('bias must be true, false or "channel"', bias=bias, remedy="correct it")
    activation = node.get("activation")
    if inputs:
        activation = DEFAULT_ACTIVATION if activation is None else activation
        return Vertex(name, width, activation, _BIASES[bias], shape)
    return Vertex(name, width, activation, None if activation is None and bias is True else _BIASES[bias], shape)


def _read_input(entry: Any, target: Vertex, vertices: Mapping[str, Vertex]) -> Edge:
    options = {"from": entry} if isinstance(entry, str) else entry
    if not isinstance(options, Mapping):
        raise InputError("an input must be a name or a table", input=entry, remedy='write {from = "x", kind = "..."}')
    source = required(options, "from")
    if not isinstance(source, str):
        raise InputError("from must be a name", **{"from": source}, remedy="give the name of a vertex")
    if source not in vertices:
        raise InputError("no such vertex", vertex=source, remedy=_suggestion(source, vertices))
    return read_edge(vertices[source], target, options)


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name[:200], list(known)[:1000], n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "add the vertex or remove the name"


def _write_vertex(vertex: Vertex, edges: Iterable[Edge]) -> dict[str, Any]:
    node: dict[str, Any] = {"width": vertex.width} if vertex.shape is None else {"shape": list(vertex.shape)}
    if vertex.is_input:
        return node
    node["activation"] = (
        vertex.activation_spec if isinstance(vertex.activation_spec, str) else dict(vertex.activation_spec or {})
    )
    node["inputs"] = [
        edge.source if edge.kind == Dense.kind else {"from": edge.source, **edge.map.to_data()} for edge in edges
    ]
    if vertex.bias != "unit":
        node["bias"] = "channel" if vertex.bias == "channel" else False
    return node
