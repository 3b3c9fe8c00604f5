"""Error, gradient and segment bound of a graph as sums over its samples, in parts that may be computed anywhere.

An error that is not known to be a sum over the samples has one part.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeVar, final

import numpy as np

from verify.arithmetic.device_arrays import DeviceArray
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rational import round_down, round_up
from verify.bounds.segment_result import SegmentBound
from verify.calculus.sample_sum import SampleSum
from verify.graph.chunks import ChunkGraph, chunk_of, rows_of_chunks
from verify.graph.enclosures import enclosed_error, enclosed_gradient
from verify.graph.places import HOST, Place
from verify.graph.problem import GraphProblem
from verify.graph.segment import bound_from, change_of, checked_segment, moving
from verify.operations.leaves import Leaf, Parameter

Part = TypeVar("Part")
Answer = TypeVar("Answer")
Coefficients = list[Interval | None]


class GraphSum(SampleSum[Part, Answer]):
    """A quantity of a problem on a graph; a packet is one chunk.

    Parameters
    ----------
    problem : GraphProblem
    w : array, shape (P,)
    chunk, entries : int, optional
        As in `verify.graph.chunks.rows_of_chunks`.
    place : Place
        Where it is computed.
    """

    def __init__(
        self,
        problem: GraphProblem,
        w: Any,
        chunk: int | None = None,
        place: Place = HOST,
        *,
        entries: int | None = None,
    ) -> None:
        self.problem, self.place = problem, place
        self.weights = problem.check_weights(w)
        self._rows = rows_of_chunks(problem, chunk, entries)

    def packets(self) -> Iterator[list[slice]]:
        return ([rows] for rows in self._rows)

    def parameters(self) -> dict[Leaf, Any]:
        """Return the values of the parameters."""
        return {leaf: value for leaf, value in self.problem.values(self.weights).items() if isinstance(leaf, Parameter)}


@final
class GraphErrorSum(GraphSum[list[tuple[float, float]], tuple[float, float]]):
    """Bounds of E at w; sums over chunks are exact, and infinite where a chunk overflows."""

    @certified_environment()
    def part(self, chunks: Sequence[slice]) -> list[tuple[float, float]]:
        found = []
        for rows in chunks:
            part, constants = chunk_of(self.problem, rows)
            found.append(enclosed_error(part.graph, part.weighted, self.parameters() | constants, self.place))
        return found

    def answer(self, parts: Iterable[list[tuple[float, float]]]) -> tuple[float, float]:
        lower, upper = Fraction(0), Fraction(0)
        bounded = [True, True]
        for low, high in (pair for part in parts for pair in part):
            bounded = [bounded[0] and math.isfinite(low), bounded[1] and math.isfinite(high)]
            lower += Fraction(low) if bounded[0] else 0
            upper += Fraction(high) if bounded[1] else 0
        return round_down(lower) if bounded[0] else -math.inf, round_up(upper) if bounded[1] else math.inf


@final
class GraphGradientSum(GraphSum[Interval, Interval]):
    """The gradient of E at w, enclosed in NumPy's arrays."""

    @certified_environment()
    def part(self, chunks: Sequence[slice]) -> Interval:
        total = Interval.zeros(self.problem.size)
        for rows in chunks:
            part, constants = chunk_of(self.problem, rows)
            if next(part.graph.leaves(Parameter), None) is not None:
                found = enclosed_gradient(part.gradient, self.parameters() | constants, self.place)
                total = total + self._spread(part, _on_host(found))
        return total

    @certified_environment()
    def answer(self, parts: Iterable[Interval]) -> Interval:
        total = Interval.zeros(self.problem.size)
        for part in parts:
            total = total + part
        return total

    def _spread(self, part: ChunkGraph, found: Interval) -> Interval:
        """Return a chunk's gradient in all parameters: zero in those that its error does not depend on."""
        places = {block.label: block.place for block in self.problem.blocks}
        labels = [leaf.label for leaf in part.graph.leaves(Parameter)]
        own = np.concatenate([np.arange(places[label].start, places[label].stop) for label in labels])
        mid, rad = np.zeros(self.problem.size), np.zeros(self.problem.size)
        mid[own], rad[own] = found.mid, found.rad
        return Interval(mid, rad)


@final
class GraphSegmentSum(GraphSum[Coefficients, SegmentBound]):
    """The bound of E(w + t D) - E(w) by one polynomial; see `verify.graph.segment.graph_segment_bound`.

    Parameters
    ----------
    problem, w, D, T, degree
        As there.
    chunk, place, entries
        As in `GraphSum`.
    """

    def __init__(
        self,
        problem: GraphProblem,
        w: Any,
        D: Any,
        T: float,
        degree: int = 3,
        chunk: int | None = None,
        place: Place = HOST,
        *,
        entries: int | None = None,
    ) -> None:
        weights, self._movement, self._length = checked_segment(problem, w, D, T, degree)
        super().__init__(problem, weights, chunk, place, entries=entries)
        self._degree = degree

    @certified_environment()
    def part(self, chunks: Sequence[slice]) -> Coefficients:
        parts: Coefficients = [None] * self._degree
        models = moving(self.problem, self.weights, self._movement, self._degree, self.place)
        for rows in chunks:
            part, constants = chunk_of(self.problem, rows)
            found = change_of(part.graph, {**models, **constants}, self._degree, self.place)
            parts = _plus(parts, [None if each is None else _on_host(each) for each in found])
        return parts

    @certified_environment()
    def answer(self, parts: Iterable[Coefficients]) -> SegmentBound:
        total: Coefficients = [None] * self._degree
        for part in parts:
            total = _plus(total, part)
        return bound_from(total, self._length)


def _on_host(x: Interval) -> Interval:
    mid, rad = (part.on_host() if isinstance(part, DeviceArray) else part for part in (x.mid, x.rad))
    return Interval(mid, rad)


def _plus(one: Coefficients, other: Coefficients) -> Coefficients:
    return [b if a is None else a if b is None else a + b for a, b in zip(one, other, strict=True)]
