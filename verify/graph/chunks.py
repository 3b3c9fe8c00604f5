"""A problem whose error is a sum over samples, cut into problems of a few samples: what is held at once is theirs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cached_property
from typing import final

import numpy as np

from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.graph.reverse import AdjointGraph, gradient_graph
from verify.graph.rounding import weighted_graph
from verify.graph.samples import graph_of_samples
from verify.operations.leaves import Constant, Leaf
from verify.outcomes import InputError

LARGEST_ARRAY = 2**21
"""Entries that the largest array of a chunk has at most, unless one sample has more."""


@final
class ChunkGraph:
    """The graph of the error of a chunk, and what is derived from it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def weighted(self) -> AdjointGraph:
        """The graph that the rounding of the error is weighted by."""
        return weighted_graph(self.graph)

    @cached_property
    def gradient(self) -> Graph:
        """The error and its gradient in every parameter."""
        return gradient_graph(self.graph)


def chunks(problem: GraphProblem, size: int | None = None) -> Iterator[tuple[ChunkGraph, dict[Leaf, np.ndarray]]]:
    """Iterate over graphs whose outputs add up to the error, each with the values of its constants.

    Parameters
    ----------
    problem : GraphProblem
    size : int, optional
        As for `rows_of_chunks`.

    Raises
    ------
    InputError
        As there.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> graph = builder.build((builder.parameter("w", ()) * builder.constant("x", (3,))).square().mean())
    >>> problem = GraphProblem(graph, {"x": [1.0, 2.0, 3.0]}, [1.0])
    >>> [value.tolist() for _, constants in chunks(problem, 2) for value in constants.values()]
    [[1.0], [2.0, 3.0]]
    """
    return (chunk_of(problem, rows) for rows in rows_of_chunks(problem, size))


def rows_of_chunks(problem: GraphProblem, size: int | None = None, entries: int | None = None) -> list[slice]:
    """Return the samples of every chunk; all of them if the error is not known to be a sum over the samples.

    Parameters
    ----------
    problem : GraphProblem
    size : int, optional
        Most samples of a chunk. By default as many as make no array too large, and all of them if the error is no sum.
    entries : int, optional
        How many make an array too large, unless one sample has more; default: `LARGEST_ARRAY`.

    Raises
    ------
    InputError
        If the size is not positive, or is given though the error is not known to be a sum over the samples.
    """
    samples = problem.samples.count
    largest = LARGEST_ARRAY if entries is None else entries
    wanted = _default_size(problem.graph, samples, largest) if size is None else size
    if not isinstance(wanted, int) or wanted < 1:
        raise InputError("a chunk has at least one sample", chunk=size, remedy="give a positive whole number")
    count = -(-samples // wanted)
    ends = [k * samples // count for k in range(count + 1)] if count else [0, 0]
    rows = [slice(start, stop) for start, stop in itertools.pairwise(ends)]
    try:
        for each in rows:
            _part(problem, each)
    except InputError:
        if size is not None:
            raise
        return [slice(0, samples)]
    return rows


def chunk_of(problem: GraphProblem, rows: slice) -> tuple[ChunkGraph, dict[Leaf, np.ndarray]]:
    """Return the graph of one of the chunks of `rows_of_chunks`, with the values of its constants."""
    return _part(problem, rows), constants_of(problem, rows)


def _part(problem: GraphProblem, rows: slice) -> ChunkGraph:
    """Return a chunk's graph; the first one has the shared parts."""
    known: dict[tuple[int, bool], ChunkGraph] = problem.graphs_of_chunks
    count, shared = rows.stop - rows.start, rows.start == 0
    if (count, shared) not in known:
        whole = count == problem.samples.count
        graph = problem.graph if whole else graph_of_samples(problem.graph, problem.samples, count, shared=shared)
        known[count, shared] = ChunkGraph(graph)
    return known[count, shared]


def _default_size(graph: Graph, samples: int, entries: int) -> int:
    most = max(math.prod(node.shape) for node in graph.nodes)
    return max(samples * entries // max(most, 1), 1)


def constants_of(problem: GraphProblem, rows: slice) -> dict[Leaf, np.ndarray]:
    """Return the constants' values, those of some samples where they are by samples."""
    found: dict[Leaf, np.ndarray] = {}
    for leaf in problem.graph.leaves(Constant):
        value = problem.constants[leaf.label][problem.samples.rows(leaf.label, rows)]
        found[Constant(leaf.label, value.shape)] = value
    return found
