"""The graph as the majorants see it: vertices by number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.architecture import Dense
from verify.arithmetic import upward

if TYPE_CHECKING:
    from verify.architecture import Architecture

MOST_SHARED = 1024


@dataclass(frozen=True)
class PathStructure:
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
    plain : tuple of bool
        Whether every parameter of a vertex multiplies one datum in one unit: dense edges, unit bias.
    shared : tuple of int
        Vertices that are not, such as convolutions, with so few parameters that derivatives by them are formed.
    """

    names: tuple[str, ...]
    feeding: dict[int, tuple[tuple[int, float], ...]]
    places: dict[int, tuple[tuple[int, int], ...]]
    outputs: tuple[int, ...]
    overlap_squares: np.ndarray
    plain: tuple[bool, ...]
    shared: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number K of vertices."""
        return len(self.names)


def structure(architecture: Architecture) -> PathStructure:
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
    plain = tuple(is_plain(architecture, name) for name in names)
    few = [0 < parameters(architecture, name) <= MOST_SHARED for name in names]
    shared = tuple(index for index in range(len(names)) if few[index] and not plain[index])
    outputs = tuple(number[name] for name in architecture.outputs)
    return PathStructure(tuple(names), feeding, places, outputs, squares, plain, shared)


def is_plain(architecture: Architecture, name: str) -> bool:
    """Whether every parameter of the vertex multiplies one datum in one unit: dense edges, unit bias."""
    edges = [edge for edge in architecture.in_edges(name) if edge.map.parameter_shape]
    return architecture.vertices[name].bias != "channel" and all(isinstance(edge.map, Dense) for edge in edges)


def parameters(architecture: Architecture, name: str) -> int:
    """Number of trainable parameters of a vertex, 0 if it has none."""
    block = architecture.blocks.get(name, slice(0, 0))
    return block.stop - block.start
