"""Operations that pick entries by their places, put others there, or change their order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from verify.graph.tensor import Tensor
from verify.importers.torch.registry import Scope, rule
from verify.operations.gather import Gather, Indices, ScatterAdd
from verify.outcomes import InputError


@rule("diagonal.default")
def diagonal(scope: Scope, x: Tensor, offset: int = 0, first: int = 0, second: int = 1) -> Tensor:
    return _picked(x, lambda places: torch.diagonal(places, offset, first, second))


@rule("unfold.default")
def unfold(scope: Scope, x: Tensor, axis: int, size: int, step: int) -> Tensor:
    return _picked(x, lambda places: places.unfold(axis, size, step))


@rule("slice_scatter.default")
def slice_scatter(
    scope: Scope, x: Any, source: Any, axis: int = 0, start: int | None = None, stop: int | None = None, step: int = 1
) -> Tensor:
    return _replaced(
        scope, x, source, lambda places: places[(slice(None),) * (axis % places.ndim) + (slice(start, stop, step),)]
    )


@rule("select_scatter.default")
def select_scatter(scope: Scope, x: Any, source: Any, axis: int, index: int) -> Tensor:
    return _replaced(scope, x, source, lambda places: places.select(axis, index))


@rule("index_put.default")
def index_put(scope: Scope, x: Any, indices: Sequence[Any], source: Any, accumulate: bool = False) -> Tensor:
    places = _places(x)[tuple(slice(None) if found is None else found for found in indices)]
    return _put(scope, x, source, places, accumulate)


@rule("scatter_add.default")
def scatter_add(scope: Scope, x: Any, axis: int, found: torch.Tensor, source: Tensor) -> Tensor:
    places = torch.gather(_places(x), axis, found)
    cut = scope.tensor(source)
    for k, n in enumerate(found.shape):
        cut = cut if cut.shape[k] == n else cut.slice(k, 0, n)
    return _put(scope, x, cut, places, True)


@rule("scatter.src", "scatter.value")
def scatter(scope: Scope, x: Any, axis: int, found: torch.Tensor, source: Any) -> Tensor:
    places = torch.gather(_places(x), axis, found)
    cut = scope.tensor(source)
    for k, n in enumerate(found.shape) if cut.shape else ():
        cut = cut if cut.shape[k] == n else cut.slice(k, 0, n)
    return _put(scope, x, cut, places, False)


def _places(x: Any) -> torch.Tensor:
    """Return the number of every entry."""
    return torch.arange(math.prod(x.shape)).reshape(tuple(x.shape))


def _picked(x: Tensor, view: Callable[[torch.Tensor], torch.Tensor]) -> Tensor:
    """Return the entries that a view shows."""
    return x.reshape((math.prod(x.shape),)).apply(Gather(0, Indices(view(_places(x)).numpy())))


def _replaced(scope: Scope, x: Any, source: Any, view: Callable[[torch.Tensor], torch.Tensor]) -> Tensor:
    """Return x with the source in place of what a view shows."""
    return _put(scope, x, source, view(_places(x)), False)


def _put(scope: Scope, x: Any, source: Any, places: torch.Tensor, accumulate: bool) -> Tensor:
    """Add the source at its places, or put it there in place of what stands there."""
    before, flat = scope.tensor(x), places.reshape(-1).numpy()
    if not accumulate:
        if len(np.unique(flat)) != flat.size:
            raise InputError(
                "several numbers are put in one place",
                places=flat.size,
                different=len(np.unique(flat)),
                remedy="use accumulate=True, or each place once",
            )
        kept = np.ones(math.prod(before.shape))
        kept[flat] = 0
        before = before * scope.tensor(torch.from_numpy(kept).reshape(before.shape))
    added = scope.tensor(source).broadcast_to(tuple(places.shape)).reshape((flat.size,))
    spread = added.apply(ScatterAdd(0, Indices(flat), math.prod(before.shape)))
    return before + spread.reshape(before.shape)


@rule("index_select.default")
def index_select(scope: Scope, x: Tensor, axis: int, index: torch.Tensor) -> Tensor:
    return x.apply(Gather(axis % len(x.shape), _whole(index, x.shape[axis])))


@rule("index.Tensor")
def index(scope: Scope, x: Tensor, indices: Sequence[torch.Tensor | None]) -> Tensor:
    used = [(axis, found) for axis, found in enumerate(indices) if found is not None]
    if len(used) == 1:
        axis, found = used[0]
        return x.apply(Gather(axis, _whole(found, x.shape[axis])))
    axes = [axis for axis, _ in used]
    others = [axis for axis in range(len(x.shape)) if axis not in axes]
    lengths = [x.shape[axis] for axis in axes]
    places = [_whole(found, n).values for (_, found), n in zip(used, lengths, strict=True)]
    flat = np.ravel_multi_index(np.broadcast_arrays(*places), lengths)
    first = x.permute(*axes, *others)
    picked = first.reshape((math.prod(lengths), *first.shape[len(axes) :])).apply(Gather(0, Indices(flat)))
    if axes != list(range(axes[0], axes[0] + len(axes))):
        return picked  # indices apart from one another come first, as in NumPy
    return picked.permute(
        *(flat.ndim + k for k in range(axes[0])), *range(flat.ndim), *range(flat.ndim + axes[0], len(picked.shape))
    )


@rule("gather.default")
def gather(scope: Scope, x: Tensor, axis: int, found: torch.Tensor, sparse_grad: bool = False) -> Tensor:
    places = list(np.indices(tuple(found.shape)))
    places[axis % len(x.shape)] = _whole(found, x.shape[axis]).values
    flat = np.ravel_multi_index(places, x.shape)
    return x.reshape((math.prod(x.shape),)).apply(Gather(0, Indices(flat)))


@rule("embedding.default")
def embedding(scope: Scope, table: Any, found: torch.Tensor, padding: int = -1, *options: Any) -> Tensor:
    rows = scope.tensor(table)
    picked = rows.apply(Gather(0, _whole(found, table.shape[0])))
    if padding < 0 or rows.position not in scope.trained or not bool((found == padding).any()):
        return picked
    name, values = scope.trained[rows.position]
    if bool(values[padding].any()):
        raise InputError(
            "the row of padding_idx is not zero, but no step changes it",
            where=name,
            padding_idx=padding,
            remedy="set it to zero, as PyTorch does when it makes the table, or leave padding_idx out",
        )
    scope.held.append((name, padding))
    return picked * scope.tensor((found != padding).to(torch.float64)[..., None])


@rule("flip.default")
def flip(scope: Scope, x: Tensor, axes: Sequence[int]) -> Tensor:
    for axis in axes:
        length = x.shape[axis % len(x.shape)]
        x = x.apply(Gather(axis % len(x.shape), Indices(np.arange(length)[::-1])))
    return x


@rule("roll.default")
def roll(scope: Scope, x: Tensor, shifts: Sequence[int], axes: Sequence[int] = ()) -> Tensor:
    if not axes:
        return roll(scope, x.reshape((math.prod(x.shape),)), shifts, [0]).reshape(x.shape)
    for shift, axis in zip(shifts, axes, strict=True):
        length = x.shape[axis % len(x.shape)]
        x = x.apply(Gather(axis % len(x.shape), Indices((np.arange(length) - shift) % length)))
    return x


def _whole(found: torch.Tensor, length: int) -> Indices:
    array = np.asarray(found.numpy())
    if array.dtype == bool:
        array = np.flatnonzero(array)
    return Indices(np.where(array < 0, array + length, array))
