"""Rows of a table, picked by whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.layer import Count, Layer, Parameters
from verify.operations.gather import Gather, Indices
from verify.outcomes import InputError


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


@final
@dataclass(frozen=True)
class Embedding(Layer):
    """A row of a trainable table for every whole number of the input vertex.

    Parameters
    ----------
    rows : int
        The whole numbers are 0 to rows - 1.
    features : int
        Length of a row: the last axis of the result.
    """

    rows: Count
    features: Count
    name: ClassVar[str] = "embedding"
    reads_integers: ClassVar[bool] = True

    def apply(self, parameters: Parameters, *inputs: Indices) -> Tensor:
        (places,) = inputs
        found = places.values
        if found.size and not 0 <= found.min() <= found.max() < self.rows:
            bad = int(found.min() if found.min() < 0 else found.max())
            raise InputError(
                "no such row",
                layer=self.name,
                value=bad,
                rows=self.rows,
                remedy=f"whole numbers are 0 to {self.rows - 1}",
            )
        table = parameters.parameter("table", (self.rows, self.features), fans=(self.rows, self.features))
        return embedding(table, found)


@final
@dataclass(frozen=True)
class Positions(Layer):
    """A trainable number added at every place of a sample, the same for all samples."""

    name: ClassVar[str] = "positions"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        fans = (h.shape[1], h.shape[-1])
        return h + parameters.parameter("table", h.shape[1:], fans=fans)
