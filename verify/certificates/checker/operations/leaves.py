"""Where numbers enter: parameters and data by their labels, one repeated whole number."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from flint import arb

from verify.certificates.checker.operations.rule import (
    Entries,
    Linear,
    Move,
    Options,
    Place,
    Reader,
    Shape,
    integer,
    lengths,
    require,
    text,
)


class _Leaf(Linear):
    options: ClassVar[dict[str, Reader]] = {"label": text, "dimensions": lengths}

    def shape(self, o: Options, *shapes: Shape) -> Shape:
        require(not shapes, self.name, *shapes)
        return o["dimensions"]

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        raise LookupError(f"no numbers for {o['label']!r}")

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return []


class Parameter(_Leaf):
    """Weights."""

    name = "parameter"


class Constant(_Leaf):
    """Data."""

    name = "constant"


class Filled(Linear):
    """One whole number, repeated."""

    name = "filled"
    options: ClassVar[dict[str, Reader]] = {"value": integer, "dimensions": lengths}

    def shape(self, o: Options, *shapes: Shape) -> Shape:
        require(not shapes, self.name, *shapes)
        return o["dimensions"]

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return [arb(o["value"])] * prod(result)

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return []
