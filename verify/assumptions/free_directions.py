"""Directions of weight space along which the error cannot change, because of the data alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from verify.architecture.dense import Dense
from verify.budget import check_time
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.graph.problem import GraphProblem
from verify.operations.contraction import Contraction
from verify.operations.leaves import Constant, Parameter


@dataclass(frozen=True)
class FreeDirection:
    """A direction d with E(w + t d) = E(w) for all w and t, weight decay aside.

    Parameters
    ----------
    vertex : str
        Whose weights it moves.
    columns : tuple of int
        The columns of x that leave it free.
    reason : str
    direction : dict of int to float
        Its entries that are not 0, by index in the weight vector.
    count : int
        How many independent directions there are for this reason: one for each unit.
    source : str
        Whose columns they are.
    """

    vertex: str
    columns: tuple[int, ...]
    reason: str
    direction: dict[int, float]
    count: int
    source: str = "x"


@singledispatch
def free_directions(problem: Objective) -> Iterator[FreeDirection]:
    """Yield the free directions of dense edges from input vertices, column by column, that weight decay leaves free.

    A column that is always 0 leaves its weights free; a constant column only shifts the bias; of two equal columns
    only the sum of the weights counts. Other linear dependences are not looked for. Of graphs see `free_of_graph`.

    Parameters
    ----------
    problem : Problem or GraphProblem
    """
    raise NotImplementedError(f"no answer for {type(problem).__name__}")


@free_directions.register
def _of_columns(problem: Problem) -> Iterator[FreeDirection]:
    if problem.weight_decay > 0:
        return
    low, high = _column_ranges(problem)
    twins = _equal_columns(problem, low, high)
    architecture = problem.architecture
    indices = architecture.unflatten(np.arange(architecture.size))
    for edge in architecture.edges:
        columns = architecture.input_columns.get(edge.source)
        if columns is None or not isinstance(edge.map, Dense):
            continue
        weights = indices[edge.key]
        vertex = architecture.vertices[edge.target]
        units = vertex.width
        for position, column in enumerate(range(columns.start, columns.stop)):
            weight = int(weights[0, position])
            twin = twins.get(column)
            if low[column] == high[column] == 0:
                yield FreeDirection(vertex.name, (column,), "is 0 in every sample", {weight: 1.0}, units)
            elif low[column] == high[column] and vertex.bias == "unit":
                bias = int(indices[vertex.name][0])
                yield FreeDirection(
                    vertex.name,
                    (column,),
                    f"is {low[column]:.6g} in every sample, as a bias",
                    {weight: 1.0, bias: -float(low[column])},
                    units,
                )
            elif twin is not None and twin >= columns.start:
                other = int(weights[0, twin - columns.start])
                reason = "are equal in every sample"
                yield FreeDirection(vertex.name, (twin, column), reason, {weight: 1.0, other: -1.0}, units)


@free_directions.register
def free_of_graph(problem: GraphProblem) -> Iterator[FreeDirection]:
    """Yield the weights of a graph that multiply nothing but zeros of the data, by parameter and column.

    A parameter's weights are looked at where it enters contractions with constants alone.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> w, x = builder.parameter("w", (2,)), builder.constant("x", (3, 2))
    >>> graph = builder.build((x * w).square().sum())
    >>> problem = GraphProblem(graph, {"x": [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]]}, [1.0, 1.0])
    >>> [(each.vertex, each.columns, each.direction) for each in free_directions(problem)]
    [('w', (1,), {1: 1.0})]
    """
    for block in problem.blocks:
        if block.label in problem.weight_decay:
            continue
        met = _met(problem, block.label)
        if met is None:
            continue
        used, axis, source = met
        places = np.arange(block.place.start, block.place.stop).reshape(block.shape)
        for column in range(used.shape[axis]):
            free = places.take(column, axis)[~used.take(column, axis)].reshape(-1)
            if free.size:
                reason, count = "is 0 in every sample", int(free.size)
                yield FreeDirection(block.label, (column,), reason, {int(free[0]): 1.0}, count, source)


def _met(problem: GraphProblem, label: str) -> tuple[np.ndarray, int, str] | None:
    """Return which entries of a parameter meet a datum that is not 0, the axis that meets columns, and whose.

    None where some entry may be used otherwise.
    """
    nodes = problem.network.nodes
    leaves = ((p, node.operation) for p, node in enumerate(nodes) if isinstance(node.operation, Parameter))
    index = next(p for p, leaf in leaves if leaf.label == label)
    used, axis, source = np.zeros(nodes[index].shape, dtype=bool), -1, ""
    for node in (node for node in nodes if index in node.arguments):
        operation = node.operation
        if not isinstance(operation, Contraction) or node.arguments[0] == node.arguments[1]:
            return None
        letters = (operation.left, operation.right)
        own, other = letters if node.arguments[0] == index else letters[::-1]
        constant = nodes[node.arguments[1] if node.arguments[0] == index else node.arguments[0]].operation
        if not isinstance(constant, Constant):
            return None
        data = problem.constants[constant.label] != 0
        shared = "".join(letter for letter in own if letter in other)
        if not shared:
            return None
        reached = np.einsum(f"{other}->{shared}", data.astype(np.float64)) != 0
        shape = [reached.shape[shared.index(letter)] if letter in shared else 1 for letter in own]
        used = used | reached.reshape(shape)
        axis, source = own.index(shared[-1]), constant.label
    return None if axis < 0 or index in problem.network.outputs else (used, axis, source)


def _column_ranges(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    low = np.full(problem.architecture.input_dimension, np.inf)
    high = -low
    for chunk in problem.chunks():
        x, _ = problem.rows(chunk)
        low, high = np.minimum(low, x.min(axis=0)), np.maximum(high, x.max(axis=0))
    return low, high


def _equal_columns(problem: Problem, low: np.ndarray, high: np.ndarray) -> dict[int, int]:
    """Return, for every column that equals an earlier one, the first such column."""
    groups = _divided([list(range(len(low)))], np.stack([low, high]))
    for chunk in problem.chunks():
        check_time()
        groups = _divided(groups, problem.rows(chunk)[0])
    return {later: group[0] for group in groups for later in group[1:]}


def _divided(groups: list[list[int]], rows: np.ndarray) -> list[list[int]]:
    """Divide groups of columns into those that are equal in some rows too; what stands alone is left out."""
    parts: dict[tuple[int, bytes], list[int]] = {}
    for number, group in enumerate(groups):
        for column in group:
            parts.setdefault((number, (rows[:, column] + 0.0).tobytes()), []).append(column)
    return [part for part in parts.values() if len(part) > 1]
