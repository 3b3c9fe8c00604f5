"""Reshape, permute, broadcast: the same entries under other indices."""

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
    Single,
    lengths,
    require,
)


class Reshape(Single, Linear):
    """The same row-major order under another shape."""

    name = "reshape"
    options: ClassVar[dict[str, Reader]] = {"target": lengths}

    def of(self, o: Options, shape: Shape) -> Shape:
        require(prod(shape) == prod(o["target"]), self.name, shape)
        return o["target"]

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return values[0]

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [adjoint]


class Permute(Rearranging):
    """Axis k of the result is axis axes[k] of the argument."""

    name = "permute"
    options: ClassVar[dict[str, Reader]] = {"axes": lengths}

    def of(self, o: Options, shape: Shape) -> Shape:
        require(sorted(o["axes"]) == list(range(len(shape))), self.name, shape)
        return tuple(shape[axis] for axis in o["axes"])

    def source(self, o: Options, shape: Shape, index: Shape) -> Shape:
        place = dict(zip(o["axes"], index, strict=True))
        return tuple(place[axis] for axis in range(len(shape)))


class Broadcast(Rearranging):
    """Axes aligned from the last; one of length 1, or missing in front, is repeated."""

    name = "broadcast"
    options: ClassVar[dict[str, Reader]] = {"target": lengths}

    def of(self, o: Options, shape: Shape) -> Shape:
        target = o["target"]
        tail = target[len(target) - len(shape) :] if len(shape) <= len(target) else ()
        require(
            len(tail) == len(shape) and all(n in (1, m) for n, m in zip(shape, tail, strict=True)), self.name, shape
        )
        return target

    def source(self, o: Options, shape: Shape, index: Shape) -> Shape:
        tail = index[len(index) - len(shape) :]
        return tuple(0 if length == 1 else i for length, i in zip(shape, tail, strict=True))
