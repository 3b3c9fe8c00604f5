"""Pools of any kind and interpolation: what PyTorch's own function does to positions along one axis decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 -- its usual name

from verify.graph.tensor import Tensor
from verify.importers.torch.registry import Scope, rule
from verify.operations.gather import Gather, Indices
from verify.operations.maximum import Maximum
from verify.operations.slices import Concatenate


@rule(
    "upsample_nearest1d.vec", "upsample_nearest2d.vec", "upsample_nearest3d.vec",
    "_upsample_nearest_exact1d.vec", "_upsample_nearest_exact2d.vec", "_upsample_nearest_exact3d.vec",
)  # fmt: skip
def nearest(scope: Scope, h: Tensor, size: Sequence[int] | None, factors: Sequence[float] | None = None) -> Tensor:
    """Pick entries; both rules of rounding are PyTorch's, told apart by whether the output is asked for exactly."""
    mode = "nearest-exact" if "exact" in scope.operation else "nearest"
    for axis, options in _resized(h, size, factors):
        places = torch.arange(h.shape[axis], dtype=torch.float64)[None, None]
        found = F.interpolate(places, mode=mode, **options)[0, 0]
        h = h.apply(Gather(axis, Indices(found.to(torch.int64).numpy())))
    return h


@rule("upsample_linear1d.vec", "upsample_bilinear2d.vec", "upsample_trilinear3d.vec")
def linear(
    scope: Scope, h: Tensor, size: Sequence[int] | None, align: bool, factors: Sequence[float] | None = None
) -> Tensor:
    return _interpolated(
        scope, h, size, factors, lambda x, o: F.interpolate(x, mode="linear", align_corners=align, **o)
    )


@rule("upsample_bicubic2d.vec")
def bicubic(
    scope: Scope, h: Tensor, size: Sequence[int] | None, align: bool, factors: Sequence[float] | None = None
) -> Tensor:
    def along(x: torch.Tensor, options: dict[str, Any]) -> torch.Tensor:
        both = {name: (value, type(value)(1)) for name, value in options.items()}
        return F.interpolate(x[..., None], mode="bicubic", align_corners=align, **both)[..., 0]

    return _interpolated(scope, h, size, factors, along)


def _interpolated(
    scope: Scope,
    h: Tensor,
    size: Sequence[int] | None,
    factors: Sequence[float] | None,
    along: Callable[[torch.Tensor, dict[str, Any]], torch.Tensor],
) -> Tensor:
    """Return a product with the interpolation's matrix along each axis."""
    last = len(h.shape) - 1
    for axis, options in _resized(h, size, factors):
        matrix = along(torch.eye(h.shape[axis], dtype=torch.float64)[:, None], options)[:, 0]
        order = [*(k for k in range(last + 1) if k != axis), axis]
        moved = h.permute(*order) @ scope.tensor(matrix)
        h = moved.permute(*(order.index(k) for k in range(last + 1)))
    return h


def _resized(
    h: Tensor, size: Sequence[int] | None, factors: Sequence[float] | None
) -> list[tuple[int, dict[str, Any]]]:
    """Return the axes with PyTorch's options for each."""
    given = [{"size": n} for n in size] if size is not None else [{"scale_factor": f} for f in factors or ()]
    return list(enumerate(given, start=len(h.shape) - len(given)))


@rule("adaptive_max_pool1d.default", "adaptive_max_pool2d.default", "adaptive_max_pool3d.default")
def adaptive_max_pool(scope: Scope, h: Tensor, sizes: Sequence[int]) -> list[Any]:
    first = len(h.shape) - len(sizes)
    bins = [
        [(k * h.shape[axis] // count, -(-(k + 1) * h.shape[axis] // count)) for k in range(count)]
        for axis, count in enumerate(sizes, start=first)
    ]
    return [largest_of(h, [[np.arange(start, stop) for start, stop in of_axis] for of_axis in bins]), None]


def max_pool_over_the_ends(
    h: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> Tensor:
    """Return the largest entries of windows that may reach over the ends."""
    windows = []
    for k in range(len(kernel)):
        length = h.shape[len(h.shape) - len(kernel) + k]
        count = _positions(length, kernel[k], stride[k], padding[k], dilation[k], ceil_mode)
        starts = [position * stride[k] - padding[k] for position in range(count)]
        found = [start + np.arange(kernel[k]) * dilation[k] for start in starts]
        windows.append([places[(places >= 0) & (places < length)] for places in found])
    return largest_of(h, windows)


def _positions(length: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Return PyTorch's number of windows; with ceil_mode each begins inside the array or its left padding."""
    room = length + 2 * padding - dilation * (kernel - 1) - 1
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= length + padding else count


def largest_of(h: Tensor, windows: Sequence[Sequence[np.ndarray]]) -> Tensor:
    """Return the largest entry of every box of the last axes, given by the places along each axis.

    Windows of one width are taken together: an entry that stands twice in a window would be tied with itself.
    """
    first = len(h.shape) - len(windows)
    for axis, of_axis in enumerate(windows, start=first):
        parts, numbers = [], []
        for width in sorted(set(map(len, of_axis))):
            chosen = [number for number, found in enumerate(of_axis) if len(found) == width]
            seen = h.apply(Gather(axis, Indices(np.array([of_axis[number] for number in chosen]))))
            order = [k for k in range(len(seen.shape)) if k != axis + 1]
            parts.append(seen.permute(*order, axis + 1).apply(Maximum()))
            numbers += chosen
        h = parts[0] if len(parts) == 1 else parts[0].apply(Concatenate(axis), *parts)
        if numbers != sorted(numbers):
            h = h.apply(Gather(axis, Indices(np.argsort(numbers))))
    return h


def average_pool_of_any_kind(
    scope: Scope, h: Tensor, kernel: Sequence[int], options: Sequence[Any], pool: Callable[..., torch.Tensor]
) -> Tensor:
    """Return a mean over windows as sums, each over the divisor that PyTorch takes.

    Parameters
    ----------
    kernel : sequence of int
    options : sequence
        Stride, padding, ceil_mode, count_include_pad and divisor_override of PyTorch.
    pool : callable
        PyTorch's own pool.
    """
    n = len(kernel)
    lengths = h.shape[len(h.shape) - n :]
    ones = torch.ones((1, 1, *lengths), dtype=torch.float64)
    shares = pool(ones, kernel, *options)[0, 0]
    stride, padding = options[:2]
    for k, axis in enumerate(range(len(h.shape) - n, len(h.shape))):
        count, length = shares.shape[k], lengths[k]
        starts = np.arange(count)[:, None] * stride[k] - padding[k]
        places = starts + np.arange(kernel[k])
        matrix = np.zeros((length, count))
        for position in range(count):
            inside = places[position][(places[position] >= 0) & (places[position] < length)]
            matrix[inside, position] = 1.0
        order = [*(j for j in range(len(h.shape)) if j != axis), axis]
        moved = h.permute(*order) @ scope.tensor(torch.from_numpy(matrix))
        h = moved.permute(*(order.index(j) for j in range(len(h.shape))))
        shares = shares / torch.from_numpy(matrix.sum(axis=0)).reshape((-1, *(1,) * (n - k - 1)))
    return h * scope.tensor(shares)
