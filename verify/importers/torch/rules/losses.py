"""Losses with the semantics of PyTorch."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import torch

from verify.graph.tensor import Tensor
from verify.importers.lowering.axes import last_axis
from verify.importers.torch.registry import Scope, rule
from verify.losses import loss
from verify.operations.elementwise import Elementwise
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.power import Logarithm
from verify.outcomes import InputError

REDUCTIONS = {0: "none", 1: "mean", 2: "sum"}


@rule("mse_loss.default")
def mse_loss(scope: Scope, outputs: Any, targets: Any, reduction: int = 1) -> Tensor:
    return _reduced(scope, "mse", outputs, targets, reduction)


@rule("huber_loss.default")
def huber_loss(scope: Scope, outputs: Any, targets: Any, reduction: int = 1, delta: float = 1.0) -> Tensor:
    return _reduced(scope, "huber", outputs, targets, reduction, delta=delta)


@rule("smooth_l1_loss.default")
def smooth_l1_loss(scope: Scope, outputs: Any, targets: Any, reduction: int = 1, beta: float = 1.0) -> Tensor:
    return _reduced(scope, "huber", outputs, targets, reduction, delta=beta).scale(1 / Fraction(beta))


@rule("l1_loss.default")
def l1_loss(scope: Scope, outputs: Any, targets: Any, reduction: int = 1) -> Tensor:
    raise InputError("l1 is not differentiable where it is least", remedy="use huber or smooth_l1", loss="l1_loss")


@rule("binary_cross_entropy_with_logits.default")
def binary_cross_entropy_with_logits(
    scope: Scope, logits: Any, targets: Any, weight: Any = None, pos_weight: Any = None, reduction: int = 1
) -> Tensor:
    z, t = scope.tensor(logits), scope.tensor(targets)
    if pos_weight is None:
        terms = loss("sigmoid-cross-entropy").terms(z, t)
    else:
        of_zeros = z.apply(Elementwise("softplus"))
        terms = (1 - t) * of_zeros + scope.tensor(pos_weight) * t * (of_zeros - z)
    return _total(terms if weight is None else terms * scope.tensor(weight), reduction)


LEAST_LOGARITHM = -100
"""Of a probability, in PyTorch's binary cross-entropy."""


@rule("binary_cross_entropy.default")
def binary_cross_entropy(
    scope: Scope, probabilities: Any, targets: Any, weight: Any = None, reduction: int = 1
) -> Tensor:
    p, t = scope.tensor(probabilities), scope.tensor(targets)
    logs = [
        (part.apply(Logarithm()) - LEAST_LOGARITHM).apply(Elementwise("relu")) + LEAST_LOGARITHM for part in (p, 1 - p)
    ]
    terms = -(t * logs[0] + (1 - t) * logs[1])
    return _total(terms if weight is None else terms * scope.tensor(weight), reduction)


@rule("kl_div.default")
def kl_divergence(scope: Scope, logs: Any, targets: Any, reduction: int = 1, log_target: bool = False) -> Tensor:
    q, numbers = scope.tensor(logs), scope.value(targets)
    if log_target:
        t = scope.tensor(targets)
        return _total(t.apply(Elementwise("exp(x)")) * (t - q), reduction)
    if numbers is None:
        t = scope.tensor(targets)
        return _total(t * (t.apply(Logarithm()) - q), reduction)
    positive = torch.where(numbers > 0, numbers, 1.0)  # 0 log 0 is 0, and so is 0 log 1
    t = scope.tensor(numbers)
    return _total(t * (scope.tensor(positive).apply(Logarithm()) - q), reduction)


@rule("cross_entropy_loss.default")
def cross_entropy(
    scope: Scope,
    logits: Any,
    targets: Any,
    weight: Any = None,
    reduction: int = 1,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
) -> Tensor:
    z = scope.tensor(logits)
    if isinstance(targets, torch.Tensor) and not targets.is_floating_point():
        return _of_classes(scope, z, targets, weight, reduction, ignore_index, label_smoothing)
    t = last_axis(scope.tensor(targets), 1) if len(z.shape) > 1 else scope.tensor(targets)
    if weight is not None:
        return _total(_weighted_terms(_logits(z), _smoothed(t, label_smoothing) * scope.tensor(weight)), reduction)
    terms = loss("softmax-cross-entropy", label_smoothing=label_smoothing).terms(_logits(z), t)
    return _total(terms, reduction)


