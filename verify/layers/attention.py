"""Scaled dot-product attention."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike

from verify.graph.tensor import Tensor
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
