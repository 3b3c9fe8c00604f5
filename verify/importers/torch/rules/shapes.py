"""Operations that move entries, sum them up or put zeros beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from verify.graph.tensor import Tensor
from verify.importers.lowering.softmax import Masked
from verify.importers.torch.registry import Scope, rule
from verify.layers.padding import padded
from verify.operations.cumulative_sum import CumulativeSum
from verify.operations.gather import Gather, Indices, ScatterAdd
from verify.operations.slices import Concatenate
from verify.outcomes import InputError


@rule("clone.default", "alias.default", "_to_copy.default", "contiguous.default", "lift_fresh_copy.default")
def same(scope: Scope, x: Tensor, **options: Any) -> Tensor:
    if options.get("dtype") not in (None, torch.float64):
        raise InputError("numbers are rounded to another format in forward", remedy="leave the cast out", **options)
    return x


@rule("detach.default")
def detach(scope: Scope, x: Tensor) -> Tensor:
    raise InputError(
        "detach stops the gradient, so the step is not along the gradient", remedy="leave it out", operation="detach"
    )


@rule("view.default", "reshape.default", "_unsafe_view.default")
def reshape(scope: Scope, x: Tensor, shape: Sequence[int]) -> Tensor:
    known = math.prod(n for n in shape if n != -1)
    return x.reshape(tuple(math.prod(x.shape) // known if n == -1 else n for n in shape))


@rule("permute.default")
def permute(scope: Scope, x: Tensor, axes: Sequence[int]) -> Tensor:
    return x.permute(*(axis % len(x.shape) for axis in axes))


@rule("transpose.int")
def transpose(scope: Scope, x: Tensor, first: int, second: int) -> Tensor:
    axes = list(range(len(x.shape)))
    axes[first], axes[second] = axes[second], axes[first]
    return x.permute(*axes)


@rule("t.default")
def transpose_matrix(scope: Scope, x: Tensor) -> Tensor:
    return x.permute(*reversed(range(len(x.shape))))


@rule("expand.default")
def expand(scope: Scope, x: Tensor, shape: Sequence[int], implicit: bool = False) -> Tensor:
    lead = len(shape) - len(x.shape)
    return x.broadcast_to(tuple(x.shape[k - lead] if n == -1 else n for k, n in enumerate(shape)))


@rule("repeat.default")
def repeat(scope: Scope, x: Tensor, counts: Sequence[int]) -> Tensor:
    x = x.reshape((*(1,) * (len(counts) - len(x.shape)), *x.shape))
    for axis, count in enumerate(counts):
        if count != 1:
            x = x.apply(Concatenate(axis), *[x] * count)
    return x


@rule("unsqueeze.default")
def unsqueeze(scope: Scope, x: Tensor, axis: int) -> Tensor:
    place = axis % (len(x.shape) + 1)
    return x.reshape((*x.shape[:place], 1, *x.shape[place:]))


@rule("squeeze.dims", "squeeze.dim")
def squeeze(scope: Scope, x: Tensor, axes: int | Sequence[int]) -> Tensor:
    gone = {axis % len(x.shape) for axis in ([axes] if isinstance(axes, int) else axes)}
    return x.reshape(tuple(n for axis, n in enumerate(x.shape) if axis not in gone or n != 1))


@rule("select.int")
def select(scope: Scope, x: Tensor, axis: int, index: int) -> Tensor:
    place = axis % len(x.shape)
    start = index % x.shape[place]
    return x.slice(place, start, start + 1).reshape((*x.shape[:place], *x.shape[place + 1 :]))


@rule("slice.Tensor")
def take_slice(
    scope: Scope, x: Tensor, axis: int = 0, start: int | None = None, stop: int | None = None, step: int = 1
) -> Tensor:
    place = axis % len(x.shape)
    first, last, stride = slice(start, stop, step).indices(x.shape[place])
    if (first, last, stride) == (0, x.shape[place], 1):
        return x
    return x.slice(place, first, max(first, last), stride)


@rule("cat.default")
def concatenate(scope: Scope, parts: Sequence[Any], axis: int = 0) -> Tensor:
    tensors = [scope.tensor(part) for part in parts]
    return tensors[0].apply(Concatenate(axis % len(tensors[0].shape)), *tensors)


@rule("stack.default")
def stack(scope: Scope, parts: Sequence[Any], axis: int = 0) -> Tensor:
    return concatenate(scope, [unsqueeze(scope, scope.tensor(part), axis) for part in parts], axis)


@rule("split_with_sizes.default")
def split(scope: Scope, x: Tensor, sizes: Sequence[int], axis: int = 0) -> list[Tensor]:
    ends = np.cumsum([0, *sizes])
    return [x.slice(axis % len(x.shape), int(a), int(b)) for a, b in pairwise(ends)]


@rule("split.Tensor")
def split_evenly(scope: Scope, x: Tensor, size: int, axis: int = 0) -> list[Tensor]:
    length = x.shape[axis % len(x.shape)]
    return split(scope, x, [min(size, length - start) for start in range(0, length, size)], axis)


@rule("unbind.int")
def unbind(scope: Scope, x: Tensor, axis: int = 0) -> list[Tensor]:
    return [select(scope, x, axis, k) for k in range(x.shape[axis % len(x.shape)])]


@rule("constant_pad_nd.default")
def pad(scope: Scope, x: Tensor, widths: Sequence[int], value: float = 0.0) -> Tensor:
    pairs = [(len(x.shape) - 1 - k, widths[2 * k], widths[2 * k + 1]) for k in range(len(widths) // 2)]
    if not value:
        return padded(x, pairs)
    outside = torch.nn.functional.pad(torch.zeros(x.shape), list(widths), value=1.0)
    return padded(x, pairs) + scope.tensor(outside * value)


@rule("diagonal.default")
def diagonal(scope: Scope, x: Tensor, offset: int = 0, first: int = 0, second: int = 1) -> Tensor:
    return _picked(x, lambda places: torch.diagonal(places, offset, first, second))


@rule("unfold.default")
def unfold(scope: Scope, x: Tensor, axis: int, size: int, step: int) -> Tensor:
    return _picked(x, lambda places: places.unfold(axis, size, step))


@rule("copy.default")
def copied(scope: Scope, x: Any, source: Any, **options: Any) -> Tensor:
    return scope.tensor(source).broadcast_to(tuple(x.shape))


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


@rule("sum.dim_IntList", "sum.default")
def total(scope: Scope, x: Tensor, axes: Sequence[int] | None = None, keep: bool = False, **options: Any) -> Tensor:
    return x.sum(axes or None, keep=keep)


@rule("mean.dim", "mean.default")
def mean(scope: Scope, x: Tensor, axes: Sequence[int] | None = None, keep: bool = False, **options: Any) -> Tensor:
    return x.mean(axes or None, keep=keep)


@rule("var.correction", "var.dim")
def variance(
    scope: Scope, x: Tensor, axes: Sequence[int] | None = None, correction: float = 1, keepdim: bool = False
) -> Tensor:
    centre = x - x.mean(axes or None, keep=True)
    chosen = axes or range(len(x.shape))
    count = math.prod(x.shape[axis] for axis in chosen)
    return centre.square().sum(axes or None, keep=keepdim) / (count - (1 if correction is None else correction))


@rule("var_mean.correction")
def variance_and_mean(scope: Scope, x: Tensor, axes: Sequence[int] | None = None, **options: Any) -> list[Tensor]:
    return [variance(scope, x, axes, **options), x.mean(axes or None, keep=options.get("keepdim", False))]


@rule("cumsum.default")
def cumulative_sum(scope: Scope, x: Tensor, axis: int, **options: Any) -> Tensor:
    place, last = axis % len(x.shape), len(x.shape) - 1
    order = [*range(place), *range(place + 1, last + 1), place]
    return x.permute(*order).apply(CumulativeSum()).permute(*sorted(range(last + 1), key=order.__getitem__))


@rule("masked_fill.Scalar")
def masked_fill(scope: Scope, x: Tensor, mask: torch.Tensor, value: float) -> Tensor | Masked:
    if value == -np.inf:
        return Masked(scope.tensor(x), (~mask).numpy())
    if not np.isfinite(value):
        raise InputError("filling with an infinite number", value=value, remedy="use a large finite number")
    kept = scope.tensor((~mask).to(torch.float64))
    return x * kept + scope.tensor(mask.to(torch.float64) * value)


@rule("where.self")
def where(scope: Scope, mask: torch.Tensor, left: Any, right: Any) -> Tensor | Masked:
    for kept, filling, other in ((mask, right, left), (~mask, left, right)):
        if _is_minus_infinity(scope, filling):
            return Masked(scope.tensor(other), kept.numpy())
    chosen = scope.tensor(mask.to(torch.float64))
    return scope.tensor(left) * chosen + scope.tensor(right) * (1 - chosen)


def _is_minus_infinity(scope: Scope, value: Any) -> bool:
    numbers = scope.value(value)
    return isinstance(numbers, int | float | torch.Tensor) and bool(np.all(np.asarray(numbers) == -np.inf))


def _whole(found: torch.Tensor, length: int) -> Indices:
    array = np.asarray(found.numpy())
    if array.dtype == bool:
        array = np.flatnonzero(array)
    return Indices(np.where(array < 0, array + length, array))
