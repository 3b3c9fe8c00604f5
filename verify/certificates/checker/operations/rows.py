"""Smooth functions of rows, along the last axis: softmax and log-sum-exp."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from math import prod
from typing import Any, ClassVar

from flint import arb

from verify.certificates.checker.operations.rule import (
    RULES,
    Entries,
    Move,
    Options,
    Place,
    Reader,
    Shape,
    Single,
    Table,
    indices,
    mask,
    require,
)


class Row(Single):
    """A rule of rows: `row` says what one becomes."""

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


class _Shares(Row):
    """The facts are the shares p = softmax(z), which move by ``p (m - p.m)`` where z moves by m."""

    options: ClassVar[dict[str, Reader]] = {"mask": mask}

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return RULES["softmax"].value(o, shapes, shapes[0], *values)

    def moved(self, at: Place, move: Entries) -> Entries:
        """Return how the shares move with z."""
        found, width = list[Any](), at.shapes[0][-1]
        for start in range(0, len(move), width):
            p, m = at.facts[start : start + width], move[start : start + width]
            mean = sum((a * b for a, b in zip(p, m, strict=True)), arb(0))
            found += [a * (b - mean) for a, b in zip(p, m, strict=True)]
        return found


class Softmax(_Shares):
    """exp(z_i) / sum over j of exp(z_j)."""

    name = "softmax"

    def push(self, at: Place, moves: list[Move]) -> Entries:
        return self.moved(at, moves[0] or [])

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [self.moved(at, adjoint)]

    def bend(self, at: Place, moves: list[Move], adjoint: Entries) -> list[Move]:
        """Return the move of ``p (a - p.a)``."""
        found, width, turned = list[Any](), at.shapes[0][-1], self.moved(at, moves[0] or [])
        for start in range(0, len(adjoint), width):
            p, q, a = (entries[start : start + width] for entries in (at.facts, turned, adjoint))
            mean, shift = (sum((x * y for x, y in zip(s, a, strict=True)), arb(0)) for s in (p, q))
            found += [y * (z - mean) - x * shift for x, y, z in zip(p, q, a, strict=True)]
        return [found]

    def row(self, z: Entries, kept: list[bool]) -> Entries:
        powers, _ = _exponentials(z, kept)
        total = sum(powers, arb(0))
        return [power / total for power in powers]


class LogSumExp(_Shares):
    """log of the sum over j of exp(z_j)."""

    name = "logsumexp"
    keeps = False

    def push(self, at: Place, moves: list[Move]) -> Entries:
        terms, width = [a * b for a, b in zip(at.facts, moves[0] or [], strict=True)], at.shapes[0][-1]
        return [sum(terms[start : start + width], arb(0)) for start in range(0, len(terms), width)]

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [[share * adjoint[k // at.shapes[0][-1]] for k, share in enumerate(at.facts)]]

    def bend(self, at: Place, moves: list[Move], adjoint: Entries) -> list[Move]:
        turned = self.moved(at, moves[0] or [])
        return [[share * adjoint[k // at.shapes[0][-1]] for k, share in enumerate(turned)]]

    def row(self, z: Entries, kept: list[bool]) -> Entries:
        powers, shift = _exponentials(z, kept)
        return [sum(powers, arb(0)).log() + shift]


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
