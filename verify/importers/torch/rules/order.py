"""Entries in the order of their size, by a network of maxima and minima: it has a kink where two are equal."""

from __future__ import annotations

from typing import Any

from verify.graph.tensor import Tensor
from verify.importers.lowering.axes import axis_back, last_axis
from verify.importers.torch.registry import Scope, rule
from verify.operations.elementwise import Elementwise
from verify.operations.slices import Concatenate
from verify.outcomes import InputError

LONGEST = 64
"""Entries that are sorted: as many rounds of comparisons, ten operations each."""


@rule("sort.default", "sort.stable")
def sort(scope: Scope, x: Tensor, axis: int = -1, descending: bool = False, **options: Any) -> list[Any]:
    """Return the sorted values; which entry each is depends on the weights, and is no constant."""
    if "stable" in options:
        axis, descending = options.get("dim", axis), options.get("descending", descending)
    found = -_ascending(-x, axis) if descending else _ascending(x, axis)
    return [found, None]


@rule("topk.default")
def largest(scope: Scope, x: Tensor, count: int, axis: int = -1, largest: bool = True, *order: Any) -> list[Any]:
    values = sort(scope, x, axis, largest)[0]
    return [values.slice(axis % len(x.shape), 0, count), None]


@rule("kthvalue.default")
def kth_value(scope: Scope, x: Tensor, number: int, axis: int = -1, keep: bool = False) -> list[Any]:
    place = axis % len(x.shape)
    found = _ascending(x, place).slice(place, number - 1, number)
    return [found if keep else found.reshape((*x.shape[:place], *x.shape[place + 1 :])), None]


@rule("median.dim")
def median_along(scope: Scope, x: Tensor, axis: int = -1, keep: bool = False) -> list[Any]:
    """Return the lower one of the two in the middle, as PyTorch does."""
    return kth_value(scope, x, (x.shape[axis] + 1) // 2, axis, keep)


@rule("median.default")
def median(scope: Scope, x: Tensor) -> Tensor:
    flat = x.reshape((-1 if not x.shape else _count(x),))
    found: Tensor = median_along(scope, flat, 0)[0]
    return found


def _count(x: Tensor) -> int:
    count = 1
    for n in x.shape:
        count *= n
    return count


def _ascending(x: Tensor, axis: int) -> Tensor:
    """Return the values along an axis sorted, by rounds of comparisons of neighbours: as many as there are entries.

    That so many rounds, of even and odd pairs in turn, sort every row is a theorem (D. E. Knuth, The Art of Computer
    Programming 3, 5.3.4, exercise 37: odd-even transposition sort).
    """
    found = last_axis(x, axis)
    length = found.shape[-1]
    if length > LONGEST:
        raise InputError("too many entries to be sorted", length=length, limit=LONGEST, remedy="sort shorter rows")
    for round_ in range(length if length > 1 else 0):
        found = _compared(found, round_ % 2)
    return axis_back(found, axis)


def _compared(x: Tensor, start: int) -> Tensor:
    """Return the rows with neighbours in order, pairs counted from an entry on."""
    last, length = len(x.shape) - 1, x.shape[-1]
    stop = length - (length - start) % 2
    if stop == start:
        return x
    pairs = x.slice(last, start, stop).reshape((*x.shape[:-1], (stop - start) // 2, 2))
    left, right = (pairs.slice(last + 1, side, side + 1) for side in (0, 1))
    excess = (left - right).apply(Elementwise("relu"))
    sorted_pairs = left.apply(Concatenate(last + 1), left - excess, right + excess)
    parts = [x.slice(last, 0, start), sorted_pairs.reshape((*x.shape[:-1], stop - start)), x.slice(last, stop, length)]
    kept = [part for part in parts if part.shape[-1]]
    return kept[0].apply(Concatenate(last), *kept) if len(kept) > 1 else kept[0]
