"""Softmax, its logarithm, and normalisations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from verify.graph.tensor import Tensor
from verify.importers.torch.registry import Masked, Scope, rule
from verify.layers.normalisation import affine, group_normalise, normalise
from verify.operations.gather import Indices
from verify.operations.power import Power
from verify.operations.softmax import LogSumExp, Softmax


@rule("softmax.int", "_softmax.default")
def softmax(scope: Scope, z: Tensor | Masked, axis: int, *options: Any) -> Tensor:
    logits, mask = _logits_and_mask(z, axis)
    return logits.apply(Softmax(mask)).permute(*_inverse(logits, axis))


@rule("log_softmax.int", "_log_softmax.default")
def log_softmax(scope: Scope, z: Tensor, axis: int, *options: Any) -> Tensor:
    moved = last_axis(z, axis)
    return (moved - moved.apply(LogSumExp()).reshape((*moved.shape[:-1], 1))).permute(*_inverse(z, axis))


@rule("logsumexp.default")
def logsumexp(scope: Scope, z: Tensor | Masked, axes: Sequence[int], keep: bool = False) -> Tensor:
    if isinstance(z, Masked):
        (axis,) = axes
        logits, mask = _logits_and_mask(z, axis)
        found = logits.apply(LogSumExp(mask))
        return _kept(found, z.tensor.shape, axes) if keep else found
    found = merged_last(z, axes).apply(LogSumExp())
    return _kept(found, z.shape, axes) if keep else found


def merged_last(z: Tensor, axes: Sequence[int]) -> Tensor:
    """Return the array with some axes (all of them if none are named) merged to one at the end."""
    gone = [axis % len(z.shape) for axis in axes] or list(range(len(z.shape)))
    stay = [axis for axis in range(len(z.shape)) if axis not in gone]
    moved = z.permute(*stay, *gone)
    return moved.reshape((*moved.shape[: len(stay)], math.prod(moved.shape[len(stay) :])))


def _kept(found: Tensor, shape: Sequence[int], axes: Sequence[int]) -> Tensor:
    gone = {axis % len(shape) for axis in axes} or set(range(len(shape)))
    return found.reshape(tuple(1 if axis in gone else n for axis, n in enumerate(shape)))


def _logits_and_mask(z: Tensor | Masked, axis: int) -> tuple[Tensor, Indices | None]:
    """Return logits, and the mask of those that take part, with the axis at the end."""
    if isinstance(z, Tensor):
        return last_axis(z, axis), None
    kept = np.broadcast_to(z.kept, z.tensor.shape)
    return last_axis(z.tensor, axis), Indices(np.moveaxis(kept, axis, -1))


@rule("layer_norm.default")
def layer_norm(
    scope: Scope,
    h: Tensor,
    shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    epsilon: float = 1e-5,
    *options: Any,
) -> Tensor:
    axes = range(len(h.shape) - len(shape), len(h.shape))
    return affine(normalise(h, axes, epsilon), _given(scope, weight), _given(scope, bias), -1)


@rule("rms_norm.default")
def rms_norm(scope: Scope, h: Tensor, shape: Sequence[int], weight: Any = None, epsilon: float | None = None) -> Tensor:
    axes = range(len(h.shape) - len(shape), len(h.shape))
    smallest = 2.0**-52 if epsilon is None else epsilon
    return affine(normalise(h, axes, smallest, centred=False), _given(scope, weight), None, -1)


@rule("group_norm.default")
def group_norm(
    scope: Scope, h: Tensor, groups: int, weight: Any = None, bias: Any = None, epsilon: float = 1e-5, *options: Any
) -> Tensor:
    return affine(group_normalise(h, groups, epsilon), _given(scope, weight), _given(scope, bias), 1)


@rule("_native_batch_norm_legit.no_stats")
def batch_norm_without_statistics(
    scope: Scope, h: Tensor, weight: Any, bias: Any, training: bool, momentum: float, epsilon: float
) -> list[Any]:
    return batch_norm(scope, h, weight, bias, None, None, True, momentum, epsilon)


@rule("_native_batch_norm_legit_functional.default", "batch_norm.default")
def batch_norm(
    scope: Scope,
    h: Tensor,
    weight: Any,
    bias: Any,
    mean: Any,
    variance: Any,
    training: bool,
    momentum: float,
    epsilon: float,
    *options: Any,
) -> list[Any]:
    if training:
        axes = [axis for axis in range(len(h.shape)) if axis != 1]
        return [affine(normalise(h, axes, epsilon), _given(scope, weight), _given(scope, bias), 1), *[None] * 4]
    return [_with_statistics(scope, h, weight, bias, mean, variance, epsilon), *[None] * 4]


@rule("_native_batch_norm_legit_no_training.default")
def batch_norm_in_evaluation(
    scope: Scope, h: Tensor, weight: Any, bias: Any, mean: Any, variance: Any, momentum: float, epsilon: float
) -> list[Any]:
    return [_with_statistics(scope, h, weight, bias, mean, variance, epsilon), None, None]


def _with_statistics(
    scope: Scope, h: Tensor, weight: Any, bias: Any, mean: Any, variance: Any, epsilon: float
) -> Tensor:
    """Return a batch normalisation with constant statistics: a scale and a shift for each channel."""
    after = (1,) * (len(h.shape) - 2)
    centre, spread = (scope.tensor(x).reshape((h.shape[1], *after)) for x in (mean, variance))
    factor = (spread + scope.tensor(epsilon)).apply(Power(Fraction(-1, 2)))
    return affine((h - centre) * factor, _given(scope, weight), _given(scope, bias), 1)


def last_axis(z: Tensor, axis: int) -> Tensor:
    """Return the array with an axis moved to the end."""
    return z.permute(*_order(z, axis))


def _order(z: Tensor, axis: int) -> list[int]:
    place = axis % len(z.shape)
    return [*(k for k in range(len(z.shape)) if k != place), place]


def _inverse(z: Tensor, axis: int) -> list[int]:
    order = _order(z, axis)
    return [order.index(k) for k in range(len(order))]


def _given(scope: Scope, value: Any) -> Tensor | None:
    return None if value is None else scope.tensor(value)
