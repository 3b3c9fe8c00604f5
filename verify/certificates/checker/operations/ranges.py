"""Slice and pad, which undo each other, and arrays side by side."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from verify.certificates.checker.operations.placing import Rearranging
from verify.certificates.checker.operations.rule import (
    Entries,
    Linear,
    Move,
    Options,
    Place,
    Reader,
    Shape,
    require,
    whole,
)

_RANGE: dict[str, Reader] = {"axis": whole, "start": whole, "step": whole}


def _with(shape: Shape, axis: int, length: int) -> Shape:
    return (*shape[:axis], length, *shape[axis + 1 :])


class Slice(Rearranging):
    """The entries start, start + step, ... below stop along an axis."""

    name = "slice"
    options: ClassVar[dict[str, Reader]] = {**_RANGE, "stop": whole}

    def of(self, o: Options, shape: Shape) -> Shape:
        fits = o["axis"] < len(shape) and o["start"] <= o["stop"] <= shape[o["axis"]] and o["step"] >= 1
        require(fits, self.name, shape)
        return _with(shape, o["axis"], -(-(o["stop"] - o["start"]) // o["step"]))

    def source(self, o: Options, shape: Shape, index: Shape) -> Shape:
        return _with(index, o["axis"], o["start"] + o["step"] * index[o["axis"]])


class Pad(Rearranging):
    """Zero but for the argument's entries at start, start + step, ... along an axis."""

    name = "pad"
    options: ClassVar[dict[str, Reader]] = {**_RANGE, "length": whole}

    def of(self, o: Options, shape: Shape) -> Shape:
        require(o["axis"] < len(shape) and o["step"] >= 1, self.name, shape)
        count = shape[o["axis"]]
        require(count == 0 or o["start"] + (count - 1) * o["step"] < o["length"], self.name, shape)
        return _with(shape, o["axis"], o["length"])

    def source(self, o: Options, shape: Shape, index: Shape) -> Shape | None:
        place, rest = divmod(index[o["axis"]] - o["start"], o["step"])
        return _with(index, o["axis"], place) if rest == 0 and 0 <= place < shape[o["axis"]] else None


class Concatenate(Linear):
    """The arguments one after the other along an axis."""

    name = "concatenate"
    options: ClassVar[dict[str, Reader]] = {"axis": whole}

    def shape(self, o: Options, *shapes: Shape) -> Shape:
        axis = o["axis"]
        require(bool(shapes) and all(axis < len(shape) for shape in shapes), self.name, *shapes)
        require(len({(shape[:axis], shape[axis + 1 :]) for shape in shapes}) == 1, self.name, *shapes)
        return _with(shapes[0], axis, sum(shape[axis] for shape in shapes))

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        blocks = [prod(shape[o["axis"] :]) for shape in shapes]
        joined: Entries = []
        for row in range(prod(result[: o["axis"]])):
            for entries, block in zip(values, blocks, strict=True):
                joined += entries[row * block : (row + 1) * block]
        return joined

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        blocks, start = [prod(shape[at.options["axis"] :]) for shape in at.shapes], 0
        parts: list[Entries] = [[] for _ in blocks]
        while start < len(adjoint):
            for part, block in zip(parts, blocks, strict=True):
                part.extend(adjoint[start : start + block])
                start += block
        return list(parts)
