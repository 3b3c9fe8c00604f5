"""`verify.from_sklearn`: the error that scikit-learn descends along, held against its own loss and gradient."""

from __future__ import annotations

import warnings
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.sparse import csr_matrix
from sklearn.linear_model import LinearRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor

import verify
from verify.importers.sklearn import problem as importer

RNG = np.random.default_rng(0)
X = RNG.normal(size=(12, 3))
WEIGHTS = RNG.integers(0, 3, size=12) + 0.25
NUMBERS = X[:, 0] ** 2
LETTERS = np.array(list("cab"))[np.digitize(X[:, 0], [-0.5, 0.5])]
TWO = np.where(X[:, 0] > 0, "yes", "no")
MARKS = (X[:, :2] > 0).astype(int)
SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (3, 2), "solver": "lbfgs", "max_iter": 8, "random_state": 0}


def fit(kind: type, y: Any, sample_weight: Any = None, **settings: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind(**{**SETTINGS, **settings}).fit(X, y, sample_weight)


def loss_by_hand(estimator: Any, y: np.ndarray, weights: np.ndarray) -> float:
    """The documented error, from what the estimator predicts."""
    if isinstance(estimator, MLPRegressor):
        each = 0.5 * ((estimator.predict(X).reshape(12, -1) - y.reshape(12, -1)) ** 2).sum(axis=1)
    elif estimator.out_activation_ == "softmax" or estimator.n_outputs_ == 1:
        right = [list(estimator.classes_).index(label) for label in y]
        each = -np.log(estimator.predict_proba(X)[np.arange(12), right])
    else:
        p = estimator.predict_proba(X)
        each = -np.log(np.where(y == 1, p, 1 - p)).sum(axis=1)
    penalty = 0.5 * estimator.alpha * sum((c**2).sum() for c in estimator.coefs_)
    return float((each @ weights + penalty) / weights.sum())


@pytest.mark.parametrize("sample_weight", [None, WEIGHTS])
@pytest.mark.parametrize(
    ("kind", "y"),
    [
        (MLPRegressor, NUMBERS),
        (MLPRegressor, np.c_[NUMBERS, X[:, 1]]),
        (MLPClassifier, TWO),
        (MLPClassifier, LETTERS),
        (MLPClassifier, MARKS),
    ],
)
def test_the_error_is_the_documented_one(kind: type, y: np.ndarray, sample_weight: Any) -> None:
    estimator = fit(kind, y, sample_weight, activation="tanh", alpha=0.5)
    problem = verify.from_sklearn(estimator, X, y, sample_weight)
    weights = np.ones(12) if sample_weight is None else sample_weight
    assert problem.error(problem.read(estimator)) == pytest.approx(loss_by_hand(estimator, y, weights), rel=1e-12)
    if y.ndim == 1 or kind is MLPClassifier:
        assert problem.error(problem.initial_weights) == pytest.approx(estimator.loss_, rel=1e-12)
    assert check_grad(problem.error, problem.gradient, problem.initial_weights) < 1e-5
    decay = float(Fraction(1, 2) / Fraction(weights.sum()))
    assert problem.weight_decay == {f"coefs_[{layer}]": decay for layer in range(3)}


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_every_activation_is_imported_and_trained_on(activation: str) -> None:
    estimator = fit(MLPClassifier, LETTERS, activation=activation, hidden_layer_sizes=(4,))
    problem = verify.from_sklearn(estimator, X, LETTERS, name="letters")
    run = verify.train(problem, steps=2, rule="guarded")
    assert {verdict.name for verdict in run.verdicts} == {"PROVED"}
    problem.write(estimator, run.weights)
    np.testing.assert_array_equal(problem.read(estimator), run.weights)
    assert verify.from_sklearn(estimator, X, LETTERS).error(run.weights) == problem.error(run.weights)


def test_a_step_has_a_certificate_with_the_decay_of_each_parameter() -> None:
    estimator = fit(MLPRegressor, NUMBERS, activation="tanh", hidden_layer_sizes=(2,), alpha=3.0)
    certificate = verify.certify(verify.from_sklearn(estimator, X, NUMBERS), "step")
    assert certificate["objective"]["weight_decay"] == dict.fromkeys(("coefs_[0]", "coefs_[1]"), (0.25).hex())
    assert verify.check_certificate(certificate)["verdict"] == "PROVED"
    certificate["objective"]["weight_decay"]["intercepts_[1]"] = (64.0).hex()
    assert verify.check_certificate(certificate)["verdict"] != "PROVED"


def test_float32_and_sparse_are_read_exactly_and_written_rounded() -> None:
    narrow = X.astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = MLPRegressor(hidden_layer_sizes=(), max_iter=2, random_state=0).fit(csr_matrix(narrow), NUMBERS)
    before = estimator.coefs_[0]
    kept = before.copy()
    problem = verify.from_sklearn(estimator, csr_matrix(narrow), NUMBERS)
    np.testing.assert_array_equal(problem.constants["inputs"], narrow)
    problem.write(estimator, problem.initial_weights + 1 / 3)
    assert estimator.coefs_[0].dtype == np.float32
    np.testing.assert_array_equal(estimator.coefs_[0].ravel(), (problem.initial_weights[:3] + 1 / 3).astype(np.float32))
    np.testing.assert_array_equal(before, kept)


def test_a_capped_loss_is_compared_by_its_gradient() -> None:
    estimator = fit(MLPClassifier, TWO, hidden_layer_sizes=())
    estimator.coefs_[0] *= 1e4
    wrong = np.where(TWO == "yes", "no", "yes")
    problem = verify.from_sklearn(estimator, X, wrong)
    assert problem.error(problem.initial_weights) > -np.log(2.0**-52)


def test_a_probability_near_one_has_lost_the_digits_of_its_complement() -> None:
    estimator = fit(MLPClassifier, TWO, hidden_layer_sizes=())
    estimator.coefs_[0] = np.array([[0.0], [0.0], [0.0]])
    for height in (1.0, 15.0, 30.0, 36.0):
        estimator.intercepts_[0] = np.array([height])
        assert verify.from_sklearn(estimator, X, TWO).size == 4


@pytest.mark.parametrize("spoilt", ["loss", "coefs", "intercepts"])
def test_another_loss_or_gradient_than_the_estimators_is_refused(spoilt: str) -> None:
    class Other(MLPClassifier):
        def _backprop(self, X: Any, y: Any, sample_weight: Any, *buffers: Any) -> Any:
            loss, coefs, intercepts = super()._backprop(X, y, sample_weight, *buffers)
            if spoilt == "loss":
                return loss + 1e-9, coefs, intercepts
            (coefs if spoilt == "coefs" else intercepts)[0] *= 1 + 1e-9
            return loss, coefs, intercepts

    with pytest.raises(verify.InputError, match="not scikit-learn's"):
        verify.from_sklearn(fit(Other, LETTERS, hidden_layer_sizes=(2,)), X, LETTERS)


@pytest.mark.parametrize("missing", ["gone", "other arguments"])
def test_a_scikit_learn_without_that_function_is_refused(missing: str) -> None:
    class Other(MLPRegressor):
        _backprop = None if missing == "gone" else lambda self: None

    estimator = fit(MLPRegressor, NUMBERS)
    estimator.__class__ = Other
    with pytest.raises(verify.InputError, match="cannot be asked"):
        verify.from_sklearn(estimator, X, NUMBERS)


class Table:
    """What a data frame shows of itself."""

    def __init__(self, columns: list[str]) -> None:
        self.columns = columns

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return X.astype(dtype)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"estimator": LinearRegression()}, "not a network of scikit-learn"),
        ({"estimator": MLPRegressor()}, "call fit"),
        ({"X": X[:, :2]}, "X does not fit"),
        ({"X": X[:0], "y": NUMBERS[:0]}, "X does not fit"),
        ({"X": X[0]}, "X does not fit"),
        ({"X": np.where(X > 0, np.nan, X)}, "finite"),
        ({"y": NUMBERS[:5]}, "y does not fit"),
        ({"y": np.c_[NUMBERS, NUMBERS]}, "y does not fit"),
        ({"y": np.where(NUMBERS > 0, np.inf, 0)}, "finite"),
        ({"y": LETTERS}, "not an array of numbers"),
        ({"sample_weight": np.ones(3)}, "one weight for each"),
        ({"sample_weight": -WEIGHTS}, "not negative"),
        ({"sample_weight": np.zeros(12)}, "not all zero"),
        ({"sample_weight": np.full(12, np.nan)}, "finite"),
        ({"sample_weight": np.full(12, 1e308)}, "finite"),
        ({"loss": "poisson"}, "a loss without a counterpart"),
        ({"activation": "softsign"}, "an activation without a counterpart"),
        ({"alpha": float("nan")}, "alpha must be finite"),
        ({"alpha": float("inf")}, "alpha must be finite"),
        ({"alpha": -1.0}, "not negative"),
    ],
)
def test_what_does_not_fit_is_one_line(change: dict[str, Any], words: str) -> None:
    estimator = change.pop("estimator", None) or fit(MLPRegressor, NUMBERS)
    attributes = {key: change.pop(key) for key in ("loss", "activation", "alpha") if key in change}
    for key, value in attributes.items():
        setattr(estimator, key, value)
    with pytest.raises(verify.InputError, match=words) as caught:
        verify.from_sklearn(estimator, **{"X": X, "y": NUMBERS, **change})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.where(LETTERS == "a", "d", LETTERS), "does not know"),
        (MARKS, "cannot be read"),
        (NUMBERS, "cannot be read|does not know"),
    ],
)
def test_classes_that_the_estimator_does_not_know_are_refused(y: np.ndarray, words: str) -> None:
    with pytest.raises(verify.InputError, match=words):
        verify.from_sklearn(fit(MLPClassifier, LETTERS), X, y)


def test_columns_in_another_order_are_refused() -> None:
    estimator = fit(MLPRegressor, NUMBERS)
    estimator.feature_names_in_ = np.array(["a", "b", "c"], dtype=object)
    assert verify.from_sklearn(estimator, Table(["a", "b", "c"]), NUMBERS).size > 0
    with pytest.raises(verify.InputError, match="other columns"):
        verify.from_sklearn(estimator, Table(["a", "c", "b"]), NUMBERS)


def test_another_network_cannot_be_read_or_written() -> None:
    problem = verify.from_sklearn(fit(MLPRegressor, NUMBERS), X, NUMBERS)
    other = fit(MLPRegressor, NUMBERS, hidden_layer_sizes=(2, 3))
    for call in (lambda: problem.read(other), lambda: problem.write(other, problem.initial_weights)):
        with pytest.raises(verify.InputError, match="another network"):
            call()


def test_the_comparison_is_not_vacuous(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(importer.ACTIVATIONS, "tanh", "sigmoid")
    with pytest.raises(verify.InputError, match="not scikit-learn's"):
        verify.from_sklearn(fit(MLPRegressor, NUMBERS, activation="tanh"), X, NUMBERS)
