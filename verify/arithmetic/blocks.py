"""Elementwise work in blocks that stay in the processor's cache: several times faster for large arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic.device_arrays import DeviceArray, as_array

Array = NDArray[np.float64]
BLOCK = 8192


def in_blocks(function: Callable[..., tuple[Array, ...]], *operands: Array | None) -> tuple[Array, ...]:
    """Return ``function(*operands)`` for an elementwise function of broadcastable arrays, evaluated block by block.

    Operands that are None are handed on; NumPy's warnings are off inside.

    Examples
    --------
    >>> total, = in_blocks(lambda a, b: (a + b,), np.ones(100_000), np.ones(1))
    >>> bool(np.all(total == 2))
    True
    """
    present = [operand for operand in operands if operand is not None]
    shape = np.broadcast_shapes(*(operand.shape for operand in present))
    size = int(np.prod(shape))
    elsewhere = next((operand for operand in cast(list[Any], present) if isinstance(operand, DeviceArray)), None)
    block = BLOCK if elsewhere is None else elsewhere.block
    with np.errstate(all="ignore"):
        if block is None or size <= 2 * block:
            return tuple(as_array(result) for result in function(*operands))
        if all(operand.shape == shape and _is_contiguous(operand) for operand in present):
            views = [None if operand is None else operand.reshape(-1) for operand in operands]
        else:
            views = [None if operand is None else np.broadcast_to(operand, shape) for operand in operands]
        first = next(view for view in views if view is not None)
        step = max(1, block * len(first) // size)
        return tuple(result.reshape(shape) for result in _rows(function, views, step, elsewhere))


def _is_contiguous(operand: Any) -> bool:
    return bool(operand.is_contiguous if isinstance(operand, DeviceArray) else operand.flags.c_contiguous)


def _rows(
    function: Callable[..., tuple[Array, ...]], views: list[Array | None], step: int, elsewhere: DeviceArray | None
) -> Array:
    first = next(view for view in views if view is not None)
    results: Array = np.empty((0, 0))
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        pieces = function(*(None if view is None else view[part] for view in views))
        if start == 0:
            # one allocation for all results: the C library then keeps the memory for the next call
            whole = len(pieces), *first.shape
            results = np.empty(whole) if elsewhere is None else np.empty_like(elsewhere, shape=whole)
        for i, piece in enumerate(pieces):
            results[i, part] = piece
    return results
