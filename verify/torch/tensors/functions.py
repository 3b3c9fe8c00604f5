"""NumPy's functions in PyTorch: those whose rounding is known, and those that only move and choose numbers.

Every entry here is part of what the bounds of `verify.arithmetic` rest on:

- entrywise ``+ - * /`` are rounded once, to nearest, with gradual underflow; all other entrywise functions are exact;
- ``sum`` and ``matmul`` add up float64 numbers in some order, each product rounded at most once: what `gamma` bounds.

`verify.torch.tensors.device` tests this of a device before and after it is used. What is not on the list is not
trusted: square roots (vector libraries need not round them to nearest), powers, exponentials, cumulative sums; NumPy
and the package's own kernels compute these. Convolutions are windows and a matrix product here, as everywhere in the
package: the fast algorithms of libraries (Winograd, Fourier) do not obey the bound of a sum of products.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

_LARGEST_EXPONENT = 1022


def _float64(x: Tensor) -> Tensor:
    """Return whole numbers as float64 ones: PyTorch's quotients of whole numbers are of its default format."""
    return x if x.dtype == torch.float64 else x.to(torch.float64)


def divided(x: Tensor, y: Tensor) -> Tensor:
    """Return quotients; the divisor is a tensor of the device, as the reciprocal of a number might be rounded first."""
    return torch.div(_float64(x), _float64(y))


def scaled(x: Tensor, exponent: Tensor) -> Any:
    """Return ``x 2^e`` for one e: a product with a power of two is rounded once, as NumPy's `ldexp` is."""
    if exponent.numel() != 1 or abs(int(exponent)) > _LARGEST_EXPONENT:
        return NotImplemented
    return torch.multiply(_float64(x), math.ldexp(1.0, int(exponent)))


def is_finite(x: Tensor) -> Tensor:
    """Return where numbers are finite: PyTorch's own function takes ten times as long."""
    return torch.lt(torch.abs(x), math.inf)


def product(x: Tensor, y: Tensor) -> Tensor:
    """Return matrix products as `numpy.matmul` does, without a format of fewer digits and outside of any `autocast`."""
    return torch.matmul(_float64(x), _float64(y))


UFUNCS: dict[Any, Callable[..., Tensor]] = {
    np.add: torch.add,
    np.subtract: torch.subtract,
    np.multiply: torch.multiply,
    np.divide: divided,
    np.negative: torch.neg,
    np.absolute: torch.abs,
    np.maximum: torch.maximum,
    np.minimum: torch.minimum,
    np.copysign: torch.copysign,
    np.isfinite: is_finite,
    np.isnan: torch.isnan,
    np.isinf: torch.isinf,
    np.equal: torch.eq,
    np.not_equal: torch.ne,
    np.less: torch.lt,
    np.less_equal: torch.le,
    np.greater: torch.gt,
    np.greater_equal: torch.ge,
    np.bitwise_and: torch.bitwise_and,
    np.bitwise_or: torch.bitwise_or,
    np.invert: torch.bitwise_not,
    np.right_shift: torch.bitwise_right_shift,
    np.ldexp: scaled,
    np.matmul: product,
}
"""One tensor or more on one device, to one; `NotImplemented` leaves the call to NumPy."""

SIMPLE = (np.add, np.subtract, np.multiply)
"""Functions that write over a float64 operand, and take numbers of the host as they are: they are float64 ones too."""


