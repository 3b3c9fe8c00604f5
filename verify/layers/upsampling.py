"""Images enlarged by a whole factor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from verify.graph.tensor import Tensor
from verify.layers.layer import Counts, Layer, Parameters, limited
from verify.operations.gather import Gather, Indices


def nearest_upsample(h: Tensor, factors: Sequence[int]) -> Tensor:
    """Return the array with every entry of the last axes repeated.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> nearest_upsample(GraphBuilder().constant("h", (1, 2, 3, 3)), (2, 2)).shape
    (1, 2, 6, 6)
    """
    for axis, factor in enumerate(factors, start=len(h.shape) - len(factors)):
        h = h.apply(Gather(axis, Indices(np.repeat(np.arange(h.shape[axis]), factor))))
    return h


@final
@dataclass(frozen=True)
class Upsample(Layer):
    """Every entry of the axes behind the channels repeated.

    Parameters
    ----------
    factors : int or list of int
    """

    factors: Counts
    name: ClassVar[str] = "upsample"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        factors = self.each("factors", self.space(h))
        for length, factor in zip(h.shape[2:], factors, strict=True):
            limited(self, (length, factor))
        return nearest_upsample(h, factors)
