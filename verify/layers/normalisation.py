"""Normalisations: entries centred and divided by their standard deviation over some axes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from verify.graph.tensor import Tensor
from verify.operations.power import Power


def normalise(h: Tensor, axes: Sequence[int], epsilon: float, *, centred: bool = True) -> Tensor:
    """Return ``(h - mean) / sqrt(variance + epsilon)`` over the given axes.

    With the axes of the features it is layer normalisation; of a group of channels and the space, group (or instance)
    normalisation; of samples and space, batch normalisation in training mode, which couples the samples.

    Parameters
    ----------
    h : Tensor
    axes : sequence of int
    epsilon : float
    centred : bool
        False: no mean is taken off, and the mean square stands for the variance (RMS normalisation).

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> normalise(GraphBuilder().constant("h", (5, 3)), [1], 1e-5).shape
    (5, 3)
    """
    centre = h - h.mean(axes, keep=True) if centred else h
    spread = centre.square().mean(axes, keep=True)
    return centre * (spread + h.builder.filled(1).scale(Fraction(epsilon))).apply(Power(Fraction(-1, 2)))


def affine(h: Tensor, scale: Tensor | None, shift: Tensor | None, axis: int) -> Tensor:
    """Return ``scale * h + shift`` with one number for each entry along an axis (or along the last ones)."""
    after = (1,) * (len(h.shape) - 1 - axis % len(h.shape))
    if scale is not None:
        h = h * scale.reshape((*scale.shape, *after))
    return h if shift is None else h + shift.reshape((*shift.shape, *after))


def group_normalise(h: Tensor, groups: int, epsilon: float) -> Tensor:
    """Return the normalisation over groups of channels and all of space: h has the shape (n, channels, ...)."""
    n, channels, *space = h.shape
    split = h.reshape((n, groups, channels // groups, *space))
    return normalise(split, range(2, len(split.shape)), epsilon).reshape(h.shape)
