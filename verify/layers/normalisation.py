"""Normalisations: entries centred and divided by their standard deviation over some axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.layer import Count, Layer, Parameters, Positive
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


@dataclass(frozen=True)
class Normalisation(Layer):
    """A layer that normalises, then scales and shifts.

    Parameters
    ----------
    epsilon : float
        Added to the variance.
    affine : bool
        A trainable scale and shift.
    """

    epsilon: Positive = 1e-5
    affine: bool = True


@final
@dataclass(frozen=True)
class LayerNorm(Normalisation):
    """Normalisation over the last axis of every place.

    Its options are those of `Normalisation`; affine: one for each feature.
    """

    name: ClassVar[str] = "layer_norm"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        normal = normalise(h, [-1], self.epsilon)
        return _affine(parameters, normal, -1) if self.affine else normal


@final
@dataclass(frozen=True)
class RmsNorm(Normalisation):
    """Division by the root mean square over the last axis of every place.

    Its options are those of `Normalisation`; affine: a scale alone, one for each feature.
    """

    name: ClassVar[str] = "rms_norm"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        normal = normalise(h, [-1], self.epsilon, centred=False)
        return (
            affine(normal, parameters.parameter("scale", h.shape[-1:], start=1.0), None, -1) if self.affine else normal
        )


@final
@dataclass(frozen=True, kw_only=True)
class GroupNorm(Normalisation):
    """Normalisation over groups of channels and all of space; as many groups as channels make it instance norm.

    Its options are those of `Normalisation`, affine: one for each channel, and one more.

    Parameters
    ----------
    groups : int
    """

    groups: Count
    name: ClassVar[str] = "group_norm"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        if len(h.shape) < 2 or h.shape[1] % self.groups:
            raise self.refuse(
                "groups must divide the channels", h, "choose another number of groups", groups=self.groups
            )
        normal = group_normalise(h, self.groups, self.epsilon)
        return _affine(parameters, normal, 1) if self.affine else normal


@final
@dataclass(frozen=True)
class BatchNorm(Normalisation):
    """Normalisation of every channel over all samples and all of space, as in training on the full batch.

    It couples the samples: the error is that of training mode, with the whole data as one batch.

    Its options are those of `Normalisation`; affine: one for each channel.
    """

    name: ClassVar[str] = "batch_norm"

    def apply(self, parameters: Parameters, *inputs: Tensor) -> Tensor:
        (h,) = inputs
        normal = normalise(h, [0, *range(2, len(h.shape))], self.epsilon)
        return _affine(parameters, normal, 1) if self.affine else normal


def _affine(parameters: Parameters, normal: Tensor, axis: int) -> Tensor:
    length = (normal.shape[axis],)
    return affine(normal, parameters.parameter("scale", length, start=1.0), parameters.parameter("shift", length), axis)
