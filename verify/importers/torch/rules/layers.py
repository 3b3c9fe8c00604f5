"""Dense layers, convolutions, pools, upsampling, attention, dropout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 -- its usual name

from verify.graph.tensor import Tensor
from verify.importers.lowering.lowest import LOWEST
from verify.importers.lowering.windows import max_pool_over_the_ends
from verify.importers.torch.registry import Scope, rule
from verify.importers.torch.rules.windows import average_pool_of_any_kind
from verify.layers.attention import attention
from verify.layers.convolution import convolution
from verify.layers.dense import dense
from verify.layers.pooling import adaptive_average_pool, average_pool, max_pool
from verify.layers.transposed_convolution import transposed_convolution
from verify.outcomes import InputError


@rule("linear.default")
def linear(scope: Scope, h: Any, weight: Any, bias: Any = None) -> Tensor:
    return dense(scope.tensor(h), scope.tensor(weight), None if bias is None else scope.tensor(bias))


@rule("conv1d.default", "conv2d.default", "conv3d.default")
def conv(
    scope: Scope,
    h: Any,
    kernel: Any,
    bias: Any = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> Tensor:
    return _convolution(scope, h, kernel, bias, stride, padding, dilation, False, (0,), groups)


@rule("conv_transpose1d.default", "conv_transpose2d.input", "conv_transpose3d.input")
def conv_transpose(
    scope: Scope,
    h: Any,
    kernel: Any,
    bias: Any = None,
    stride: Sequence[int] = (1,),
    padding: Sequence[int] = (0,),
    output_padding: Sequence[int] = (0,),
    groups: int = 1,
    dilation: Sequence[int] = (1,),
) -> Tensor:
    return _convolution(scope, h, kernel, bias, stride, padding, dilation, True, output_padding, groups)


@rule("convolution.default")
def _convolution(
    scope: Scope,
    h: Any,
    kernel: Any,
    bias: Any,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    x, weights = scope.tensor(h), scope.tensor(kernel)
    if len(x.shape) < len(weights.shape):
        one = x.reshape((1, *x.shape))
        options = (stride, padding, dilation, transposed, output_padding, groups)
        alone = _convolution(scope, one, weights, bias, *options)
        return alone.reshape(alone.shape[1:])
    shift = None if bias is None else scope.tensor(bias)
    dimensions = len(x.shape) - 2
    stride, padding, dilation, output_padding = (
        _each(option, dimensions) for option in (stride, padding, dilation, output_padding)
    )
    if transposed:
        return transposed_convolution(x, weights, shift, stride, padding, output_padding, dilation, groups)
    return convolution(x, weights, shift, stride, padding, dilation, groups)


@rule("avg_pool1d.default", "avg_pool2d.default", "avg_pool3d.default")
def avg_pool(
    scope: Scope,
    h: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    dimensions = _dimensions(scope)
    padding = _each(padding, dimensions)
    kernel = _each(kernel, dimensions)
    stride = _each(stride, dimensions) if stride else kernel
    if not ceil_mode and divisor_override is None and (count_include_pad or not any(padding)):
        return average_pool(h, kernel, stride, padding)
    options = [stride, padding, ceil_mode, count_include_pad]
    options += [] if divisor_override is None else [divisor_override]
    pools: list[Any] = [F.avg_pool1d, F.avg_pool2d, F.avg_pool3d]
    return average_pool_of_any_kind(scope, h, kernel, options, pools[dimensions - 1])


@rule("max_pool1d.default", "max_pool2d.default", "max_pool3d.default")
def largest(
    scope: Scope,
    h: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int] = (),
    padding: Sequence[int] = (0,),
    dilation: Sequence[int] = (1,),
    ceil_mode: bool = False,
) -> Tensor:
    n = _dimensions(scope)
    kernel, padding, dilation = (_each(option, n) for option in (kernel, padding, dilation))
    stride = _each(stride, n) if stride else kernel
    if ceil_mode or any(padding):
        return max_pool_over_the_ends(h, kernel, stride, padding, dilation, ceil_mode)
    return max_pool(h, kernel, stride, padding, dilation)


@rule("max_pool2d_with_indices.default")
def largest_with_indices(scope: Scope, h: Tensor, *options: Any) -> list[Any]:
    return [largest(scope, h, *options), None]


@rule("adaptive_avg_pool1d.default", "adaptive_avg_pool2d.default", "_adaptive_avg_pool2d.default")
def adaptive(scope: Scope, h: Tensor, sizes: Sequence[int]) -> Tensor:
    return adaptive_average_pool(h, sizes)


@rule("scaled_dot_product_attention.default")
def scaled_dot_product_attention(
    scope: Scope,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Any = None,
    dropout: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if dropout or enable_gqa:
        raise InputError(
            "attention with dropout or grouped queries",
            remedy="module.eval(), or p=0",
            dropout=dropout,
            enable_gqa=enable_gqa,
        )
    query, key, value = (scope.tensor(part) for part in (query, key, value))
    numbers = scope.value(mask)
    if mask is None or (isinstance(numbers, torch.Tensor) and numbers.dtype == torch.bool):
        kept = None if numbers is None else numbers.numpy()
        return attention(query, key, value, causal=is_causal, scale=scale, mask=kept)
    if numbers is None:
        return attention(query, key, value, scale=scale, bias=scope.tensor(mask))
    kept = ~(numbers <= LOWEST)
    kept |= ~kept.any(-1, keepdim=True)
    added = torch.where(kept, numbers, 0.0)
    bias = scope.tensor(added) if bool((added != 0).any()) else None
    return attention(query, key, value, scale=scale, mask=None if bool(kept.all()) else kept.numpy(), bias=bias)


@rule("dropout.default", "native_dropout.default", "feature_dropout.default")
def dropout(scope: Scope, h: Tensor, p: float, train: bool | None) -> Any:
    if train and p > 0:
        raise InputError(
            "dropout in training mode draws another network at every step", remedy="module.eval(), or p=0", p=p
        )
    return h


def _dimensions(scope: Scope) -> int:
    """Return the number of axes that an operation such as ``avg_pool2d`` works on: there may be no samples' axis."""
    return int(scope.operation.partition("d.")[0].partition("d_with")[0][-1])


def _each(option: int | Sequence[int], dimensions: int) -> tuple[int, ...]:
    if isinstance(option, int):
        return (option,) * dimensions
    return tuple(option) * (dimensions if len(option) == 1 else 1)
