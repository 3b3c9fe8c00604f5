"""The exact derivatives of all nodes of a graph at one point: one tangent for every weight, many at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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
from verify.graph.stacked import stacked
from verify.graph.tangent import tangent_graph
from verify.operations.leaves import Constant, Leaf, Tangent

MOST_NUMBERS = 2**23
"""Entries of derivatives that are kept, 16 bytes each."""
MOST_AT_ONCE = 2**21
"""Entries of all nodes' results, for all directions of one evaluation: midpoints and radii are 32 MiB."""


@dataclass(frozen=True)
class Linearisation:
    """The derivatives of a graph's outputs in the weights at a point.

    Parameters
    ----------
    sizes : list of Sizes
        Of every output's derivative along unit directions.
    jacobians : dict of int to Interval
        Enclosures, (entries, P), of those that were asked for, by the number of the output.
    """

    sizes: list[Sizes]
    jacobians: dict[int, Interval]


def linearise(problem: GraphProblem, graph: Graph, w: np.ndarray, wanted: Sequence[int]) -> Linearisation:
    """Evaluate one tangent for every weight.

    The length of every row of a derivative is exact. Norms of more rows are exact for those that are kept: the ones
    wanted, and as many of the others as `MOST_NUMBERS` allows, the smallest first.

    Parameters
    ----------
    problem : GraphProblem
        Whose parameters and constants the leaves are.
    graph : Graph
    w : array, shape (P,)
    wanted : sequence of int
        Numbers of outputs.
    """
    shapes = [graph.nodes[output].shape for output in graph.outputs]
    kept = _kept([problem.size * math.prod(shape) for shape in shapes], wanted)
    still, moving = _parted(tangent_graph(graph), problem.values(w))
    squares = [np.zeros(shape) for shape in shapes]
    columns: dict[int, list[Interval]] = {number: [] for number in kept}
    entries = sum(math.prod(node.shape) for node in moving.nodes)
    most = min(problem.size, MOST_AT_ONCE // max(entries, 1))
    together = stacked(moving, most) if most > 1 else None
    for units in _units(problem.size, most if together is not None else 1):
        check_time()
        count = len(units)
        if together is not None and count < most:
            together = stacked(moving, count)
        directions = _directions(problem, units if together is not None else units[0])
        for number, found in enumerate(evaluate(together or moving, still | directions, INTERVAL)):
            rows = found.reshape(count, -1)
            size = rows.max_abs()
            square = upward.sum(upward.mul(size, size), axis=0).reshape(shapes[number])
            squares[number] = upward.add(squares[number], square)
            if number in columns:
                columns[number].append(rows)
    jacobians = {number: _stacked(column) for number, column in columns.items()}
    sizes = [_size(upward.sqrt(square), jacobians.get(number)) for number, square in enumerate(squares)]
    return Linearisation(sizes, {number: jacobians[number] for number in wanted})


def operations(problem: GraphProblem, graph: Graph) -> int:
    """Return how many operations are evaluated for that."""
    return problem.size * len(graph.nodes)


def _kept(numbers: Sequence[int], wanted: Sequence[int]) -> set[int]:
    kept, left = set(wanted), MOST_NUMBERS - sum(numbers[number] for number in wanted)
    for number in sorted(range(len(numbers)), key=numbers.__getitem__):
        if number not in kept and numbers[number] <= left:
            kept.add(number)
            left -= numbers[number]
    return kept


def _stacked(rows: Sequence[Interval]) -> Interval:
    return union(rows).rearranged(np.transpose)


def _size(lengths: np.ndarray, jacobian: Interval | None) -> Sizes:
    """Return the size of ``J v`` for |v| <= 1 from the lengths of the rows of J, and from J itself."""
    if jacobian is None or not lengths.size:
        return Sizes.of(lengths)
    by_row: np.ndarray | float = np.inf
    if lengths.ndim > 1:
        by_row = norm_upper(jacobian.reshape(len(lengths), -1, jacobian.shape[1]))
    return Sizes.of(lengths, by_row, float(norm_upper(jacobian)))


def _units(size: int, most: int) -> Iterator[np.ndarray]:
    """Yield the unit directions as rows, in order, so many at a time."""
    for start in range(0, size, most):
        yield np.eye(min(most, size - start), size, start)


def _directions(problem: GraphProblem, v: np.ndarray) -> dict[Leaf, np.ndarray]:
    """Return the tangents' values for one direction, or for several, which are rows."""
    parts = [(b.label, v[..., b.place].reshape((*v.shape[:-1], *b.shape))) for b in problem.blocks]
    return {Tangent(label, part.shape): part for label, part in parts}


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
