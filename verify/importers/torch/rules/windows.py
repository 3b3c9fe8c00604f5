"""Pools of any kind and interpolation: what PyTorch's own function does to positions along one axis decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 -- its usual name

from verify.graph.tensor import Tensor
from verify.importers.lowering.windows import largest_of
from verify.importers.torch.registry import Scope, rule
from verify.operations.gather import Gather, Indices


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
