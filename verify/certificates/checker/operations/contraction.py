"""The product of two arrays, summed over axes: result[out] = sum over the letters that out lacks of left * right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from flint import arb, arb_mat

from verify.certificates.checker.operations.rule import (
    Entries,
    Move,
    Options,
    Place,
    Reader,
    Rule,
    Shape,
    flat,
    indices,
    require,
    strides,
    text,
)


class Contraction(Rule):
    """Axes are named by letters; a letter that only one operand has stands in the result."""

    name = "contraction"
    options: ClassVar[dict[str, Reader]] = {"left": text, "right": text, "out": text}

    def shape(self, o: Options, *shapes: Shape) -> Shape:
        left, right, out = o["left"], o["right"], o["out"]
        distinct = all(len(set(letters)) == len(letters) for letters in (left, right, out))
        require(distinct and set(left) ^ set(right) <= set(out) <= set(left) | set(right), self.name, *shapes)
        require(len(shapes) == 2 and [len(s) for s in shapes] == [len(left), len(right)], self.name, *shapes)
        lengths = self._lengths(o, shapes)
        require(all(lengths[c] == n for c, n in zip(left, shapes[0], strict=True)), self.name, *shapes)
        return tuple(lengths[c] for c in out)

    def work(self, o: Options, shapes: tuple[Shape, ...], result: Shape) -> int:
        return prod(self._lengths(o, shapes).values()) + super().work(o, shapes, result)

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        blocks = self.facts(o, shapes, result)
        return _gathered(prod(result), ((b.out, b.left(values[0]) * b.right(values[1])) for b in blocks))

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> list[_Block]:
        """Return where the matrices stand whose products make up the result."""
        lengths, left, right, out = self._lengths(o, shapes), o["left"], o["right"], o["out"]
        both = [c for c in left if c in right]
        batch, summed = [c for c in both if c in out], [c for c in both if c not in out]
        rows, columns = [c for c in left if c not in both], [c for c in right if c not in both]
        names = ((left, strides(shapes[0])), (right, strides(shapes[1])), (out, strides(result)))
        starts = [_offsets(batch, lengths, *name) for name in names]
        a, b, total = (
            (_offsets(first, lengths, *name), _offsets(second, lengths, *name))
            for name, first, second in zip(names, (rows, summed, rows), (summed, columns, columns), strict=True)
        )
        return [
            _Block(_Matrix(i, *a), _Matrix(j, *b), _Matrix(k, *total)) for i, j, k in zip(*starts, strict=True) if b[0]
        ]

    def push(self, at: Place, moves: list[Move]) -> Entries:
        (one, other), (by_one, by_other) = at.values, moves
        parts = [(b.out, b.left(by_one) * b.right(other)) for b in at.facts if by_one is not None]
        parts += [(b.out, b.left(one) * b.right(by_other)) for b in at.facts if by_other is not None]
        return _gathered(prod(at.result), parts)

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        one, other = at.values
        return self._transposed(at, one, other, adjoint)

    def bend(self, at: Place, moves: list[Move], adjoint: Entries) -> list[Move]:
        one, other = moves
        return self._transposed(at, one, other, adjoint)

    def _transposed(self, at: Place, one: Move, other: Move, adjoint: Entries) -> list[Move]:
        """Return the adjoints of both operands, of which each needs the other one."""
        size, found = list(map(prod, at.shapes)), list[Move]([None, None])
        if other is not None and at.wanted[0]:
            parts = ((b.left, b.out(adjoint) * b.right(other).transpose()) for b in at.facts)
            found[0] = _gathered(size[0], parts)
        if one is not None and at.wanted[1]:
            parts = ((b.right, b.left(one).transpose() * b.out(adjoint)) for b in at.facts)
            found[1] = _gathered(size[1], parts)
        return found

    def _lengths(self, o: Options, shapes: tuple[Shape, ...]) -> dict[str, int]:
        return {**dict(zip(o["left"], shapes[0], strict=True)), **dict(zip(o["right"], shapes[1], strict=True))}


def _offsets(letters: list[str], lengths: dict[str, int], names: str, steps: Shape) -> list[int]:
    """Return the row-major positions of all indices of some letters in an array whose axes have these names."""
    chosen = tuple(steps[names.index(c)] for c in letters)
    return [flat(index, chosen) for index in indices(tuple(lengths[c] for c in letters))]


@dataclass(frozen=True)
class _Matrix:
    """Where a matrix stands among the entries of an array: at start + i + j."""

    start: int
    rows: list[int]
    columns: list[int]

    def __call__(self, entries: Entries) -> arb_mat:
        return arb_mat(len(self.rows), len(self.columns), [entries[place] for place in self.places()])

    def places(self) -> Iterator[int]:
        return (self.start + i + j for i in self.rows for j in self.columns)


@dataclass(frozen=True)
class _Block:
    """Two matrices and their product, one for each index of the axes that operands and result share."""

    left: _Matrix
    right: _Matrix
    out: _Matrix


def _gathered(size: int, parts: Iterable[tuple[_Matrix, arb_mat]]) -> Entries:
    """Return the sum of matrices that stand at their places."""
    total: Entries = [arb(0)] * size
    for matrix, product in parts:
        for place, entry in zip(matrix.places(), product.entries(), strict=True):
            total[place] = total[place] + entry
    return total
