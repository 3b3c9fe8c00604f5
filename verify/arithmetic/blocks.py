"""Elementwise work in blocks that stay in the processor's cache: several times faster for large arrays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

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
    with np.errstate(all="ignore"):
        if size <= 2 * BLOCK:
            return tuple(np.asarray(result) for result in function(*operands))
        if all(operand.shape == shape and operand.flags.c_contiguous for operand in present):
            views = [None if operand is None else operand.reshape(-1) for operand in operands]
        else:
            views = [None if operand is None else np.broadcast_to(operand, shape) for operand in operands]
        return _rows(function, views, size, shape)


def _rows(
    function: Callable[..., tuple[Array, ...]], views: list[Array | None], size: int, shape: tuple[int, ...]
) -> tuple[Array, ...]:
    first = next(view for view in views if view is not None)
    step = max(1, BLOCK * len(first) // size)
    results: Array = np.empty((0, 0))
    for start in range(0, len(first), step):
        part = slice(start, start + step)
        pieces = function(*(None if view is None else view[part] for view in views))
        if start == 0:
            # one allocation for all results: the C library then keeps the memory for the next call
            results = np.empty((len(pieces), *first.shape))
        for i, piece in enumerate(pieces):
            results[i, part] = piece
    return tuple(result.reshape(shape) for result in results)