def _axes(x: Tensor, axis: Any) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _sum(device: Any, x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    return torch.sum(x, dim=axes, keepdim=keepdims) if axes else x.clone()


def _extreme(reduced: Callable[..., Tensor], bound: str, neutral: float) -> Callable[..., Any]:
    def function(
        device: Any, x: Tensor, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None
    ) -> Any:
        if not x.numel() or not (initial is where is None or x.dtype == torch.float64):
            return NotImplemented
        if where is not None:
            x = torch.where(where, x, torch.tensor(float(initial), dtype=x.dtype, device=device))
        axes = _axes(x, axis)
        found = reduced(x, dim=axes, keepdim=keepdims) if axes else x.clone()
        return found if initial in (None, neutral) else torch.clamp(found, **{bound: float(initial)})

    return function


def _where(device: Any, condition: Tensor, *choices: Any) -> Any:
    if len(choices) != 2:
        return NotImplemented
    one, other = (x if isinstance(x, Tensor) else torch.tensor(x, dtype=torch.float64, device=device) for x in choices)
    where = condition if isinstance(condition, Tensor) else torch.tensor(condition, device=device)
    return torch.where(where, one, other)


def _all(device: Any, x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    return torch.all(x, dim=axes, keepdim=keepdims) if axes else x.to(torch.bool)


def _any(device: Any, x: Tensor, axis: Any = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    return torch.any(x, dim=axes, keepdim=keepdims) if axes else x.to(torch.bool)


def _broadcast_to(device: Any, x: Tensor, shape: Any) -> Tensor:
    return torch.broadcast_to(x, tuple(shape) if isinstance(shape, Sequence) else (shape,))


def _transpose(device: Any, x: Tensor, axes: Any = None) -> Tensor:
    return x.permute(*(reversed(range(x.ndim)) if axes is None else axes))


def _concatenate(device: Any, parts: Sequence[Tensor], axis: int = 0) -> Tensor:
    return torch.cat(list(parts), dim=axis)


def _stack(device: Any, parts: Sequence[Tensor], axis: int = 0) -> Tensor:
    return torch.stack(list(parts), dim=axis)


def _reshape(device: Any, x: Tensor, shape: Any) -> Tensor:
    return x.reshape(shape)


def _expand_dims(device: Any, x: Tensor, axis: int) -> Tensor:
    return x.unsqueeze(axis)


def _squeeze(device: Any, x: Tensor, axis: Any = None) -> Tensor:
    return torch.squeeze(x, dim=_axes(x, axis)) if axis is not None else torch.squeeze(x)


def _take(device: Any, x: Tensor, indices: Tensor, axis: int | None = None, mode: str = "raise") -> Any:
    """Return chosen entries; an index out of range would be another entry on some devices, so it is refused here."""
    if axis is None or not isinstance(indices, Tensor) or not isinstance(x, Tensor):
        return NotImplemented
    length = x.shape[axis]
    found = torch.remainder(indices, length) if mode == "wrap" and length else indices
    if found.numel() and (int(found.min()) < 0 or int(found.max()) >= length):
        return NotImplemented
    picked = torch.index_select(x, axis, found.reshape(-1))
    return picked.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis % x.ndim + 1 :]))


def _windows(device: Any, x: Tensor, window_shape: Any, axis: Any = None) -> Any:
    if axis is None:
        return NotImplemented
    lengths = (window_shape,) if isinstance(window_shape, int) else tuple(window_shape)
    for k, length in zip(_axes(x, axis), lengths, strict=True):
        x = x.unfold(k, length, 1)
    return x


def _zeros_like(device: Any, x: Tensor, shape: Any = None) -> Tensor:
    return torch.zeros(tuple(x.shape) if shape is None else shape, dtype=x.dtype, device=device)


def _empty_like(device: Any, x: Tensor, shape: Any = None) -> Tensor:
    return torch.empty(tuple(x.shape) if shape is None else shape, dtype=x.dtype, device=device)


def _full_like(device: Any, x: Tensor, fill_value: float) -> Tensor:
    return torch.full(tuple(x.shape), fill_value, dtype=x.dtype, device=device)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: _sum,
    np.min: _extreme(torch.amin, "max", math.inf),
    np.max: _extreme(torch.amax, "min", -math.inf),
    np.all: _all,
    np.any: _any,
    np.where: _where,
    np.broadcast_to: _broadcast_to,
    np.transpose: _transpose,
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.reshape: _reshape,
    np.expand_dims: _expand_dims,
    np.squeeze: _squeeze,
    np.take: _take,
    np.lib.stride_tricks.sliding_window_view: _windows,
    np.zeros_like: _zeros_like,
    np.empty_like: _empty_like,
    np.full_like: _full_like,
}
"""The device, then NumPy's arguments with tensors for arrays; `NotImplemented` leaves the call to NumPy."""

OPTIONS = {name: frozenset(inspect.signature(native).parameters) for name, native in FUNCTIONS.items()}
"""The names of the arguments that each of them knows."""
