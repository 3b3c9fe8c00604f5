"""The dense layer."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.layer import Count, Layer, Parameters
from verify.operations.contraction import Contraction


def dense(h: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``h W^T + b`` over the last axis.

    Parameters
    ----------
    h : Tensor, shape (..., in)
    weight : Tensor, shape (out, in)
    bias : Tensor, shape (out,), optional

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> dense(builder.constant("h", (5, 3)), builder.parameter("W", (2, 3))).shape
    (5, 2)
    """
    lead = string.ascii_lowercase[: len(h.shape) - 1]
    z = h.apply(Contraction(f"{lead}y", "zy", f"{lead}z"), h, weight)
    return z if bias is None else z + bias


@final
@dataclass(frozen=True)
class DenseLayer(Layer):
    """The same all-to-all weights at every place: over the last axis.

    Parameters
    ----------
    features : int
        Length of the last axis of the result.
    bias : bool
    """

    features: Count
    bias: bool = True
    name: ClassVar[str] = "dense"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        width = h.shape[-1]
        weight = parameters.parameter("weight", (self.features, width), fans=(width, self.features))
        return dense(h, weight, parameters.parameter("bias", (self.features,)) if self.bias else None)
