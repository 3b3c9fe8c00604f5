"""Rows of a table, picked by whole numbers."""

from __future__ import annotations

from typing import Any

from verify.graph.tensor import Tensor
from verify.operations.gather import Gather, Indices


def embedding(table: Tensor, indices: Any) -> Tensor:
    """Return ``table[indices]``.

    Parameters
    ----------
    table : Tensor, shape (rows, features)
    indices : array of int

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> embedding(GraphBuilder().parameter("E", (10, 4)), [[1, 2, 3]]).shape
    (1, 3, 4)
    """
    return table.apply(Gather(0, Indices(indices)))
