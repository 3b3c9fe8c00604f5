"""One matrix applied at every position of an image: the product behind a convolution and its transpose.

Arrays are turned so that the samples come last. What a position sees is then gathered as whole rows, a block of samples
at a time, few enough for the processor's cache; and the result has the channels before the positions already.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.architecture.columns import flat_rows, gather, with_zeros
from verify.architecture.linear_map import IndexArray
from verify.arithmetic.intervals import Interval

_GATHERED = 2**17
_SAMPLES = 32
"""Numbers gathered at a time, in a block of at most so many samples."""


def sliding_product(matrix: Any, values: Any, table: IndexArray) -> Any:
    """Return for every sample the matrix times what every position sees, the channels before the positions.

    Parameters
    ----------
    matrix : array or Interval, shape (channels, places)
    values : array or Interval, shape (..., width)
    table : array of int, shape (positions, places)
        The column seen there, ``width`` for a zero.

    Returns
    -------
    array or Interval, shape (..., channels x positions)

    Examples
    --------
    >>> sliding_product(np.array([[1.0, 10.0]]), np.array([[1.0, 2.0, 3.0]]), np.array([[0, 1], [1, 2], [2, 3]]))
    array([[21., 32.,  3.]])
    """
    if isinstance(values, Interval) or isinstance(matrix, Interval):
        return _by_samples(matrix, values, table)
    result = _by_blocks(matrix, flat_rows(values, values.shape[-1]), table)
    return result.reshape(*values.shape[:-1], result.shape[1])


def _by_samples(matrix: Any, values: Any, table: IndexArray) -> Any:
    samples, (positions, places) = values.shape[:-1], table.shape
    seen = flat_rows(gather(with_zeros(values, 0, 1), table), places)
    result = (seen @ matrix.T).reshape(*samples, positions, matrix.shape[0])
    return result.swapaxes(-1, -2).reshape(*samples, matrix.shape[0] * positions)


def _by_blocks(matrix: np.ndarray, values: np.ndarray, table: IndexArray) -> np.ndarray:
    (samples, width), (positions, places), channels = values.shape, table.shape, len(matrix)
    result = np.empty((samples, channels * positions), np.result_type(matrix, values))
    count = -(-samples // min(_SAMPLES, max(1, _GATHERED // table.size)))
    for index in range(count):
        rows = slice(index * samples // count, (index + 1) * samples // count)
        block = values[rows]
        columns = np.empty((width + 1, len(block)), values.dtype)
        columns[:-1], columns[-1] = block.T, 0
        seen = np.take(columns, table.T, axis=0, mode="clip").reshape(places, positions * len(block))
        result[rows] = (matrix @ seen).reshape(channels * positions, len(block)).T
    return result
