"""The product of two arrays, summed over axes: result[out] = sum over the letters that out lacks of left * right."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import ClassVar

from flint import arb, arb_mat

from verify.certificates.checker.operations.rule import (
    Entries,
    Options,
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
        lengths, left, right, out = self._lengths(o, shapes), o["left"], o["right"], o["out"]
        both = [c for c in left if c in right]
        batch, summed = [c for c in both if c in out], [c for c in both if c not in out]
        rows, columns = [c for c in left if c not in both], [c for c in right if c not in both]
        a, b, total = strides(shapes[0]), strides(shapes[1]), strides(result)
        entries: Entries = [arb(0)] * prod(result)
        ways = {
            "a": (_offsets(rows, lengths, left, a), _offsets(summed, lengths, left, a)),
            "b": (_offsets(summed, lengths, right, b), _offsets(columns, lengths, right, b)),
            "out": (_offsets(rows, lengths, out, total), _offsets(columns, lengths, out, total)),
        }
        if not ways["b"][0]:
            return entries
        starts = [_offsets(batch, lengths, names, steps) for names, steps in ((left, a), (right, b), (out, total))]
        for at_a, at_b, at_out in zip(*starts, strict=True):
            one = _matrix(values[0], at_a, *ways["a"])
            other = _matrix(values[1], at_b, *ways["b"])
            places = (at_out + i + j for i, j in product(*ways["out"]))
            for place, entry in zip(places, (one * other).entries(), strict=True):
                entries[place] = entry
        return entries

    def _lengths(self, o: Options, shapes: tuple[Shape, ...]) -> dict[str, int]:
        return {**dict(zip(o["left"], shapes[0], strict=True)), **dict(zip(o["right"], shapes[1], strict=True))}


def _offsets(letters: list[str], lengths: dict[str, int], names: str, steps: Shape) -> list[int]:
    """Return the row-major positions of all indices of some letters in an array whose axes have these names."""
    chosen = tuple(steps[names.index(c)] for c in letters)
    return [flat(index, chosen) for index in indices(tuple(lengths[c] for c in letters))]


def _matrix(entries: Entries, start: int, rows: list[int], columns: list[int]) -> arb_mat:
    return arb_mat(len(rows), len(columns), [entries[start + i + j] for i in rows for j in columns])
