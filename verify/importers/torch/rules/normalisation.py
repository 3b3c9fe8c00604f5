"""Softmax, its logarithm, and normalisations."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import torch

from verify.graph.tensor import Tensor
from verify.importers.lowering import softmax as lowering
from verify.importers.lowering.lowest import without_lowest
from verify.importers.lowering.softmax import Masked
from verify.importers.torch.registry import Scope, rule
from verify.layers.normalisation import affine, group_normalise, normalise
from verify.operations.power import Power


@rule("softmax.int", "_softmax.default")
def softmax(scope: Scope, z: Tensor | Masked, axis: int, *options: Any) -> Tensor:
    if isinstance(z, Tensor):
        z = without_lowest(z, axis, scope.constants, lambda label, a: scope.constant(label, torch.from_numpy(a)))
    return lowering.softmax(z, axis)


@rule("log_softmax.int", "_log_softmax.default")
def log_softmax(scope: Scope, z: Tensor, axis: int, *options: Any) -> Tensor:
    return lowering.log_softmax(z, axis)


@rule("logsumexp.default")
def logsumexp(scope: Scope, z: Tensor | Masked, axes: Sequence[int], keep: bool = False) -> Tensor:
    return lowering.logsumexp(z, axes, keep)


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


@rule("native_layer_norm.default")
def layer_norm_with_moments(
    scope: Scope, h: Tensor, shape: Sequence[int], weight: Any, bias: Any, epsilon: float
) -> list[Tensor]:
    """Return the result, the means and the reciprocal deviations: derivatives of the layer read these."""
    axes = range(len(h.shape) - len(shape), len(h.shape))
    mean = h.mean(axes, keep=True)
    scale = ((h - mean).square().mean(axes, keep=True) + scope.tensor(epsilon)).apply(Power(Fraction(-1, 2)))
    return [layer_norm(scope, h, shape, weight, bias, epsilon), mean, scale]


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


def _given(scope: Scope, value: Any) -> Tensor | None:
    return None if value is None else scope.tensor(value)
