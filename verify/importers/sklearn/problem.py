"""`verify.from_sklearn`: a fitted network of scikit-learn, with the error that scikit-learn trains it on."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.intervals import Interval
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder, Tensor
from verify.importers.agreement import require_agreement
from verify.importers.sklearn.parameters import LayerParameters, arrays, fitted
from verify.importers.sklearn.reference import reference
from verify.importers.sklearn.samples import EstimatorSamples, Output, read_samples
from verify.losses import loss
from verify.operations.elementwise import Elementwise
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.bounds.regions import Region

ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
"""scikit-learn's names of activations, and those of this package."""
LOSSES: Mapping[Output, str] = {
    "identity": "half-squared-error",
    "logistic": "sigmoid-cross-entropy",
    "softmax": "softmax-cross-entropy",
}
"""The loss that goes with the function of the last layer, on what that function is applied to."""
POINTS = 3
"""At how many weights the problem is compared with the estimator."""


@certified_environment()
def from_sklearn(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    region: Region | None = None,
    name: str | None = None,
) -> GraphProblem:
    """Return the problem of training a fitted network of scikit-learn on all of its data.

    The error is the function whose gradient scikit-learn descends along, of the exact real numbers that the weights and
    the data are:

        E = (1/n) sum over samples of the loss + alpha/(2 n) sum over ``coefs_`` of |W|^2

    with half the squared error (summed over outputs), or the log-loss (of a logistic output, of several independent
    ones, or of a softmax); intercepts do not decay. With sample weights s, n is the sum of s. The factor alpha/n is
    rounded to float64. For several outputs of a regressor scikit-learn reports the mean over outputs as its loss, but
    descends along the gradient of the sum: E is the sum. What it descends along at one step of ``sgd`` or ``adam`` is
    this function of the mini-batch, with n the size of the batch also under alpha, and with ``early_stopping`` it sees
    no more than a part of the data: E is of all samples that you give.

    The result is held against the estimator's own loss and gradient at three points; a difference that rounding does
    not explain is refused. The estimator is not changed.

    Parameters
    ----------
    estimator : MLPRegressor or MLPClassifier
        Fitted.
    X, y : array
        All samples, as they were given to ``fit``; of a classifier classes, or rows of indicators.
    sample_weight : array, shape (n,), optional
        Not negative, not all zero.
    region : Region, optional
    name : str, optional

    Returns
    -------
    GraphProblem
        Its parameters are ``coefs_[0]``, ``intercepts_[0]``, ..., its ``initial_weights`` the fitted ones;
        ``read(estimator)`` and ``write(estimator, w)`` go between the two.

    Raises
    ------
    InputError
        If the estimator is another one, is not fitted, has another loss, or the data do not fit.

    Examples
    --------
    >>> import verify
    >>> from sklearn.neural_network import MLPRegressor
    >>> X, y = [[0.0], [0.5], [1.0]], [0.0, 0.25, 1.0]
    >>> fitted = MLPRegressor(hidden_layer_sizes=(2,), solver="lbfgs", random_state=0).fit(X, y)
    >>> problem = verify.from_sklearn(fitted, X, y)
    >>> problem.weight_decay == {"coefs_[0]": 0.0001 / 3, "coefs_[1]": 0.0001 / 3}
    True
    >>> bool(abs(problem.error(problem.read(fitted)) - fitted.loss_) < 1e-12)
    True
    """
    model = fitted(estimator)
    return network_problem(model, read_samples(model, X, y, sample_weight), region=region, name=name)


