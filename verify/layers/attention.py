"""Scaled dot-product attention."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

import numpy as np
from numpy.typing import ArrayLike

from verify.graph.tensor import Tensor
from verify.layers.dense import dense
from verify.layers.layer import Count, Layer, Parameters
from verify.operations.gather import Indices
from verify.operations.softmax import Softmax


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *,
    causal: bool = False,
    scale: float | None = None,
    mask: ArrayLike | None = None,
    bias: Tensor | None = None,
) -> Tensor:
    """Return ``softmax(scale * Q K^T) V`` over the last two axes.

    Parameters
    ----------
    query : Tensor, shape (..., targets, d)
    key : Tensor, shape (..., sources, d)
    value : Tensor, shape (..., sources, e)
    causal : bool
        Position i sees only positions up to i.
    scale : float, optional
        The float64 number nearest to 1/sqrt(d) by default, as frameworks use.
    mask : array of bool, optional
        Which sources a target sees, in place of `causal`.
    bias : Tensor, optional
        Added to the scaled scores.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> q = builder.constant("q", (2, 4, 5, 8))
    >>> attention(q, q, q, causal=True).shape
    (2, 4, 5, 8)
    """
    factor = 1 / float(np.sqrt(query.shape[-1])) if scale is None else scale
    lead = tuple(range(len(key.shape) - 2))
    scores = query.scale(Fraction(factor)) @ key.permute(*lead, len(lead) + 1, len(lead))
    scores = scores if bias is None else scores + bias
    seen = np.tril(np.ones(scores.shape[-2:])) if causal else mask
    return scores.apply(Softmax(None if seen is None else Indices(seen))) @ value


@final
@dataclass(frozen=True)
class Attention(Layer):
    """Attention with heads: of a sequence (places, features) to itself, or to a second one.

    Its parameters are ``query``, ``key``, ``value``, ``output`` of shape (features, features in), and their biases.

    Parameters
    ----------
    heads : int
        They divide the features.
    causal : bool
        A place sees only places up to its own.
    bias : bool
    """

    heads: Count = 1
    causal: bool = False
    bias: bool = True
    name: ClassVar[str] = "attention"
    most: ClassVar[int | None] = 2

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        h, seen = inputs[0], inputs[-1]
        for each in inputs:
            if len(each.shape) != 3:
                raise self.refuse("takes sequences", each, "give the vertex a shape = [places, features]")
        samples, places, width = h.shape
        if width % self.heads:
            raise self.refuse("heads must divide the features", h, "choose another number of heads", heads=self.heads)
        if self.causal and seen.shape[1] != places:
            raise self.refuse(
                "causal attention is of a sequence to itself",
                seen,
                "leave out causal, or give one input",
                expected=places,
            )

        def projected(name: str, x: Tensor) -> Tensor:
            weight = parameters.parameter(name, (width, x.shape[-1]), fans=(x.shape[-1], width))
            return dense(x, weight, parameters.parameter(f"{name}_bias", (width,)) if self.bias else None)

        def split(x: Tensor) -> Tensor:
            return x.reshape((samples, x.shape[1], self.heads, width // self.heads)).permute(0, 2, 1, 3)

        query, key, value = (split(projected(name, x)) for name, x in (("query", h), ("key", seen), ("value", seen)))
        together = attention(query, key, value, causal=self.causal).permute(0, 2, 1, 3)
        return projected("output", together.reshape((samples, places, width)))
