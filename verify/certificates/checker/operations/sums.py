"""Sums: of several arrays, over axes, and running ones along the last axis; and a rational multiple."""

from __future__ import annotations

from itertools import accumulate
from math import prod
from typing import ClassVar

from verify.certificates.checker.functions import rational
from verify.certificates.checker.operations.rule import (
    Accumulating,
    Entries,
    Options,
    Reader,
    Rule,
    Shape,
    Single,
    fraction,
    lengths,
    require,
)


class Add(Rule):
    """The sum of all arguments, entry by entry."""

    name = "add"

    def shape(self, o: Options, *shapes: Shape) -> Shape:
        require(len(set(shapes)) == 1, self.name, *shapes)
        return shapes[0]

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return [sum(entries[1:], entries[0]) for entries in zip(*values, strict=True)]


class Sum(Accumulating):
    """The sum over axes, which are left out."""

    name = "sum"
    options: ClassVar[dict[str, Reader]] = {"axes": lengths}

    def of(self, o: Options, shape: Shape) -> Shape:
        require(all(axis < len(shape) for axis in o["axes"]), self.name, shape)
        return self.target(o, shape, shape)

    def target(self, o: Options, shape: Shape, index: Shape) -> Shape:
        return tuple(i for axis, i in enumerate(index) if axis not in o["axes"])


class CumulativeSum(Single):
    """Entry i along the last axis is the sum of the entries up to i."""

    name = "cumulative_sum"

    def of(self, o: Options, shape: Shape) -> Shape:
        require(bool(shape), self.name, shape)
        return shape

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        length = result[-1]
        rows = range(prod(result[:-1]) if length else 0)
        return [entry for row in rows for entry in accumulate(values[0][row * length : (row + 1) * length])]


class Scale(Single):
    """An exact rational multiple."""

    name = "scale"
    options: ClassVar[dict[str, Reader]] = {"factor": fraction}

    def of(self, o: Options, shape: Shape) -> Shape:
        return shape

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        up, down = rational(o["factor"].numerator), rational(o["factor"].denominator)
        return [up * entry / down for entry in values[0]]


class LinearRecurrence(Rule):
    """``s_t = a_t s_(t-1) + b_t`` along the last axis, s_0 being b_0."""

    name = "linear_recurrence"

    def shape(self, o: Options, *shapes: Shape) -> Shape:
        require(len(shapes) == 2 and len(shapes[0]) > 0 and shapes[0] == shapes[1], self.name, *shapes)
        return shapes[0]

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        states: Entries = []
        for k, (a, b) in enumerate(zip(*values, strict=True)):
            states.append(b if k % result[-1] == 0 else a * states[-1] + b)
        return states