def network_problem(
    model: Any,
    samples: EstimatorSamples,
    *,
    region: Region | None = None,
    name: str | None = None,
    points: int = POINTS,
) -> GraphProblem:
    """Return the problem of an estimator that has weights and samples that are read; see `from_sklearn`.

    Parameters
    ----------
    model : MLPRegressor or MLPClassifier
    samples : EstimatorSamples
    region, name
        As in `from_sklearn`.
    points : int
        At how many weights the problem is compared with the estimator.
    """
    parts = arrays(model)
    graph = _graph(parts, _activation(model), samples)
    data = {"inputs": samples.x, "targets": samples.targets}
    if samples.weights is not None:
        data["sample_weight"] = samples.weights
    decay = _decay(model.alpha, samples)
    problem = GraphProblem(
        graph,
        data,
        np.concatenate([part.ravel() for part in parts.values()]),
        {label: decay for label in parts if label.startswith("coefs_")},
        region=region,
        name=name or type(model).__name__,
        in_model=LayerParameters({label: part.shape for label, part in parts.items()}),
    )
    _check_agreement(problem, model, samples, points)
    return problem


def _decay(alpha: Any, samples: EstimatorSamples) -> float:
    value = exact_float(alpha, "alpha")
    if not (np.isfinite(value) and value >= 0):
        raise InputError("alpha must be finite and not negative", alpha=value, remedy="use alpha >= 0")
    return float(Fraction(value) / Fraction(samples.total_weight))


def _activation(estimator: Any) -> str:
    if estimator.activation not in ACTIVATIONS:
        remedy = f"use one of {', '.join(ACTIVATIONS)}"
        raise InputError("an activation without a counterpart", activation=estimator.activation, remedy=remedy)
    return ACTIVATIONS[estimator.activation]


def _graph(parts: Mapping[str, np.ndarray], activation: str, samples: EstimatorSamples) -> Any:
    builder = GraphBuilder()
    h = builder.constant("inputs", samples.x.shape)
    layers = len(parts) // 2
    for layer in range(layers):
        builder.place = f"layer {layer}"
        weight, bias = (builder.parameter(label, parts[label].shape) for label in _labels(layer))
        h = h @ weight + bias
        if layer < layers - 1 and activation != "identity":
            h = h.apply(Elementwise(activation))
    builder.place = "loss"
    return builder.build(_error(h, builder.constant("targets", samples.targets.shape), samples))


def _labels(layer: int) -> tuple[str, str]:
    return f"coefs_[{layer}]", f"intercepts_[{layer}]"


def _error(outputs: Tensor, targets: Tensor, samples: EstimatorSamples) -> Tensor:
    """Return the sum over outputs, averaged over samples: other losses of this package average over both."""
    chosen = loss(LOSSES[samples.output])
    if samples.weights is None:
        return chosen.error(outputs, targets, "sum").scale(Fraction(1, len(samples.x)))
    weights = outputs.builder.constant("sample_weight", samples.weights.shape)
    entry_wise = samples.output == "logistic"
    total = chosen.error(outputs, targets, "sum", weights.reshape((len(samples.x), 1)) if entry_wise else weights)
    return total / weights.sum()


def _check_agreement(problem: GraphProblem, estimator: Any, samples: EstimatorSamples, points: int) -> None:
    rng = np.random.default_rng(0)
    w0 = problem.initial_weights
    for point in range(points):
        w = w0 if point == 0 else w0 + 0.1 * rng.normal(size=w0.shape) * (np.abs(w0) + 0.1)
        found = reference(estimator, samples, problem.unflatten(w))
        error, gradient = problem.error_and_gradient(w)
        if not all(np.all(np.isfinite(each)) for each in (error, gradient, found.error, found.gradient)):
            raise InputError("the error or its gradient overflows", error=error, remedy="scale the data")
        lower, upper = problem.error_enclosure(w)
        remedy = "report it, with the estimator's parameters"
        words = "the problem's gradient is not scikit-learn's"
        require_agreement(found.gradient, problem.gradient_enclosure(w), gradient, words, remedy, point)
        if not found.is_capped:
            require_agreement(
                np.array([found.error]),
                Interval.from_bounds([lower], [upper]),
                np.array([error]),
                "the problem's error is not scikit-learn's loss",
                remedy,
                point,
                found.uncertainty,
            )
