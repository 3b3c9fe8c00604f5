"""Where the parameters of every edge and bias stand in the weight vector."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from verify.architecture.edge import Edge, EdgeKey
from verify.architecture.vertex import Vertex
from verify.arithmetic.floats import float64_array
from verify.arithmetic.interval_joins import concatenate
from verify.arithmetic.intervals import Interval, interval
from verify.outcomes import InputError

PartKey = EdgeKey | str

MAX_PARAMETERS = 2**28
"""Largest number of trainable parameters, two gibibytes of float64."""


class Layout:
    """Vertices in file order; within a vertex its edges in the order of `inputs`, row-major, then its bias.

    Parameters
    ----------
    vertices : iterable of Vertex
        In file order.
    in_edges : mapping
        The incoming edges of every vertex, in the order of `inputs`.
    """

    def __init__(self, vertices: Iterable[Vertex], in_edges: Mapping[str, Iterable[Edge]]) -> None:
        shapes: dict[PartKey, tuple[int, ...]] = {}
        slices: dict[PartKey, slice] = {}
        blocks: dict[str, slice] = {}
        end = 0
        for vertex in vertices:
            start = end
            parts: list[tuple[PartKey, tuple[int, ...]]] = [
                (edge.key, edge.map.parameter_shape) for edge in in_edges[vertex.name] if edge.map.parameter_count
            ]
            if vertex.bias_shape is not None:
                parts.append((vertex.name, vertex.bias_shape))
            for key, shape in parts:
                shapes[key] = shape
                slices[key] = slice(end, end + math.prod(shape))
                end = slices[key].stop
            if end > start:
                blocks[vertex.name] = slice(start, end)
            if end > MAX_PARAMETERS:
                raise InputError(
                    f"too many trainable parameters, at most {MAX_PARAMETERS} are supported",
                    where=f"nodes.{vertex.name}",
                    parameters_so_far=end,
                    remedy="make the layers narrower",
                )
        self.size = end
        self.shapes = MappingProxyType(shapes)
        self.slices = MappingProxyType(slices)
        self.blocks = MappingProxyType(blocks)

    def unflatten(self, weights: Any) -> dict[PartKey, Any]:
        """Return views of the parts of a vector (P,), each in its own shape."""
        if not isinstance(weights, Interval):
            weights = float64_array(weights, "weights")
        if weights.shape != (self.size,):
            raise InputError(
                "the weights do not fit the network",
                shape=tuple(weights.shape),
                expected=(self.size,),
                remedy=f"give one vector of {self.size} numbers",
            )
        return {key: weights[part].reshape(*self.shapes[key]) for key, part in self.slices.items()}

    def flatten(self, parts: Mapping[Any, Any]) -> Any:
        """Return the vector (P,) whose parts are given, an Interval if any part is one."""
        if parts.keys() != self.shapes.keys():
            missing = [key for key in self.shapes if key not in parts]
            unknown = [key for key in parts if key not in self.shapes]
            raise InputError(
                "the parts are not those of the network",
                missing=missing,
                unknown=unknown,
                remedy="give what unflatten returns",
            )
        for key, shape in self.shapes.items():
            if np.shape(parts[key]) != shape:
                raise InputError(
                    "a part has the wrong shape",
                    part=key,
                    shape=np.shape(parts[key]),
                    expected=shape,
                    remedy="give it in the shape that unflatten returns",
                )
        if any(isinstance(part, Interval) for part in parts.values()):
            return concatenate([interval(parts[key]).reshape(-1) for key in self.slices])
        weights = np.empty(self.size)
        for key, part in self.slices.items():
            weights[part] = np.ravel(parts[key])
        return weights
