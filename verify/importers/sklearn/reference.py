"""What scikit-learn itself computes: the loss that it reports and the gradient that it descends along."""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.importers.sklearn.samples import EstimatorSamples
from verify.outcomes import InputError

_EPSILON = float(np.finfo(np.float64).eps)
_UNITS = 8.0
"""Roundings of order epsilon in a probability and its logarithm: of exp, sums, quotient, difference, log."""


@dataclass(frozen=True)
class Reference:
    """Loss and gradient at one point, from scikit-learn's own backpropagation in float64.

    Parameters
    ----------
    error : float
        The function that `gradient` belongs to. Of several outputs scikit-learn reports the mean of the squared errors
        and descends along the gradient of their sum: this is the sum.
    gradient : array, shape (P,)
    uncertainty : float
        How far rounding of the probabilities may have moved `error`: 1 - p has lost p's digits where p is near 1.
    is_capped : bool
        Whether a probability was raised to epsilon, so that `error` is too small.
    """

    error: float
    gradient: np.ndarray
    uncertainty: float
    is_capped: bool


def reference(estimator: Any, samples: EstimatorSamples, parts: dict[str, np.ndarray]) -> Reference:
    """Return what scikit-learn computes of the given parameters.

    Raises
    ------
    InputError
        If this version of scikit-learn has no backpropagation that can be called.
    """
    model = copy.copy(estimator)
    layers = range(len(estimator.coefs_))
    model.coefs_ = [parts[f"coefs_[{i}]"].copy() for i in layers]
    model.intercepts_ = [parts[f"intercepts_[{i}]"].copy() for i in layers]
    activations = [samples.x, *([None] * len(layers))]
    try:
        takes_weights = "sample_weight" in inspect.signature(model._backprop).parameters
        weights = (samples.weights,) if takes_weights else ()
        buffers = [[None] * len(layers) for _ in range(3)]
        with np.errstate(all="ignore"):
            loss, coefs, intercepts = model._backprop(samples.x, samples.targets, *weights, activations, *buffers)
    except (AttributeError, TypeError) as error:
        raise InputError(
            "this scikit-learn cannot be asked for its own loss",
            reason=str(error),
            remedy="use a version that dagverify is tested with",
        ) from None
    if samples.weights is not None and not takes_weights:
        what = "this scikit-learn has no sample weights for networks"
        raise InputError(what, samples=len(samples.weights), remedy="leave sample_weight out")
    gradient = np.concatenate([np.concatenate([c.ravel(), b]) for c, b in zip(coefs, intercepts, strict=True)])
    if samples.output == "identity":
        penalty = 0.5 * model.alpha * sum(float(np.vdot(c, c)) for c in model.coefs_) / samples.total_weight
        return Reference((loss - penalty) * samples.targets.shape[1] + penalty, gradient, 0.0, False)
    uncertainty, is_capped = _of_probabilities(activations[-1], samples)
    return Reference(float(loss), gradient, uncertainty, is_capped)


def _of_probabilities(p: Any, samples: EstimatorSamples) -> tuple[float, bool]:
    """Return how far off the logarithms of the targets' probabilities may be, and whether one was capped."""
    single = samples.output == "logistic"
    right = np.where(samples.targets > 0, p, 1.0 - p if single else 1.0)
    kept = np.maximum(right, _EPSILON)
    each = _UNITS * _EPSILON * np.where(samples.targets > 0, 1.0, 1.0 / kept)
    average = np.average(each.sum(axis=1), weights=samples.weights)
    return float(average), bool(np.any(right <= _EPSILON))
