"""Sums: of several arrays, over axes, and running ones along the last axis; and a rational multiple."""

from __future__ import annotations

from itertools import accumulate
from math import prod
from typing import ClassVar

from verify.certificates.checker.functions import rational
from verify.certificates.checker.operations.placing import Accumulating
from verify.certificates.checker.operations.rule import (
    Entries,
    Linear,
    Move,
    Options,
    Place,
    Reader,
    Shape,
    Single,
    fraction,
    lengths,
    require,
)


class Add(Linear):
    """The sum of all arguments, entry by entry."""

    name = "add"

    def shape(self, o: Options, *shapes: Shape) -> Shape:
        require(len(set(shapes)) == 1, self.name, *shapes)
        return shapes[0]

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return [sum(entries[1:], entries[0]) for entries in zip(*values, strict=True)]

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [adjoint] * len(at.shapes)


class Sum(Accumulating):
    """The sum over axes, which are left out."""

    name = "sum"
    options: ClassVar[dict[str, Reader]] = {"axes": lengths}

    def of(self, o: Options, shape: Shape) -> Shape:
        require(all(axis < len(shape) for axis in o["axes"]), self.name, shape)
        return self.target(o, shape, shape)

    def target(self, o: Options, shape: Shape, index: Shape) -> Shape:
        return tuple(i for axis, i in enumerate(index) if axis not in o["axes"])


class CumulativeSum(Single, Linear):
    """Entry i along the last axis is the sum of the entries up to i."""

    name = "cumulative_sum"

    def of(self, o: Options, shape: Shape) -> Shape:
        require(bool(shape), self.name, shape)
        return shape

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        length = result[-1]
        rows = range(prod(result[:-1]) if length else 0)
        return [entry for row in rows for entry in accumulate(values[0][row * length : (row + 1) * length])]

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        length, reverse = at.result[-1], adjoint[::-1]
        rows = range(prod(at.result[:-1]) if length else 0)
        sums = [entry for row in rows for entry in accumulate(reverse[row * length : (row + 1) * length])]
        return [sums[::-1]]


class Scale(Single, Linear):
    """An exact rational multiple."""

    name = "scale"
    options: ClassVar[dict[str, Reader]] = {"factor": fraction}

    def of(self, o: Options, shape: Shape) -> Shape:
        return shape

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        up, down = rational(o["factor"].numerator), rational(o["factor"].denominator)
        return [up * entry / down for entry in values[0]]

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [self.value(at.options, at.shapes, at.result, adjoint)]
