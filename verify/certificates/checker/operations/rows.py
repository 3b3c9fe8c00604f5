"""Functions of rows, along the last axis: softmax, log-sum-exp, the largest entry and its first place."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import prod
from typing import Any, ClassVar

from flint import arb

from verify.certificates.checker.operations.rule import (
    Entries,
    Options,
    Reader,
    Shape,
    Single,
    Table,
    indices,
    mask,
    require,
)


class _Row(Single):
    keeps: ClassVar[bool] = True

    def of(self, o: Options, shape: Shape) -> Shape:
        require(bool(shape) and shape[-1] >= 1, self.name, shape)
        if (kept := o.get("mask")) is not None:
            tail = shape[len(shape) - len(kept.shape) :]
            stretched = len(tail) == len(kept.shape) and all(n in (1, m) for n, m in zip(kept.shape, tail, strict=True))
            require(stretched and len(kept.shape) > 0, self.name, shape)
            width = kept.shape[-1]
            every = [any(kept.values[at : at + width]) for at in range(0, len(kept.values), width)]
            require(all(every), self.name, shape)
        return shape if self.keeps else shape[:-1]

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        (shape,), (entries,) = shapes, values
        width, found = shape[-1], []
        for row, kept in enumerate(_kept(o.get("mask"), shape)):
            found += self.row(entries[row * width : (row + 1) * width], kept)
        return found

    def row(self, z: Entries, kept: list[bool]) -> Entries:
        """Return the result for one row, of which some entries take part."""
        raise NotImplementedError


class Softmax(_Row):
    """exp(z_i) / sum over j of exp(z_j)."""

    name = "softmax"
    options: ClassVar[dict[str, Reader]] = {"mask": mask}

    def row(self, z: Entries, kept: list[bool]) -> Entries:
        powers, _ = _exponentials(z, kept)
        total = sum(powers, arb(0))
        return [power / total for power in powers]


class LogSumExp(_Row):
    """log of the sum over j of exp(z_j)."""

    name = "logsumexp"
    options: ClassVar[dict[str, Reader]] = {"mask": mask}
    keeps = False

    def row(self, z: Entries, kept: list[bool]) -> Entries:
        powers, shift = _exponentials(z, kept)
        return [sum(powers, arb(0)).log() + shift]


class Maximum(_Row):
    """The largest entry."""

    name = "maximum"
    keeps = False

    def row(self, z: Entries, kept: list[bool]) -> Entries:
        return [reduce(lambda a, b: a.max(b), z)]


class LargestIndicator(_Row):
    """1 at the first largest entry, 0 elsewhere; nan where balls leave it open."""

    name = "largest_indicator"

    def row(self, z: Entries, kept: list[bool]) -> Entries:
        for place, entry in enumerate(z):
            if all(other < entry for other in z[:place]) and all(other <= entry for other in z[place + 1 :]):
                return [arb(int(i == place)) for i in range(len(z))]
        return [arb("nan")] * len(z)


def _exponentials(z: Entries, kept: list[bool]) -> tuple[Entries, Any]:
    """Return exp(z - s), zero for what takes no part, and s, an exact number near the largest that does."""
    middles = [entry.mid() for entry, takes_part in zip(z, kept, strict=True) if takes_part]
    shift = reduce(lambda a, b: b if b > a else a, middles)
    return [(entry - shift).exp() if part else arb(0) for entry, part in zip(z, kept, strict=True)], shift


def _kept(taken: Table | None, shape: Shape) -> Iterator[list[bool]]:
    """Yield for every row which of its entries take part."""
    if taken is None:
        yield from ([True] * shape[-1] for _ in range(prod(shape[:-1])))
        return
    first = len(shape) - len(taken.shape)
    for index in indices(shape[:-1]):
        where = tuple(0 if n == 1 else i for n, i in zip(taken.shape[:-1], index[first:], strict=True))
        width = taken.shape[-1]
        yield [taken[(*where, 0 if width == 1 else i)] == 1 for i in range(shape[-1])]
