"""Softmax, its logarithm and log-sum-exp along any axes, of logits that may be minus infinity in places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from verify.graph.tensor import Tensor
from verify.importers.lowering.axes import axis_back, kept_axes, last_axis, merged_last
from verify.operations.gather import Indices
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.softmax import Softmax


@final
@dataclass(frozen=True)
class Masked:
    """Logits of which only some take part: the others are minus infinity. Softmax and logsumexp take them.

    Parameters
    ----------
    tensor : Tensor
    kept : array of bool
        Of a shape that repeats to that of the tensor.
    """

    tensor: Tensor
    kept: np.ndarray


def softmax(z: Tensor | Masked, axis: int) -> Tensor:
    """Return the probabilities along an axis."""
    logits, mask = _logits_and_mask(z, axis)
    return axis_back(logits.apply(Softmax(mask)), axis)


def log_softmax(z: Tensor, axis: int) -> Tensor:
    """Return the logarithms of the probabilities along an axis."""
    moved = last_axis(z, axis)
    return axis_back(moved - moved.apply(LogSumExp()).reshape((*moved.shape[:-1], 1)), axis)


def logsumexp(z: Tensor | Masked, axes: Sequence[int], keep: bool = False) -> Tensor:
    """Return the logarithm of the sum of exponentials over axes."""
    if isinstance(z, Masked):
        (axis,) = axes
        logits, mask = _logits_and_mask(z, axis)
        found = logits.apply(LogSumExp(mask))
        return kept_axes(found, z.tensor.shape, axes) if keep else found
    found = merged_last(z, axes).apply(LogSumExp())
    return kept_axes(found, z.shape, axes) if keep else found


def _logits_and_mask(z: Tensor | Masked, axis: int) -> tuple[Tensor, Indices | None]:
    """Return logits, and the mask of those that take part, with the axis at the end."""
    if isinstance(z, Tensor):
        return last_axis(z, axis), None
    kept = np.broadcast_to(z.kept, z.tensor.shape)
    return last_axis(z.tensor, axis), Indices(np.moveaxis(kept, axis, -1))
