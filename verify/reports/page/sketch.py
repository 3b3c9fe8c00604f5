"""What a spec file's network is drawn from: its vertices in order, what is said of each, and the edges between them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verify.calculus.problem import Problem
from verify.graph.problem import GraphProblem
from verify.operations.leaves import Leaf, Parameter
from verify.spec.graph_problem import TARGETS
from verify.spec.specification import Specification

if TYPE_CHECKING:
    from verify.architecture import Architecture
    from verify.calculus.objective import Objective
    from verify.spec.network import Network
    from verify.spec.question import Question


@dataclass(frozen=True)
class SketchedVertex:
    """A vertex as it is drawn.

    Parameters
    ----------
    detail : str
        A few letters under its name.
    rows : tuple of (name, value)
        What its card says.
    units : int or None
        Where that is known without running the network.
    parameters : int
    is_input, is_output : bool
    """

    detail: str
    rows: tuple[tuple[str, str], ...]
    units: int | None
    parameters: int
    is_input: bool
    is_output: bool


@dataclass(frozen=True)
class Sketch:
    """A network as it is drawn.

    Parameters
    ----------
    vertices : mapping of str to SketchedVertex
        In topological order.
    edges : tuple of (source, target, kind)
    owners : mapping of str to str
        Which vertex a parameter belongs to, where its name does not say so.
    """

    vertices: Mapping[str, SketchedVertex]
    edges: tuple[tuple[str, str, str], ...]
    owners: Mapping[str, str] = field(default_factory=dict)


def samples_of(problem: Objective) -> int | None:
    """Return the number of samples; None where the data are constants of a graph without such an axis."""
    if isinstance(problem, Problem):
        return problem.samples
    targets = problem.constants.get(TARGETS) if isinstance(problem, GraphProblem) else None
    return None if targets is None or targets.ndim == 0 else len(targets)


def sketch_of(question: Question) -> Sketch:
    """Return the sketch of a network: of its vertices where a spec file names them, else of its operations."""
    problem = question.problem
    if isinstance(problem, Problem):
        return _classical(problem.architecture)
    if isinstance(question, Specification) and question.document.content.model is None:
        return _general(question.document.network())
    if isinstance(problem, GraphProblem):
        return _operations(problem)
    raise NotImplementedError(f"no sketch of a {type(problem).__name__}")


def _classical(architecture: Architecture) -> Sketch:
    found = {}
    for name in (*architecture.inputs, *architecture.order):
        vertex = architecture.vertices[name]
        shape = "" if vertex.shape is None else f" (images of {' x '.join(map(str, vertex.shape))})"
        block = architecture.blocks.get(name, slice(0, 0))
        function = None if vertex.activation is None else vertex.activation.name
        rows = (("width", f"{vertex.width}{shape}"), ("function", function or "carries the data"))
        found[name] = SketchedVertex(
            f"{vertex.width} {function or 'in'}",
            rows,
            vertex.width,
            block.stop - block.start,
            vertex.is_input,
            name in architecture.outputs,
        )
    return Sketch(found, tuple((edge.source, edge.target, edge.kind) for edge in architecture.edges))


def _general(network: Network) -> Sketch:
    parameters: dict[str, int] = {}
    for plan in network.parameters:
        owner = plan.label.rpartition(".")[0]
        parameters[owner] = parameters.get(owner, 0) + math.prod(plan.shape)
    found = {}
    for name in network.order:
        node, is_input = network.nodes[name], name in network.inputs
        layer = "in" if is_input else str(getattr(node, "layer", None) or _activation(node) or "sum of edges")
        rows = [("function", "carries the data" if is_input else layer)]
        if is_input:
            rows.insert(0, ("shape", " x ".join(map(str, network.input_shape(name)))))
        elif layer != _activation(node) and _activation(node):
            rows.append(("activation", str(_activation(node))))
        found[name] = SketchedVertex(
            layer,
            tuple(rows),
            math.prod(network.input_shape(name)) if is_input else None,
            parameters.get(name, 0),
            is_input,
            name in network.outputs,
        )
    edges = tuple(
        (source, name, _kind(network, name, position))
        for name in network.order
        for position, source in enumerate(network.sources[name])
    )
    return Sketch(found, edges)


def _kind(network: Network, name: str, position: int) -> str:
    """Return the kind of an edge into a vertex of the classical form; a layer has none."""
    if hasattr(network.nodes[name], "layer"):
        return ""
    entry = network.nodes[name].inputs[position]
    return "dense" if isinstance(entry, str) else entry.kind


def _operations(problem: GraphProblem) -> Sketch:
    """Return the graph's operations, neighbours from one place of the user's code as one vertex, without its leaves.

    Neighbours in an order of evaluation can be joined without making a cycle.
    """
    graph = problem.network
    vertex_of: dict[int, str] = {}
    parts: dict[str, list[int]] = {}
    previous: str | None = None
    for position, node in enumerate(graph.nodes):
        if isinstance(node.operation, Leaf):
            continue
        place = node.place or node.operation.name
        if place != previous or not node.place:
            name, count = place, 1
            while name in parts:
                count += 1
                name = f"{place} ({count})"
            parts[name] = []
        previous = place
        parts[name].append(position)
        vertex_of[position] = name
    owners: dict[str, str] = {}
    parameters = dict.fromkeys(parts, 0)
    readers: set[str] = set()
    edges: dict[tuple[str, str, str], None] = {}
    for name, positions in parts.items():
        for argument in (argument for position in positions for argument in graph.nodes[position].arguments):
            leaf = graph.nodes[argument].operation
            if isinstance(leaf, Parameter) and leaf.label not in owners:
                owners[leaf.label] = name
                parameters[name] += math.prod(graph.nodes[argument].shape)
            elif isinstance(leaf, Leaf):
                readers.add(name)
            elif vertex_of[argument] != name:
                edges[vertex_of[argument], name, ""] = None
    fed = {target for _, target, _ in edges}
    found = {}
    for name, positions in parts.items():
        shape = graph.nodes[positions[-1]].shape
        operations = ", ".join(dict.fromkeys(graph.nodes[position].operation.name for position in positions))
        rows = (("operations", operations), ("gives", " x ".join(map(str, shape)) or "one number"))
        is_input = name in readers and name not in fed
        is_output = any(output in positions for output in graph.outputs)
        found[name] = SketchedVertex(operations, rows, math.prod(shape), parameters[name], is_input, is_output)
    return Sketch(found, tuple(edges), owners)


def _activation(node: object) -> str | None:
    found = getattr(node, "activation", None)
    return found if found is None or isinstance(found, str) else "formula"
