"""The exact derivatives of all nodes of a graph at one point: column by column, one tangent for every weight."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.arrays import Array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.sizes import Sizes
from verify.arithmetic.spectral import norm_upper
from verify.budget import check_time
from verify.graph.evaluation import INTERVAL, Values, evaluate
from verify.graph.graph import Graph, Node
from verify.graph.problem import GraphProblem
from verify.graph.tangent import tangent_graph
from verify.operations.leaves import Constant, Leaf, Tangent


def jacobians(problem: GraphProblem, graph: Graph, w: np.ndarray) -> list[Interval]:
    """Return enclosures of the derivatives of all outputs in the weights, (entries, P) each.

    Parameters
    ----------
    problem : GraphProblem
        Whose parameters and constants the leaves are.
    graph : Graph
    w : array, shape (P,)
    """
    still, moving = _parted(tangent_graph(graph), problem.values(w))
    columns: list[list[Interval]] = [[] for _ in graph.outputs]
    for direction in _units(problem):
        check_time()
        for column, found in zip(columns, evaluate(moving, still | direction, INTERVAL), strict=True):
            column.append(found.reshape(-1))
    return [
        Interval(np.stack([c.mid for c in column], axis=1), np.stack([c.rad for c in column], axis=1))
        for column in columns
    ]


def cost(problem: GraphProblem, graph: Graph) -> tuple[int, int]:
    """Return how many operations are evaluated for that, and how many numbers are kept."""
    entries = sum(math.prod(graph.nodes[output].shape) for output in graph.outputs)
    return problem.size * len(graph.nodes), problem.size * entries


def sizes_of(jacobian: Interval, shape: tuple[int, ...]) -> Sizes:
    """Return the size of ``J v`` for |v| <= 1, J being the derivative of an array of a shape."""
    entries = upward.norm(jacobian.max_abs(), axis=1).reshape(shape)
    if not entries.size:
        return Sizes.of(entries)
    weights = jacobian.shape[1]
    whole = float(norm_upper(jacobian))
    rows = norm_upper(jacobian.reshape(shape[0], -1, weights)) if len(shape) > 1 else np.inf
    return Sizes.of(entries, rows, whole)


def _units(problem: GraphProblem) -> Iterator[dict[Leaf, np.ndarray]]:
    zeros: dict[Leaf, np.ndarray] = {Tangent(b.label, b.shape): np.zeros(b.shape) for b in problem.blocks}
    for block in problem.blocks:
        for index in np.ndindex(block.shape):
            unit = np.zeros(block.shape)
            unit[index] = 1.0
            yield zeros | {Tangent(block.label, block.shape): unit}


def _parted(graph: Graph, values: Values) -> tuple[dict[Leaf, Array], Graph]:
    """Evaluate what does not depend on tangents, and return it as constants of a graph of the rest."""
    depends: list[bool] = []
    for node in graph.nodes:
        depends.append(isinstance(node.operation, Tangent) or any(depends[a] for a in node.arguments))
    wanted = {a for node, d in zip(graph.nodes, depends, strict=True) if d for a in node.arguments if not depends[a]}
    wanted |= {output for output in graph.outputs if not depends[output]}
    order = sorted(wanted)
    still = Graph(graph.nodes, tuple(order))
    found = evaluate(still, _with_zero_tangents(graph, values), INTERVAL)
    names = {position: Constant(f"node {position}", graph.nodes[position].shape) for position in order}
    nodes: list[Node] = []
    numbers: dict[int, int] = {}
    for position, node in enumerate(graph.nodes):
        if position in names:
            numbers[position] = len(nodes)
            nodes.append(Node(names[position], (), node.shape, node.place))
        elif depends[position]:
            numbers[position] = len(nodes)
            nodes.append(Node(node.operation, tuple(numbers[a] for a in node.arguments), node.shape, node.place))
    rest = Graph(tuple(nodes), tuple(numbers[output] for output in graph.outputs))
    return {names[position]: value for position, value in zip(order, found, strict=True)}, rest


def _with_zero_tangents(graph: Graph, values: Mapping[Leaf, Array]) -> dict[Leaf, Array]:
    return dict(values) | {leaf: np.zeros(leaf.dimensions) for leaf in graph.leaves(Tangent)}


def union(parts: Sequence[Interval]) -> Interval:
    """Return the rows of several derivatives below each other."""
    return Interval(np.concatenate([p.mid for p in parts]), np.concatenate([p.rad for p in parts]))
