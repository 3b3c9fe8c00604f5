"""The certified network, read from the certificate, and its passes in Arb.

Every edge is one list of terms ``(out, parameter, in, c)``: ``c * theta[parameter] * h[in]`` is added to ``z[out]``
(parameter -1: ``c * h[in]``). A bias is an edge from the constant 1, whose name is `ONE`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from graphlib import TopologicalSorter
from itertools import islice, product
from math import prod
from typing import Any

from flint import arb, arb_mat

from verify.certificates.checker.functions import Function, rational
from verify.certificates.document import ReadError, fields

ONE = ""
MOST_TERMS = 10**7
Term = tuple[int, int, int, Fraction]
Units = dict[str, list[Any]]


@dataclass
class Edge:
    """z += A(theta) h; parameters p with the same p // row meet the same outputs; `start`: their place among all.

    The terms are written out when they are first needed: after the sizes were compared with what the file carries.
    """

    source: str
    width_in: int
    width_out: int
    write_terms: Callable[[], Iterable[Term]]
    parameters: int = 0
    row: int = 1
    start: int = 0

    @cached_property
    def terms(self) -> list[Term]:
        """All terms."""
        return list(self.write_terms())

    def matrix(self, theta: list[Any]) -> Any:
        """A(theta) transposed, (in, out), so that rows of h are multiplied from the right."""
        matrix = arb_mat(self.width_in, self.width_out)
        for out, p, i, c in self.terms:
            matrix[i, out] += rational(c) * (theta[self.start + p] if p >= 0 else 1)
        return matrix

    def overlap_squared(self) -> int:
        """s^2 with |A(theta) h|^2 <= s^2 |theta|^2 |h|^2 for an edge with parameters, where every c is 1.

        An output uses each parameter of one row at most once: by Cauchy-Schwarz its square is at most |theta_row|^2
        times the sum of h_i^2 over its terms, and s^2 counts how often one h_i meets one row.
        """
        return max(Counter((p // self.row, i) for _, p, i, _ in self.terms).values()) if self.parameters else 0


@dataclass
class Vertex:
    """A vertex with its incoming edges; an input has no function."""

    name: str
    width: int
    shape: list[int]
    function: Function | None = None
    edges: list[Edge] = field(default_factory=list)


@dataclass
class Pass:
    """One sample: edge matrices, and by vertex h, z and the derivatives g of the activations, lists of units."""

    matrices: dict[str, list[Any]]
    h: Units
    z: Units = field(default_factory=dict)
    g: dict[str, list[list[Any]]] = field(default_factory=dict)


class Network:
    """The graph of a certificate: ``{"nodes": {...}, "outputs": [...]}``, nodes as in a spec file."""

    def __init__(self, model: Any) -> None:
        fields(model, "model", {"nodes", "outputs"})
        nodes, outputs = model["nodes"], model["outputs"]
        if not isinstance(nodes, dict) or ONE in nodes:
            raise ReadError("nodes must be an object without empty names", where="model.nodes", nodes=nodes)
        self.vertices = {name: _vertex(name, node) for name, node in nodes.items()}
        self.size = 0
        for name, vertex in self.vertices.items():
            if vertex.function is not None:
                vertex.edges = _edges(nodes[name], vertex, self.vertices)
            for edge in vertex.edges:
                edge.start, self.size = self.size, self.size + edge.parameters
        graph = {v.name: [e.source for e in v.edges if e.source != ONE] for v in self.vertices.values()}
        self.order = [v for name in TopologicalSorter(graph).static_order() if (v := self.vertices[name]).function]
        self.inputs = {name: vertex.width for name, vertex in self.vertices.items() if not vertex.function}
        inner = {vertex.name: vertex.width for vertex in self.order}
        distinct = isinstance(outputs, list) and len(set(outputs)) == len(outputs) > 0
        if not distinct or not set(outputs) <= set(inner):
            raise ReadError("outputs must be distinct vertices that are no inputs", where="model", outputs=outputs)
        self.outputs = {name: inner[name] for name in outputs}

    def forward(self, w: list[Any], x: list[list[float]], order: int) -> Iterator[Pass]:
        """The forward pass of every sample, with derivatives of the activations up to `order`."""
        matrices = {v.name: [edge.matrix(w) for edge in v.edges] for v in self.order}
        for row in x:
            state = Pass(matrices, {ONE: [arb(1)], **cut(row, self.inputs)})
            for v in self.order:
                z = arb_mat(1, v.width)
                for edge, matrix in zip(v.edges, matrices[v.name], strict=True):
                    z += arb_mat([state.h[edge.source]]) * matrix
                units = [v.function.derivatives(entry, order) for entry in z.entries()]  # type: ignore[union-attr]
                state.z[v.name], state.g[v.name] = z.entries(), [list(g) for g in zip(*units, strict=True)]
                state.h[v.name] = state.g[v.name][0]
            yield state

    def residual(self, state: Pass, y: list[float]) -> Units:
        """h - y of every output vertex."""
        targets = cut(y, self.outputs)
        return {v: [a - b for a, b in zip(state.h[v], targets[v], strict=True)] for v in targets}

    def backward(self, state: Pass, residual: Units) -> tuple[Units, Units]:
        """Derivatives of 1/2 |residual|^2 by h and by z of every vertex but the inputs."""
        by_h = {v.name: arb_mat([residual.get(v.name, [0] * v.width)]) for v in self.order}
        by_z = {}
        for v in reversed(self.order):
            by_z[v.name] = [a * slope for a, slope in zip(by_h[v.name].entries(), state.g[v.name][1], strict=True)]
            for edge, matrix in zip(v.edges, state.matrices[v.name], strict=True):
                if edge.source in by_h:
                    by_h[edge.source] = by_h[edge.source] + arb_mat([by_z[v.name]]) * matrix.transpose()
        return {name: outer.entries() for name, outer in by_h.items()}, by_z


def cut(row: list[float], widths: dict[str, int]) -> Units:
    """Cut a row of data into one vector per name."""
    values = map(arb, row)
    return {name: list(islice(values, width)) for name, width in widths.items()}


def _integers(value: Any, where: str, count: int, least: int = 1) -> list[int]:
    """Read a list of integers; one integer stands for all."""
    values = value if isinstance(value, list) else [value] * count
    if len(values) != count or not all(type(v) is int and least <= v <= 10**6 for v in values):
        raise ReadError("expected integers", where=where, count=count, least=least, value=value)
    return values


def _vertex(name: str, node: Any) -> Vertex:
    where, inner = f"model.nodes.{name}", isinstance(node, dict) and "inputs" in node
    fields(node, where, set(), {"width", "shape"} | ({"inputs", "activation", "bias"} if inner else set()))
    shape = _integers(node["shape"], where, 3) if "shape" in node else _integers(node.get("width"), where, 1)
    if prod(shape) > 10**6 or _integers(node.get("width", prod(shape)), where, 1) != [prod(shape)]:
        raise ReadError("width and shape disagree", where=where, width=node.get("width"), shape=shape)
    return Vertex(name, prod(shape), shape, Function(node.get("activation", "identity"), where) if inner else None)


def _edges(node: dict[str, Any], target: Vertex, vertices: dict[str, Vertex]) -> list[Edge]:
    """The edges into a vertex in the order of their parameters, its bias last."""
    where, entries, bias = f"model.nodes.{target.name}", node["inputs"], node.get("bias", True)
    per_channel = bias == "channel" and len(target.shape) == 3
    if not isinstance(entries, list) or not entries or not (type(bias) is bool or per_channel):
        raise ReadError("unreadable inputs or bias", where=where, inputs=entries, bias=bias)
    edges = []
    for entry in entries:
        data = {"from": entry, "kind": "dense"} if isinstance(entry, str) else entry
        if not isinstance(data, dict) or data.get("from") not in vertices or data.get("kind") not in _KEYS:
            raise ReadError("unknown kind of edge, or from nowhere", where=where, edge=entry)
        fields(data, where, {"from", "kind"}, _KEYS[data["kind"]])
        edges.append(_edge(data, vertices[data["from"]], target, where))
    if bias:
        n, each = target.width, target.width // target.shape[0] if per_channel else 1
        edges.append(Edge(ONE, 1, n, lambda: ((o, o // each, 0, Fraction(1)) for o in range(n)), n // each))
    return edges


_KEYS: dict[Any, set[str]] = {
    **{kind: set() for kind in ("dense", "identity", "flatten")},
    **{"concat": {"offset"}, "avgpool2d": {"kernel", "stride"}, "conv2d": {"channels", "kernel", "stride", "padding"}},
}


def _edge(data: dict[str, Any], source: Vertex, target: Vertex, where: str) -> Edge:
    """Say what the kind of an edge means."""
    name, kind, m, n = source.name, data["kind"], source.width, target.width
    if kind == "dense" and m * n <= MOST_TERMS:
        return Edge(name, m, n, lambda: ((o, o * m + i, i, Fraction(1)) for o in range(n) for i in range(m)), m * n, m)
    if kind in ("identity", "flatten", "concat"):
        offset = _integers(data.get("offset", 0), where, 1, least=0)[0]
        if offset + m <= n and (kind == "concat" or m == n):
            return Edge(name, m, n, lambda: ((offset + i, -1, i, Fraction(1)) for i in range(m)))
    if len(source.shape) == len(target.shape) == 3 and kind in ("conv2d", "avgpool2d"):
        (c_in, h_in, w_in), (c_out, h_out, w_out), pooling = source.shape, target.shape, kind == "avgpool2d"
        high, wide = _integers(data.get("kernel"), where, 2)
        s, t = _integers(data.get("stride", [high, wide] if pooling else 1), where, 2)
        p, q = _integers(data.get("padding", 0), where, 2, least=0)
        channels, planes = _integers(data.get("channels", c_out), where, 1)[0], 1 if pooling else c_in
        row = planes * high * wide
        fits = [(h_in + 2 * p - high) // s + 1, (w_in + 2 * q - wide) // t + 1] == [h_out, w_out]
        if fits and channels == c_out and (c_in == c_out or not pooling) and n * row <= MOST_TERMS:

            def write_terms() -> Iterator[Term]:
                weight = Fraction(1, high * wide) if pooling else Fraction(1)
                for out, (c, i, j) in enumerate(product(range(c_out), range(h_out), range(w_out))):
                    for place, (channel, a, b) in enumerate(product(range(planes), range(high), range(wide))):
                        y, x, plane = i * s + a - p, j * t + b - q, c if pooling else channel
                        if 0 <= y < h_in and 0 <= x < w_in:
                            yield out, -1 if pooling else c * row + place, (plane * h_in + y) * w_in + x, weight

            return Edge(name, m, n, write_terms, 0 if pooling else c_out * row, row)
    raise ReadError("edge does not fit its vertices, or is too large", where=where, edge=data, source=m, target=n)
