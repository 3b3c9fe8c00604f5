"""The certified network, read from the certificate, and its passes in Arb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from graphlib import CycleError, TopologicalSorter
from math import prod
from typing import Any

from flint import arb, arb_mat

from verify.certificates.checker.functions import Function, rational
from verify.outcomes import InputError

Term = tuple[int, int, int, Fraction]
"""(out, parameter or -1, in, c): adds c * theta[parameter] * h[in] to z[out]."""

CHUNK = 256


@dataclass
class Edge:
    """z += A(theta) h, given by its terms; `row` tells which row of parameters serves an output."""

    source: str
    width_in: int
    width_out: int
    parameters: int
    terms: list[Term]
    row: Callable[[int], int]
    start: int = 0

    def transposed(self, theta: list[Any]) -> Any:
        """A(theta)^T, (in, out)."""
        matrix = arb_mat(self.width_in, self.width_out)
        for out, parameter, source, c in self.terms:
            matrix[source, out] += rational(c) * (theta[self.start + parameter] if parameter >= 0 else 1)
        return matrix

    def gradient(self, h: Any, delta: Any) -> list[Any]:
        """Gradient of the parameters from h (n, in) and the adjoint of z (n, out)."""
        products = h.transpose() * delta
        result = [arb(0)] * self.parameters
        for out, parameter, source, c in self.terms:
            if parameter >= 0:
                result[parameter] += rational(c) * products[source, out]
        return result

    def overlap_squared(self) -> Fraction:
        """s^2 with |A(theta) h|^2 <= s^2 |theta|^2 |h|^2, by Cauchy-Schwarz in every row of parameters.

        An output uses each parameter of its row at most once, so its square is at most |row|^2 times the sum of
        (c h_i)^2 over its terms; summed over the outputs of a row, h_i^2 meets the sum of its c^2.
        """
        sums: dict[tuple[int, int], Fraction] = {}
        used: set[tuple[int, int]] = set()
        owner: dict[int, int] = {}
        for out, parameter, source, c in self.terms:
            row = self.row(out)
            if (out, parameter) in used or owner.setdefault(parameter, row) != row:
                raise InputError("parameters are shared in an unexpected way", where=f"edge from {self.source}")
            used.add((out, parameter))
            sums[row, source] = sums.get((row, source), Fraction(0)) + c * c
        return max(sums.values())


@dataclass
class Vertex:
    """A vertex with its incoming edges; an input has no function."""

    name: str
    width: int
    shape: tuple[int, int, int] | None
    function: Function | None
    bias: int = 0
    start: int = 0
    edges: list[Edge] = field(default_factory=list)

    @property
    def repeats(self) -> int:
        """How many units share one entry of the bias."""
        return self.width // self.bias if self.bias else 0


class Network:
    """The graph of a certificate: ``{"nodes": {...}, "outputs": [...]}``, nodes as in a spec file."""

    def __init__(self, model: Any) -> None:
        nodes, outputs = _fields(model, "model", ["nodes", "outputs"])
        if not isinstance(nodes, dict) or not isinstance(outputs, list) or not outputs:
            raise InputError("model needs nodes and outputs", where="model")
        self.vertices = {name: _vertex(name, node) for name, node in nodes.items()}
        size = 0
        for name, node in nodes.items():
            vertex = self.vertices[name]
            for entry in node.get("inputs", []):
                edge = self._edge(entry, vertex)
                edge.start = size
                size += edge.parameters
                vertex.edges.append(edge)
            vertex.start = size
            size += vertex.bias
        self.size = size
        try:
            graph = {name: [edge.source for edge in vertex.edges] for name, vertex in self.vertices.items()}
            order = list(TopologicalSorter(graph).static_order())
        except CycleError:
            raise InputError("graph has a cycle", where="model") from None
        self.inputs = [name for name, vertex in self.vertices.items() if vertex.function is None]
        self.order = [self.vertices[name] for name in order if name not in self.inputs]
        self.outputs = outputs
        if len(set(outputs)) != len(outputs) or not {v.name for v in self.order} >= set(outputs):
            raise InputError("outputs must be distinct vertices that are no inputs", where="model", outputs=outputs)

    def _edge(self, entry: Any, target: Vertex) -> Edge:
        data = {"from": entry, "kind": "dense"} if isinstance(entry, str) else entry
        if not isinstance(data, dict) or data.get("from") not in self.vertices:
            raise InputError("edge from nowhere", where=f"vertex {target.name}", edge=entry)
        source = self.vertices[data["from"]]
        return edge_of(data, source, target)

    def bias_row(self, vertex: Vertex, w: list[Any]) -> list[Any]:
        """Bias of every unit."""
        return [w[vertex.start + i // vertex.repeats] if vertex.bias else arb(0) for i in range(vertex.width)]

    def forward(self, w: list[Any], x: list[list[float]], order: int) -> Iterator[Pass]:
        """Forward passes over chunks of samples, with derivatives of the activations up to `order`."""
        matrices = {(v.name, i): e.transposed(w) for v in self.order for i, e in enumerate(v.edges)}
        for first in range(0, len(x), CHUNK):
            rows = x[first : first + CHUNK]
            result = Pass(first, len(rows), matrices)
            column = 0
            for name in self.inputs:
                width = self.vertices[name].width
                values = [arb(value) for row in rows for value in row[column : column + width]]
                result.h[name] = arb_mat(len(rows), width, values)
                column += width
            for vertex in self.order:
                z = arb_mat(len(rows), vertex.width, self.bias_row(vertex, w) * len(rows))
                for i, edge in enumerate(vertex.edges):
                    z += result.h[edge.source] * matrices[vertex.name, i]
                function = vertex.function
                if function is None:
                    raise InputError("input vertex has incoming edges", where=vertex.name)
                derivatives = [function.derivatives(entry, order) for entry in z.entries()]
                result.z[vertex.name] = z
                result.g[vertex.name] = [
                    arb_mat(len(rows), vertex.width, [d[k] for d in derivatives]) for k in range(order + 1)
                ]
                result.h[vertex.name] = result.g[vertex.name][0]
            yield result

    def residual(self, state: Pass, y: list[list[float]]) -> dict[str, Any]:
        """h - y of every output vertex."""
        result, column = {}, 0
        for name in self.outputs:
            width = self.vertices[name].width
            rows = y[state.first : state.first + state.rows]
            values = [arb(value) for row in rows for value in row[column : column + width]]
            result[name] = state.h[name] - arb_mat(state.rows, width, values)
            column += width
        return result

    def gradient(self, state: Pass, residual: dict[str, Any]) -> list[Any]:
        """Gradient, (P,), of the sum over the chunk of 1/2 |residual|^2."""
        result = [arb(0)] * self.size
        dh = dict(residual)
        for vertex in reversed(self.order):
            if vertex.name not in dh:
                continue
            pairs = zip(state.g[vertex.name][1].entries(), dh[vertex.name].entries(), strict=True)
            dz = arb_mat(state.rows, vertex.width, [slope * adjoint for slope, adjoint in pairs])
            for i, edge in enumerate(vertex.edges):
                result[edge.start : edge.start + edge.parameters] = edge.gradient(state.h[edge.source], dz)
                if self.vertices[edge.source].function is not None:
                    back = dz * state.matrices[vertex.name, i].transpose()
                    dh[edge.source] = dh[edge.source] + back if edge.source in dh else back
            if vertex.bias:
                column_sums = (arb_mat(1, state.rows, [1] * state.rows) * dz).entries()
                for unit, value in enumerate(column_sums):
                    result[vertex.start + unit // vertex.repeats] += value
        return result


@dataclass
class Pass:
    """Arb matrices (rows, width) of one chunk of samples."""

    first: int
    rows: int
    matrices: dict[tuple[str, int], Any]
    h: dict[str, Any] = field(default_factory=dict)
    z: dict[str, Any] = field(default_factory=dict)
    g: dict[str, list[Any]] = field(default_factory=dict)


def _vertex(name: str, node: Any) -> Vertex:
    if not isinstance(node, dict) or set(node) - {"width", "shape", "activation", "inputs", "bias"}:
        raise InputError("unreadable vertex", where=f"model.nodes.{name}")
    shape = node.get("shape")
    if shape is not None and not (isinstance(shape, list) and len(shape) == 3):
        raise InputError("shape must be [C, H, W]", where=f"model.nodes.{name}", shape=shape)
    width = node.get("width", prod(shape) if shape else None)
    for size in [width, *(shape or [])]:
        if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= 10**7:
            raise InputError("sizes must be positive integers", where=f"model.nodes.{name}", size=size)
    if shape and width != prod(shape):
        raise InputError("width and shape disagree", where=f"model.nodes.{name}", width=width, shape=shape)
    if not node.get("inputs"):
        return Vertex(name, width, tuple(shape) if shape else None, None)
    function = Function(node.get("activation", "identity"), f"model.nodes.{name}.activation")
    bias = node.get("bias", True)
    if bias not in (True, False, "channel") or (bias == "channel" and not shape):
        raise InputError("unreadable bias", where=f"model.nodes.{name}", bias=bias)
    count = shape[0] if bias == "channel" else width if bias else 0
    return Vertex(name, width, tuple(shape) if shape else None, function, bias=count)


def edge_of(data: dict[str, Any], source: Vertex, target: Vertex) -> Edge:
    """Read an edge and write out what its kind means."""
    where = f"edge {source.name}->{target.name}"
    kind, one = data.get("kind"), Fraction(1)
    m, n = source.width, target.width
    if kind == "dense":
        terms = [(o, o * m + i, i, one) for o in range(n) for i in range(m)]
        return Edge(source.name, m, n, m * n, terms, lambda o: o)
    if kind in ("identity", "flatten", "concat"):
        offset = data.get("offset", 0) if kind == "concat" else 0
        fits = n == m if kind != "concat" else isinstance(offset, int) and 0 <= offset <= n - m
        if not fits:
            raise InputError("widths do not fit", where=where, source=m, target=n, offset=offset)
        return Edge(source.name, m, n, 0, [(offset + i, -1, i, one) for i in range(m)], lambda o: o)
    if kind in ("conv2d", "avgpool2d") and source.shape and target.shape:
        return _window_edge(data, source, target, where)
    raise InputError("unknown kind of edge", where=where, kind=kind)


def _window_edge(data: dict[str, Any], source: Vertex, target: Vertex, where: str) -> Edge:
    (c_in, h_in, w_in), (c_out, h_out, w_out) = source.shape or (0, 0, 0), target.shape or (0, 0, 0)
    pooling = data["kind"] == "avgpool2d"
    kernel = _pair(data.get("kernel"), where)
    stride = _pair(data.get("stride", kernel if pooling else 1), where)
    padding = (0, 0) if pooling else _pair(data.get("padding", 0), where, least=0)
    expected = tuple((s + 2 * p - k) // t + 1 for s, p, k, t in zip((h_in, w_in), padding, kernel, stride, strict=True))
    if (h_out, w_out) != expected or (pooling and c_in != c_out) or data.get("channels", c_out) != c_out:
        raise InputError("shapes do not fit", where=where, source=source.shape, target=target.shape)
    weight = Fraction(1, kernel[0] * kernel[1]) if pooling else Fraction(1)
    terms: list[Term] = []
    for c, i, j in _positions(c_out, h_out, w_out):
        for channel in [c] if pooling else range(c_in):
            for a in range(kernel[0]):
                for b in range(kernel[1]):
                    y, x = i * stride[0] + a - padding[0], j * stride[1] + b - padding[1]
                    if 0 <= y < h_in and 0 <= x < w_in:
                        parameter = -1 if pooling else ((c * c_in + channel) * kernel[0] + a) * kernel[1] + b
                        out = (c * h_out + i) * w_out + j
                        terms.append((out, parameter, (channel * h_in + y) * w_in + x, weight))
    parameters = 0 if pooling else c_out * c_in * kernel[0] * kernel[1]
    return Edge(source.name, source.width, target.width, parameters, terms, lambda o: o // (h_out * w_out))


def _positions(c: int, h: int, w: int) -> Iterator[tuple[int, int, int]]:
    return ((a, b, d) for a in range(c) for b in range(h) for d in range(w))


def _pair(value: Any, where: str, least: int = 1) -> tuple[int, int]:
    pair = [value, value] if isinstance(value, int) else value
    if not isinstance(pair, list) or len(pair) != 2 or not all(type(v) is int and v >= least for v in pair):
        raise InputError("expected one or two integers", where=where, value=value)
    return pair[0], pair[1]


def _fields(data: Any, where: str, names: list[str]) -> list[Any]:
    if not isinstance(data, dict) or set(data) != set(names):
        raise InputError("unexpected fields", where=where, expected=names)
    return [data[name] for name in names]