@rule("nll_loss_nd.default", "nll_loss.default", "nll_loss_forward.default")
def nll_loss(
    scope: Scope, logs: Tensor, targets: torch.Tensor, weight: Any = None, reduction: int = 1, ignore_index: int = -100
) -> Any:
    probabilities, weights = _classes(targets, logs.shape[1], _class_weights(scope, weight), ignore_index)
    terms = -(_logits(logs) * scope.tensor(probabilities)).sum(-1)
    return _weighted(scope, terms, weights, reduction)


def _of_classes(
    scope: Scope, z: Tensor, targets: torch.Tensor, weight: Any, reduction: int, ignored: int, smoothing: float
) -> Tensor:
    numbers = _class_weights(scope, weight)
    probabilities, weights = _classes(targets, z.shape[1 if len(z.shape) > 1 else 0], numbers, ignored)
    if smoothing and numbers is not None and weights is not None:
        kept = scope.tensor((targets != ignored).to(torch.float64))
        smoothed = _smoothed(scope.tensor(probabilities), smoothing) * scope.tensor(numbers.to(torch.float64))
        terms = _weighted_terms(_logits(z), smoothed) * kept
        if REDUCTIONS[reduction] != "mean":
            return _total(terms, reduction)
        return terms.sum() / scope.tensor(weights).sum()
    criterion = loss("softmax-cross-entropy", label_smoothing=smoothing)
    return _weighted(scope, criterion.terms(_logits(z), scope.tensor(probabilities)), weights, reduction)


def _smoothed(probabilities: Tensor, smoothing: float) -> Tensor:
    """Return probabilities mixed with equal ones."""
    if not smoothing:
        return probabilities
    share = Fraction(smoothing)
    equal = probabilities.builder.filled(1).scale(share / probabilities.shape[-1])
    return probabilities - probabilities.scale(share) + equal


def _weighted_terms(z: Tensor, factors: Tensor) -> Tensor:
    """Return minus the sum over the classes of factors times log softmax, for every sample."""
    return factors.sum(-1) * z.apply(LogSumExp()) - (factors * z).sum(-1)


def _classes(targets: torch.Tensor, count: int, weight: Any, ignored: int) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Return probabilities 0 and 1, and the weights of the terms where they are not all 1."""
    kept = targets != ignored
    found = torch.where(kept, targets, 0)
    probabilities = torch.nn.functional.one_hot(found, count).to(torch.float64)
    if weight is None:
        return probabilities, None if bool(kept.all()) else kept.to(torch.float64)
    return probabilities, weight.to(torch.float64)[found] * kept


def _class_weights(scope: Scope, weight: Any) -> torch.Tensor | None:
    numbers = scope.value(weight)
    if weight is not None and numbers is None:
        raise InputError(
            "class weights that depend on parameters", weight=type(weight).__name__, remedy="give them as constants"
        )
    return numbers


def _logits(z: Tensor) -> Tensor:
    return last_axis(z, 1) if len(z.shape) > 1 else z


def _reduced(scope: Scope, name: str, outputs: Any, targets: Any, reduction: int, **options: float) -> Tensor:
    return _total(loss(name, **options).terms(scope.tensor(outputs), scope.tensor(targets)), reduction)


def _total(terms: Tensor, reduction: int) -> Tensor:
    match REDUCTIONS[reduction]:
        case "mean":
            return terms.mean()
        case "sum":
            return terms.sum()
        case _:
            return terms


def _weighted(scope: Scope, terms: Tensor, weights: torch.Tensor | None, reduction: int) -> Tensor:
    if weights is None:
        return _total(terms, reduction)
    factors = scope.tensor(weights)
    if REDUCTIONS[reduction] != "mean":
        return _total(terms * factors, reduction)
    if not np.any(weights.numpy()):
        raise InputError(
            "cross-entropy: every target is ignored or has the weight 0",
            targets=len(weights.reshape(-1)),
            remedy="give targets that count",
        )
    return (terms * factors).sum() / factors.sum()
