"""The graph as the majorants see it: vertices by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward

if TYPE_CHECKING:
    from verify.architecture import Architecture


@dataclass(frozen=True)
class Structure:
    """Vertices in topological order.

    Parameters
    ----------
    names : tuple of str
    feeding : dict of int to tuple of (int, float)
        For each vertex the vertices, no inputs, that it reads through trainable edges, with the overlaps.
    places : dict of int to tuple of (int, int)
        The same vertices, and where their units start among all units that trainable edges read.
    outputs : tuple of int
    overlap_squares : array, shape (K, K)
        Upper bounds of the summed squares of the overlaps of the edges from column to row.
    """

    names: tuple[str, ...]
    feeding: dict[int, tuple[tuple[int, float], ...]]
    places: dict[int, tuple[tuple[int, int], ...]]
    outputs: tuple[int, ...]
    overlap_squares: np.ndarray

    @property
    def size(self) -> int:
        """Number K of vertices."""
        return len(self.names)


def structure(architecture: Architecture) -> Structure:
    """Number the vertices of a network."""
    names = architecture.order
    number = {name: index for index, name in enumerate(names)}
    feeding, places = {}, {}
    squares = np.zeros((len(names), len(names)))
    for name in names:
        sources = tuple(
            (number[edge.source], float(edge.map.overlap))
            for edge in architecture.in_edges(name)
            if edge.map.parameter_shape and edge.source in number
        )
        feeding[number[name]] = sources
        starts, start = [], 0
        for edge in architecture.in_edges(name):
            if edge.map.parameter_shape:
                if edge.source in number:
                    starts.append((number[edge.source], start))
                start += edge.map.in_width
        places[number[name]] = tuple(starts)
        for source, overlap in sources:
            square = upward.mul(overlap, overlap)
            squares[number[name], source] = upward.add(squares[number[name], source], square)
    return Structure(tuple(names), feeding, places, tuple(number[name] for name in architecture.outputs), squares)
