"""The largest entry of a row, and its first place."""

from __future__ import annotations

from functools import reduce
from typing import Any

from flint import arb

from verify.certificates.checker.operations.rows import Row
from verify.certificates.checker.operations.rule import Entries, Move, Options, Place, Shape


class _Largest(Row):
    """The facts are 1 at the entry that is certainly larger than all others, 0 elsewhere, nan where none is."""

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        found, width = list[Any](), shapes[0][-1]
        for start in range(0, len(values[0]), width):
            z = values[0][start : start + width]
            best = [all(other < entry for j, other in enumerate(z) if j != i) for i, entry in enumerate(z)]
            found += [arb(int(one)) if any(best) else arb("nan") for one in best]
        return found

    def bend(self, at: Place, moves: list[Move], adjoint: Entries) -> list[Move]:
        return [None]


class Maximum(_Largest):
    """The largest entry."""

    name = "maximum"
    keeps = False

    def row(self, z: Entries, kept: list[bool]) -> Entries:
        return [reduce(lambda a, b: a.max(b), z)]

    def push(self, at: Place, moves: list[Move]) -> Entries:
        terms, width = [a * b for a, b in zip(at.facts, moves[0] or [], strict=True)], at.shapes[0][-1]
        return [sum(terms[start : start + width], arb(0)) for start in range(0, len(terms), width)]

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [[one * adjoint[k // at.shapes[0][-1]] for k, one in enumerate(at.facts)]]


class LargestIndicator(_Largest):
    """1 at the first largest entry, 0 elsewhere; nan where balls leave it open."""

    name = "largest_indicator"

    def row(self, z: Entries, kept: list[bool]) -> Entries:
        for place, entry in enumerate(z):
            if all(other < entry for other in z[:place]) and all(other <= entry for other in z[place + 1 :]):
                return [arb(int(i == place)) for i in range(len(z))]
        return [arb("nan")] * len(z)

    def push(self, at: Place, moves: list[Move]) -> Entries:
        return [entry - entry for entry in at.facts]

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [self.push(at, [adjoint])]
