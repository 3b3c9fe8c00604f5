"""Arrays of one repeated number, in the shape of another or in one of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from verify.graph.tensor import Tensor
from verify.importers.torch.registry import Scope, rule


@rule("full_like.default")
def full_like(scope: Scope, x: Tensor, value: float, **options: Any) -> torch.Tensor:
    return torch.full(x.shape, value, dtype=options.get("dtype") or torch.float64)


@rule("zeros_like.default")
def zeros_like(scope: Scope, x: Tensor, **options: Any) -> torch.Tensor:
    return full_like(scope, x, 0, **options)


@rule("ones_like.default")
def ones_like(scope: Scope, x: Tensor, **options: Any) -> torch.Tensor:
    return full_like(scope, x, 1, **options)


@rule("new_full.default")
def new_full(scope: Scope, x: Tensor, shape: Sequence[int], value: float, **options: Any) -> torch.Tensor:
    return torch.full(tuple(shape), value, dtype=options.get("dtype") or torch.float64)


@rule("new_zeros.default")
def new_zeros(scope: Scope, x: Tensor, shape: Sequence[int], **options: Any) -> torch.Tensor:
    return new_full(scope, x, shape, 0, **options)


@rule("new_ones.default")
def new_ones(scope: Scope, x: Tensor, shape: Sequence[int], **options: Any) -> torch.Tensor:
    return new_full(scope, x, shape, 1, **options)
