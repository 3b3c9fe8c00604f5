"""Inputs and targets in the form in which scikit-learn's networks are trained on them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import label_binarize
from sklearn.utils.multiclass import unique_labels

from verify.arithmetic.floats import float64_array
from verify.outcomes import InputError

Output = Literal["identity", "logistic", "softmax"]


@dataclass(frozen=True)
class EstimatorSamples:
    """What a network's error is about.

    Parameters
    ----------
    x : array, shape (n, features)
    targets : array, shape (n, outputs)
        Numbers, or for classifiers 0 and 1, in the order of ``classes_``; one column for two classes.
    weights : array, shape (n,), or None
        Of the samples.
    output : {"identity", "logistic", "softmax"}
        The function of the last layer, which goes with the loss.
    """

    x: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None
    output: Output

    @property
    def total_weight(self) -> float:
        """What scikit-learn divides by: the sum of the sample weights, rounded once, or n."""
        return float(len(self.x)) if self.weights is None else math.fsum(self.weights)


def read_samples(
    estimator: MLPRegressor | MLPClassifier, X: Any, y: Any, sample_weight: Any = None
) -> EstimatorSamples:
    """Return the samples of a fitted estimator.

    Raises
    ------
    InputError
        If they do not fit the estimator.
    """
    _same_features(estimator, X)
    x = float64_array(_dense(X), "X")
    features = np.asarray(estimator.coefs_[0]).shape[0]
    if x.ndim != 2 or x.shape[1] != features or not len(x):
        remedy = "give X of shape (samples, features), as it was given to fit"
        raise InputError("X does not fit the estimator", shape=x.shape, features=features, remedy=remedy)
    output = _output(estimator)
    targets = _numbers(y) if output == "identity" else _classes(estimator, y, output)
    outputs = np.asarray(estimator.intercepts_[-1]).size
    if targets.shape != (len(x), outputs):
        expected = (len(x), outputs)
        remedy = "give the samples that the estimator was fitted to"
        raise InputError("y does not fit the estimator and X", shape=targets.shape, expected=expected, remedy=remedy)
    return EstimatorSamples(x, targets, read_weights(sample_weight, len(x)), output)


def _dense(table: Any) -> Any:
    is_sparse: bool = issparse(table)
    return table.toarray() if is_sparse else table


def _same_features(estimator: MLPRegressor | MLPClassifier, X: Any) -> None:
    known = getattr(estimator, "feature_names_in_", None)
    if known is not None and hasattr(X, "columns") and list(X.columns) != list(known):
        remedy = "give the columns of fit in their order"
        raise InputError("other columns than those of fit", columns=list(X.columns), fitted=list(known), remedy=remedy)


def _output(estimator: MLPRegressor | MLPClassifier) -> Output:
    loss, output = estimator.loss, estimator.out_activation_
    if (loss, output) not in (("squared_error", "identity"), ("log_loss", "logistic"), ("log_loss", "softmax")):
        remedy = "use loss='squared_error'"
        raise InputError("a loss without a counterpart", loss=loss, out_activation_=output, remedy=remedy)
    found: Output = output
    return found


def _numbers(y: Any) -> np.ndarray:
    targets = float64_array(y, "y")
    return targets.reshape(-1, 1) if targets.ndim == 1 else targets


def _classes(estimator: MLPClassifier, y: Any, output: Output) -> np.ndarray:
    labels = np.asarray(_dense(y))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    try:
        unknown = np.setdiff1d(unique_labels(labels), estimator.classes_)
        indicators = label_binarize(labels, classes=estimator.classes_)
    except (ValueError, TypeError) as error:
        raise InputError(
            "y cannot be read as classes", reason=str(error), remedy="give y as it was given to fit"
        ) from None
    if unknown.size:
        raise InputError(
            "y has a class that the estimator does not know",
            y=unknown[0].item(),
            classes_=estimator.classes_.tolist(),
            remedy="give the samples that the estimator was fitted to",
        )
    return np.asarray(indicators, dtype=np.float64)


def read_weights(sample_weight: Any, count: int) -> np.ndarray | None:
    """Return weights of samples, (n,), None where none are given; one number is for all of them.

    Raises
    ------
    InputError
        If they cannot be weights.
    """
    if sample_weight is None:
        return None
    weights = float64_array(sample_weight, "sample_weight")
    if weights.ndim == 0:
        weights = np.full(count, weights)
    if weights.shape != (count,):
        remedy = "give an array with one number a sample"
        raise InputError("one weight for each sample is needed", shape=weights.shape, samples=count, remedy=remedy)
    if not (np.all(np.isfinite(weights) & (weights >= 0)) and np.any(weights > 0) and np.isfinite(weights.sum())):
        least, most = float(weights.min()), float(weights.max())
        what = "sample weights must be finite, not negative, and not all zero"
        raise InputError(what, least=least, most=most, remedy="leave out samples that are not to count")
    return weights
