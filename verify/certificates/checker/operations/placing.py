"""Rules that put every entry somewhere: a result of entries of the argument, and sums of entries where they meet."""

from __future__ import annotations

import abc
from math import prod

from flint import arb

from verify.certificates.checker.operations.rule import (
    Entries,
    Linear,
    Move,
    Options,
    Place,
    Shape,
    Single,
    flat,
    indices,
    strides,
)


class Rearranging(Single, Linear):
    """Every entry of the result is one of the argument, or zero."""

    @abc.abstractmethod
    def source(self, o: Options, shape: Shape, index: Shape) -> Shape | None:
        """Return the index in the argument, of this shape, of the result's entry at `index`; None is zero."""

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return _picked(values[0], self.facts(o, shapes, result))

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> list[int | None]:
        """Return the row-major position in the argument of every entry of the result."""
        steps = strides(shapes[0])
        places = (self.source(o, shapes[0], index) for index in indices(result))
        return [None if place is None else flat(place, steps) for place in places]

    def push(self, at: Place, moves: list[Move]) -> Entries:
        return _picked(moves[0] or [], at.facts)

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [_added(adjoint, at.facts, prod(at.shapes[0]))]


class Accumulating(Single, Linear):
    """Every entry of the argument is added to one of the result, or to none."""

    @abc.abstractmethod
    def target(self, o: Options, shape: Shape, index: Shape) -> Shape | None:
        """Return the index in the result to which the argument's entry at `index` is added; None leaves it out."""

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return _added(values[0], self.facts(o, shapes, result), prod(result))

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> list[int | None]:
        """Return the row-major position in the result of every entry of the argument."""
        steps = strides(result)
        places = (self.target(o, shapes[0], index) for index in indices(shapes[0]))
        return [None if place is None else flat(place, steps) for place in places]

    def push(self, at: Place, moves: list[Move]) -> Entries:
        return _added(moves[0] or [], at.facts, prod(at.result))

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [_picked(adjoint, at.facts)]


def _picked(entries: Entries, places: list[int | None]) -> Entries:
    zero = arb(0)
    return [zero if place is None else entries[place] for place in places]


def _added(entries: Entries, places: list[int | None], size: int) -> Entries:
    total: Entries = [arb(0)] * size
    for entry, place in zip(entries, places, strict=True):
        if place is not None:
            total[place] = total[place] + entry
    return total
