"""The certified network, read from the certificate, and its passes in Arb."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from math import prod
from typing import Any

from flint import arb, arb_mat

from verify.certificates.checker.edges import Edge, Shape, read_edge
from verify.certificates.checker.functions import Function
from verify.outcomes import InputError

CHUNK = 256


@dataclass
class Vertex:
    """A vertex with its incoming edges; an input has no function."""

    name: str
    width: int
    shape: Shape
    function: Function | None = None
    bias: int = 0
    start: int = 0
    edges: list[Edge] = field(default_factory=list)

    @property
    def repeats(self) -> int:
        """How many units share one entry of the bias."""
        return self.width // self.bias if self.bias else 0


@dataclass
class Pass:
    """Arb matrices (rows, width) of one chunk of samples; g holds the derivatives of the activations."""

    first: int
    rows: int
    matrices: dict[tuple[str, int], Any]
    h: dict[str, Any] = field(default_factory=dict)
    z: dict[str, Any] = field(default_factory=dict)
    g: dict[str, list[Any]] = field(default_factory=dict)

    def columns(self, table: list[list[float]], widths: dict[str, int]) -> dict[str, Any]:
        """The chunk's rows of a table of data, cut into one matrix per name."""
        result, column = {}, 0
        for name, width in widths.items():
            rows = table[self.first : self.first + self.rows]
            values = [arb(value) for row in rows for value in row[column : column + width]]
            result[name] = arb_mat(self.rows, width, values)
            column += width
        return result


class Network:
    """The graph of a certificate: ``{"nodes": {...}, "outputs": [...]}``, nodes as in a spec file."""

    def __init__(self, model: Any) -> None:
        if not isinstance(model, dict) or set(model) != {"nodes", "outputs"} or not isinstance(model["nodes"], dict):
            found = sorted(model) if isinstance(model, dict) else type(model).__name__
            raise InputError("model needs nodes and outputs", where="model", found=found)
        nodes, outputs = model["nodes"], model["outputs"]
        self.vertices = {name: _vertex(name, node) for name, node in nodes.items()}
        self.size = 0
        for name, vertex in self.vertices.items():
            for entry in nodes[name].get("inputs", []):
                edge = self._edge(entry, vertex)
                edge.start = self.size
                self.size += edge.parameters
                vertex.edges.append(edge)
            vertex.start = self.size
            self.size += vertex.bias
        graph = {name: [edge.source for edge in vertex.edges] for name, vertex in self.vertices.items()}
        try:
            order = list(TopologicalSorter(graph).static_order())
        except CycleError:
            raise InputError("graph has a cycle", where="model") from None
        self.order = [self.vertices[name] for name in order if self.vertices[name].function]
        self.inputs = {name: vertex.width for name, vertex in self.vertices.items() if not vertex.function}
        inner = {vertex.name: vertex.width for vertex in self.order}
        if (
            not isinstance(outputs, list)
            or not outputs
            or len(set(outputs)) != len(outputs)
            or set(outputs) - set(inner)
        ):
            raise InputError("outputs must be distinct vertices that are no inputs", where="model", outputs=outputs)
        self.outputs = {name: inner[name] for name in outputs}

    def _edge(self, entry: Any, target: Vertex) -> Edge:
        data = {"from": entry, "kind": "dense"} if isinstance(entry, str) else entry
        if not isinstance(data, dict) or data.get("from") not in self.vertices:
            raise InputError("edge from nowhere", where=f"vertex {target.name}", edge=entry)
        source = self.vertices[data["from"]]
        where = f"edge {source.name}->{target.name}"
        return read_edge(data, (source.width, target.width), (source.shape, target.shape), where)

    def forward(self, w: list[Any], x: list[list[float]], order: int) -> Iterator[Pass]:
        """Forward passes over chunks of samples, with derivatives of the activations up to `order`."""
        matrices = {(v.name, i): e.transposed(w) for v in self.order for i, e in enumerate(v.edges)}
        for first in range(0, len(x), CHUNK):
            state = Pass(first, len(x[first : first + CHUNK]), matrices)
            state.h.update(state.columns(x, self.inputs))
            for vertex in self.order:
                units = range(vertex.width)
                bias = [w[vertex.start + i // vertex.repeats] if vertex.bias else arb(0) for i in units]
                z = arb_mat(state.rows, vertex.width, bias * state.rows)
                for i, edge in enumerate(vertex.edges):
                    z += state.h[edge.source] * matrices[vertex.name, i]
                values = [vertex.function.derivatives(entry, order) for entry in z.entries()]  # type: ignore[union-attr]
                g = [arb_mat(state.rows, vertex.width, [d[k] for d in values]) for k in range(order + 1)]
                state.z[vertex.name], state.g[vertex.name], state.h[vertex.name] = z, g, g[0]
            yield state

    def residual(self, state: Pass, y: list[list[float]]) -> dict[str, Any]:
        """h - y of every output vertex."""
        return {name: state.h[name] - target for name, target in state.columns(y, self.outputs).items()}

    def gradient(self, state: Pass, residual: dict[str, Any]) -> list[Any]:
        """Gradient, (P,), of the sum over the chunk of 1/2 |residual|^2."""
        result, dh = [arb(0)] * self.size, dict(residual)
        for vertex in reversed(self.order):
            if vertex.name not in dh:
                continue
            pairs = zip(state.g[vertex.name][1].entries(), dh[vertex.name].entries(), strict=True)
            dz = arb_mat(state.rows, vertex.width, [slope * adjoint for slope, adjoint in pairs])
            for i, edge in enumerate(vertex.edges):
                result[edge.start : edge.start + edge.parameters] = edge.gradient(state.h[edge.source], dz)
                back = dz * state.matrices[vertex.name, i].transpose()
                dh[edge.source] = dh[edge.source] + back if edge.source in dh else back
            sums = (arb_mat(1, state.rows, [1] * state.rows) * dz).entries()
            for unit, value in enumerate(sums if vertex.bias else []):
                result[vertex.start + unit // vertex.repeats] += value
        return result


def _vertex(name: str, node: Any) -> Vertex:
    where = f"model.nodes.{name}"
    inner = isinstance(node, dict) and "inputs" in node
    known = {"width", "shape"} | ({"activation", "inputs", "bias"} if inner else set())
    if not isinstance(node, dict) or not known >= set(node):
        raise InputError("unreadable vertex", where=where, node=node)
    shape, bias, inputs = node.get("shape"), node.get("bias", True), node.get("inputs")
    sizes = [node["width"]] if shape is None else shape
    if not isinstance(sizes, list) or not all(type(size) is int and 0 < size <= 10**6 for size in sizes):
        raise InputError("sizes must be positive integers", where=where, sizes=sizes)
    width = prod(sizes)
    if len(sizes) not in (1, 3) or type(node.get("width", width)) is not int or node.get("width", width) != width:
        raise InputError("width and shape disagree", where=where, width=node.get("width"), shape=shape)
    images = tuple(sizes) if len(sizes) == 3 else None
    if not inner:
        return Vertex(name, width, images)
    if not isinstance(inputs, list) or not inputs:
        raise InputError("inputs must be a list with at least one entry", where=where, inputs=inputs)
    if not (bias is True or bias is False or (bias == "channel" and images)):
        raise InputError("unreadable bias", where=where, bias=bias)
    count = sizes[0] if bias == "channel" else width if bias else 0
    return Vertex(name, width, images, Function(node.get("activation", "identity"), where), bias=count)
