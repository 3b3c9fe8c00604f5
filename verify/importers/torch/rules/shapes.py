"""Operations that change shapes, join and cut arrays, sum entries up or put zeros beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from verify.graph.tensor import Tensor
from verify.importers.lowering.softmax import Masked
from verify.importers.torch.registry import Scope, rule
from verify.layers.padding import padded
from verify.operations.cumulative_sum import CumulativeSum
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


@rule("copy.default")
def copied(scope: Scope, x: Any, source: Any, **options: Any) -> Tensor:
    return scope.tensor(source).broadcast_to(tuple(x.shape))


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
