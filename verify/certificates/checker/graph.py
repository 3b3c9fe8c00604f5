"""A certificate about a graph of operations: read strictly, its size bounded, error and derivatives in Arb."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from math import prod
from typing import Any

from flint import arb, arb_mat

from verify.certificates import document
from verify.certificates.checker.curvature import norm
from verify.certificates.checker.derivatives import Derivatives
from verify.certificates.checker.functions import rational
from verify.certificates.checker.hessian import MOST_WEIGHTS, spectral_norm
from verify.certificates.checker.operations import RULES, Rule
from verify.certificates.checker.operations.rule import Entries, Options, Shape, Table, lengths
from verify.certificates.checker.subject import Subject, read_subject
from verify.certificates.document import ReadError, fields

FREE_WORK, WORK_PER_NUMBER = 2**26, 2**12
"""Products and sums of an evaluation, some hundred nanoseconds each: a convolution meets a datum in each of its
channels and places, attention in each of its features and places."""
FREE_ENTRIES, ENTRIES_PER_NUMBER = 2**21, 2**7
"""Balls of some hundred bytes that are alive at once."""
MOST_HESSIAN_WORK, MOST_HESSIAN_ENTRIES = 2**30, 2**21
"""Products and sums of an evaluation times the weights, each of which needs some evaluations, and at most twice what
one evaluation may make; balls that are kept."""


class NoRuleError(ReadError):
    """The checker has no definition of what a certificate speaks of: it is not confirmed."""


@dataclass(frozen=True)
class Node:
    """An operation with its options, the nodes that it reads, and the shape of its result."""

    rule: Rule
    options: Options
    arguments: tuple[int, ...]
    shape: Shape


class Graph:
    """The field ``model`` of a certificate: ``{"graph": {"nodes": [...], "outputs": [p]}}``, one scalar output."""

    def __init__(self, model: Any) -> None:
        content = fields(fields(model, "model", {"graph"})["graph"], "model.graph", {"nodes", "outputs"})
        if not isinstance(content["nodes"], list):
            raise ReadError("nodes must be a list", where="model.graph.nodes")
        self.nodes: list[Node] = []
        for position, entry in enumerate(content["nodes"]):
            self.nodes.append(_node(entry, self.nodes, f"model.graph.nodes[{position}]"))
        outputs = lengths(content["outputs"], "model.graph.outputs")
        if len(outputs) != 1 or outputs[0] >= len(self.nodes) or self.nodes[outputs[0]].shape != ():
            raise ReadError("the graph has one output, a number", where="model.graph.outputs", outputs=outputs)
        self.output = outputs[0]
        self.parameters = self._leaves("parameter")
        self.constants = self._leaves("constant")
        self.size = sum(prod(shape) for shape in self.parameters.values())
        self.last_use = list(range(len(self.nodes)))
        for position, node in enumerate(self.nodes):
            for argument in node.arguments:
                self.last_use[argument] = position
        self.last_use[self.output] = len(self.nodes)

    def evaluate(self, leaves: dict[str, Entries]) -> Any:
        """Return the output for the entries of all leaves, by kind and label."""
        results: list[Entries] = [[] for _ in self.nodes]
        for position, node in enumerate(self.nodes):
            if node.rule.name in ("parameter", "constant"):
                results[position] = leaves[node.options["label"]]
            else:
                shapes = tuple(self.nodes[argument].shape for argument in node.arguments)
                values = [results[argument] for argument in node.arguments]
                results[position] = node.rule.value(node.options, shapes, node.shape, *values)
            for argument in {*node.arguments, position}:
                if self.last_use[argument] <= position:
                    results[argument] = []
        return results[self.output][0]

    def check_sizes(self, numbers: int) -> None:
        """Refuse a graph that is out of proportion to the numbers that come with it, before anything is evaluated."""
        numbers += sum(len(option.values) for node in self.nodes for option in _tables(node))
        alive = most = 0
        work = self.work()
        for position, node in enumerate(self.nodes):
            alive += prod(node.shape)
            most = max(most, alive)
            ended = [p for p in {*node.arguments, position} if self.last_use[p] <= position]
            alive -= sum(prod(self.nodes[p].shape) for p in ended)
        limits = (FREE_WORK + WORK_PER_NUMBER * numbers, FREE_ENTRIES + ENTRIES_PER_NUMBER * numbers)
        if work > limits[0] or most > limits[1]:
            raise ReadError(
                "the network is too large for the weights and data that come with it",
                where="model.graph",
                operations=work,
                entries=most,
                numbers=numbers,
            )

    def work(self) -> int:
        """How many products and sums one evaluation makes, about."""
        shapes = [node.shape for node in self.nodes]
        given = (tuple(shapes[argument] for argument in node.arguments) for node in self.nodes)
        return sum(node.rule.work(node.options, own, node.shape) for node, own in zip(self.nodes, given, strict=True))

    def check_hessian(self, numbers: int) -> None:
        """Refuse a graph whose Hessian takes too long, or is out of proportion to the numbers that come with it."""
        work, entries = self.work() * self.size, sum(prod(node.shape) for node in self.nodes)
        limit = min(MOST_HESSIAN_WORK, 2 * (FREE_WORK + WORK_PER_NUMBER * numbers))
        if self.size > MOST_WEIGHTS or work > limit or entries > MOST_HESSIAN_ENTRIES:
            raise NoRuleError(
                "the network is too large for the whole Hessian",
                remedy="certify with fewer samples or narrower layers",
                weights=self.size,
                operations=work,
                entries=entries,
            )

    def _leaves(self, name: str) -> dict[str, Shape]:
        found: dict[str, Shape] = {}
        for node in self.nodes:
            if node.rule.name == name:
                label = node.options["label"]
                if label in found:
                    raise ReadError("two leaves have one label", where="model.graph", label=label)
                found[label] = node.shape
        return found


@dataclass
class GraphSubject:
    """E(w) = graph(w) + sum of decay_p / 2 |w_p|^2 over the parameters p, and the weights certified."""

    network: Graph
    constants: dict[str, list[float]]
    decay: dict[str, Fraction]
    weights: list[float]
    _at_weights: list[Any] = field(default_factory=list)

    def error(self, weights: list[float]) -> Any:
        """E(weights)."""
        w = [arb(x) for x in weights]
        penalty = sum((factor * x * x for factor, x in zip(self._factors(), w, strict=True)), arb(0)) / 2
        return self.network.evaluate(self._leaves(w)) + penalty

    def gradient(self, weights: list[float]) -> Entries:
        """Grad E(weights)."""
        w = [arb(x) for x in weights]
        found = Derivatives(self.network, self._leaves(w)).gradient()
        return [g + factor * x for g, factor, x in zip(found, self._factors(), w, strict=True)]

    def hessian(self) -> Any:
        """Hess E(weights), (P, P), in the lower triangle."""
        if not self._at_weights:
            self._at_weights.append(self._hessian([arb(x) for x in self.weights]))
        return self._at_weights[0]

    def hessian_growth(self, region: Any) -> Any:
        """Upper bound of ||Hess E - Hess E(weights)|| over a ball: in the Frobenius norm, over the box around it."""
        match region:
            case {"kind": "ball", "radius": radius, **rest} if not rest:
                size = rational(document.positive(radius, "region.radius"))
            case _:
                raise ReadError("unreadable region", where="region", region=region)
        change = self._hessian([arb(x, size) for x in self.weights]) - self.hessian()
        lower = [change[p, q] for p in range(self.network.size) for q in range(p)]
        return norm([change[p, p] for p in range(self.network.size)] + 2 * lower)

    def hessian_norm(self, region: Any) -> Any:
        """Upper bound of ||Hess E|| over a ball: both ends of the spectrum at the weights, and the growth."""
        return self.hessian_growth(region) + spectral_norm(self.hessian())

    def _hessian(self, w: list[Any]) -> Any:
        self.network.check_hessian(len(w) + sum(map(len, self.constants.values())))
        derivatives, size = Derivatives(self.network, self._leaves(w)), self.network.size
        columns = [derivatives.column(number) for number in range(size)]
        matrix = arb_mat([[columns[q][p] if q <= p else arb(0) for q in range(size)] for p in range(size)])
        for p, factor in enumerate(self._factors()):
            matrix[p, p] += factor
        return matrix

    def _factors(self) -> Entries:
        """The factor of weight decay of every weight."""
        parts = [(self.decay.get(label, Fraction(0)), shape) for label, shape in self.network.parameters.items()]
        return [factor for value, shape in parts for factor in [rational(value)] * prod(shape)]

    def _leaves(self, w: list[Any]) -> dict[str, Entries]:
        leaves: dict[str, Entries] = {label: [arb(x) for x in values] for label, values in self.constants.items()}
        start = 0
        for label, shape in self.network.parameters.items():
            leaves[label], start = w[start : start + prod(shape)], start + prod(shape)
        return leaves


def read_any_subject(content: dict[str, Any]) -> Subject | GraphSubject:
    """Read what a certificate is about: a network of vertices and edges, or a graph of operations."""
    is_graph = isinstance(content["model"], dict) and "graph" in content["model"]
    return read_graph_subject(content) if is_graph else read_subject(content)


def read_graph_subject(content: dict[str, Any]) -> GraphSubject:
    """Read the fields ``model``, ``objective``, ``data`` and ``weights`` of a certificate about a graph."""
    network = Graph(content["model"])
    labels = [*network.parameters, *network.constants]
    if len(set(labels)) < len(labels):
        raise ReadError("a parameter and a constant have one label", where="model.graph")
    data = fields(content["data"], "data", {"constants", "sha256"})
    arrays = fields(data["constants"], "data.constants", set(network.constants))
    constants: dict[str, list[float]] = {}
    for label, shape in network.constants.items():
        array = fields(arrays[label], f"data.constants.{label}", {"shape", "values"})
        if lengths(array["shape"], "data.constants") != shape:
            raise ReadError("shapes of data and model disagree", where=f"data.constants.{label}", model=shape)
        values = document.float64_list(array["values"], f"data.constants.{label}")
        if len(values) != prod(shape):
            raise ReadError("numbers do not fill their shape", where=f"data.constants.{label}", numbers=len(values))
        constants[label] = values
    packed = ((label, network.constants[label], struct.pack(f"<{len(v)}d", *v)) for label, v in constants.items())
    if document.arrays_digest(packed) != data["sha256"]:
        raise ReadError("data and their hash disagree", where="data.sha256", sha256=data["sha256"])
    objective = fields(content["objective"], "objective", {"weight_decay"})
    decay = objective["weight_decay"]
    if not isinstance(decay, dict) or not set(decay) <= set(network.parameters):
        raise ReadError("weight decay of unknown parameters", where="objective.weight_decay", weight_decay=decay)
    factors = {label: document.positive(text, "objective.weight_decay") for label, text in decay.items()}
    weights = document.float64_list(content["weights"], "weights", network.size)
    network.check_sizes(len(weights) + sum(map(len, constants.values())))
    return GraphSubject(network, constants, factors, weights)


def _node(entry: Any, before: list[Node], where: str) -> Node:
    if not isinstance(entry, dict):
        raise ReadError("a node must be an object", where=where)
    name = entry.get("operation")
    if not isinstance(name, str):
        raise ReadError("a node needs an operation", where=where, operation=name)
    if name not in RULES:
        raise NoRuleError("the checker does not define this operation", where=where, operation=name)
    rule = RULES[name]
    fields(entry, where, {"operation", "arguments", *rule.options})
    arguments = lengths(entry["arguments"], f"{where}.arguments")
    if not all(argument < len(before) for argument in arguments):
        raise ReadError("a node reads one that does not stand before it", where=where, arguments=arguments)
    options = {option: read(entry[option], f"{where}.{option}") for option, read in rule.options.items()}
    shape = rule.shape(options, *(before[argument].shape for argument in arguments))
    return Node(rule, options, arguments, shape)


def _tables(node: Node) -> Iterator[Table]:
    return (option for option in node.options.values() if isinstance(option, Table))
