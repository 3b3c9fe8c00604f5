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
from verify.graph.samples import graph_of_samples, is_by_samples, samples_of
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
        Most samples of a chunk. By default as many as make no array too large, and all of them if the error is no sum.

    Raises
    ------
    InputError
        If the size is not positive, or is given though the error is not known to be a sum over the samples.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> graph = builder.build((builder.parameter("w", ()) * builder.constant("x", (3,))).square().mean())
    >>> problem = GraphProblem(graph, {"x": [1.0, 2.0, 3.0]}, [1.0])
    >>> [value.tolist() for _, constants in chunks(problem, 2) for value in constants.values()]
    [[1.0], [2.0, 3.0]]
    """
    samples = samples_of(problem.graph)
    wanted = _default_size(problem.graph, samples) if size is None else size
    if not isinstance(wanted, int) or wanted < 1:
        raise InputError("a chunk has at least one sample", chunk=size, remedy="give a positive whole number")
    count = -(-samples // wanted)
    ends = [k * samples // count for k in range(count + 1)] if count else [0, 0]
    rows = [slice(start, stop) for start, stop in itertools.pairwise(ends)]
    try:
        parts = [_part(problem, samples, row.stop - row.start, not first) for first, row in enumerate(rows)]
    except InputError:
        if size is not None:
            raise
        parts, rows = [_part(problem, samples, samples, True)], [slice(0, samples)]
    for part, row in zip(parts, rows, strict=True):
        yield part, _constants(problem, samples, row)


def _part(problem: GraphProblem, samples: int, count: int, shared: bool) -> ChunkGraph:
    known: dict[tuple[int, bool], ChunkGraph] = problem.graphs_of_chunks
    key = count, shared
    if key not in known:
        whole = count == samples
        graph = problem.graph if whole else graph_of_samples(problem.graph, samples, count, shared=shared)
        known[key] = ChunkGraph(graph)
    return known[key]


def _default_size(graph: Graph, samples: int) -> int:
    most = max(math.prod(node.shape) for node in graph.nodes)
    return max(samples * LARGEST_ARRAY // max(most, 1), 1)


def _constants(problem: GraphProblem, samples: int, rows: slice) -> dict[Leaf, np.ndarray]:
    """Return the constants' values, those of a chunk where they are by samples."""
    found: dict[Leaf, np.ndarray] = {}
    for leaf in problem.graph.leaves(Constant):
        value = problem.constants[leaf.label]
        if is_by_samples(leaf.dimensions, samples):
            value = value[rows]
        found[Constant(leaf.label, value.shape)] = value
    return found
