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
    """

    vertex: str
    columns: tuple[int, ...]
    reason: str
    direction: dict[int, float]


@singledispatch
def free_directions(problem: Objective) -> Iterator[FreeDirection]:
    """Yield the free directions of dense edges from input vertices, column by column; none is looked for in graphs.

    A column that is always 0 leaves its weights free; a constant column only shifts the bias; of two equal columns
    only the sum of the weights counts. Other linear dependences are not looked for.

    Parameters
    ----------
    problem : Problem or GraphProblem
    """
    return iter(())


@free_directions.register
def _of_columns(problem: Problem) -> Iterator[FreeDirection]:
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
        for position, column in enumerate(range(columns.start, columns.stop)):
            weight = int(weights[0, position])
            twin = twins.get(column)
            if low[column] == high[column] == 0:
                yield FreeDirection(vertex.name, (column,), "is 0 in every sample", {weight: 1.0})
            elif low[column] == high[column] and vertex.bias == "unit":
                bias = int(indices[vertex.name][0])
                yield FreeDirection(
                    vertex.name,
                    (column,),
                    f"is {low[column]:.6g} in every sample, as a bias",
                    {weight: 1.0, bias: -float(low[column])},
                )
            elif twin is not None and twin >= columns.start:
                other = int(weights[0, twin - columns.start])
                yield FreeDirection(
                    vertex.name, (twin, column), "are equal in every sample", {weight: 1.0, other: -1.0}
                )


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
