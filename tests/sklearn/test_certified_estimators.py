"""Certified estimators: scikit-learn's own checks, and nothing in a certificate that was not proved."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

import verify
from verify.arithmetic import arb
from verify.sklearn import CertifiedMLPClassifier, CertifiedMLPRegressor
from verify.training.session import Session

RNG = np.random.default_rng(1)
X = RNG.normal(size=(10, 2))
NUMBERS = X[:, 0] * X[:, 1]
WORDS = np.where(X[:, 0] > X[:, 1], "up", "down")
CERTIFIED = (CertifiedMLPRegressor, CertifiedMLPClassifier)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


@parametrize_with_checks(
    [CertifiedMLPRegressor((), alpha=0.1, max_iter=1), CertifiedMLPClassifier((2,), alpha=1.0, max_iter=1)]
)
def test_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


def targets(kind: type) -> np.ndarray:
    return NUMBERS if issubclass(kind, MLPRegressor) else WORDS


@pytest.mark.parametrize("rule", ["guarded", "certified"])
@pytest.mark.parametrize("kind", CERTIFIED)
def test_what_is_certified_holds_in_arb(kind: type, rule: str) -> None:
    y = targets(kind)
    model = kind((3,), rule=rule, alpha=0.5, max_iter=3, tol=0.0, random_state=0).fit(X, y)
    certificate = model.certificate_
    assert (certificate.verdict, certificate.steps) == (verify.Verdict.PROVED, 3)
    assert sum(certificate.evidence.values()) == model.n_iter_ == len(model.loss_curve_) - 1 == 3
    assert not certificate.converged
    first = MLPRegressor if kind is CertifiedMLPRegressor else MLPClassifier
    begun = first(hidden_layer_sizes=(3,), activation="tanh", solver="lbfgs", max_fun=1, alpha=0.5, random_state=0)
    begun.set_params(tol=1e6)  # scikit-learn's solver stops where it starts
    problem = verify.from_sklearn(model, X, y)
    start, end = problem.read(begun.fit(X, y)), problem.read(model)
    with arb.precision(200):
        exact = problem.error_in_arb(start), problem.error_in_arb(end)
        for (lower, upper), error in zip((certificate.start, certificate.end), exact, strict=True):
            assert lower <= error <= upper
        assert exact[0] - exact[1] >= certificate.decrease > 0
    assert model.loss_curve_[0] == problem.error(start)
    assert model.loss_ == problem.error(end)
    assert verify.decide_decrease(problem, start, end).decreases is verify.Verdict.PROVED
    assert float(problem.gradient_enclosure(end).norm().upper) == certificate.gradient_bound


@pytest.mark.parametrize("kind", CERTIFIED)
def test_convergence_is_a_proved_bound_of_the_gradient(kind: type) -> None:
    model = kind((2,), alpha=2.0, random_state=0, tol=1e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(X, targets(kind), np.arange(10.0))
    assert model.certificate_.converged
    assert model.certificate_.gradient_bound <= 1e-3
    gradient = verify.from_sklearn(model, X, targets(kind), np.arange(10.0)).gradient(
        verify.from_sklearn(model, X, targets(kind)).read(model)
    )
    assert np.linalg.norm(gradient) <= 1e-3
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        clone(model).set_params(max_iter=1, tol=0.0).fit(X, targets(kind))


def test_a_step_that_is_not_proved_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    proved = CertifiedMLPRegressor((2,), max_iter=1, random_state=0).fit(X, NUMBERS)
    taken = Session.step

    def spoilt(session: Session) -> Any:
        record = taken(session)
        if record is not None and session.index == 2:
            object.__setattr__(record, "verdict", verify.Verdict.UNDECIDED)
        return record

    monkeypatch.setattr(Session, "step", spoilt)
    model = CertifiedMLPRegressor((2,), max_iter=9, random_state=0).fit(X, NUMBERS)
    assert model.n_iter_ == model.certificate_.steps == 1
    assert model.certificate_.stopped == "no decrease can be proved any more"
    for one, other in zip(model.coefs_, proved.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_nothing_is_proved_of_a_fit_without_a_step() -> None:
    model = CertifiedMLPRegressor((2,), tol=1e6, random_state=0).fit(X, NUMBERS)
    certificate = model.certificate_
    assert (certificate.verdict, certificate.steps, certificate.decrease) == (verify.Verdict.UNDECIDED, 0, 0.0)
    assert certificate.converged


@pytest.mark.parametrize("error", [KeyboardInterrupt, verify.InputError("x", x=1, remedy="y")])
def test_a_fit_that_does_not_end_leaves_no_certificate_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    model = CertifiedMLPRegressor((2,), max_iter=1, random_state=0).fit(X, NUMBERS)

    def stopped(session: Session) -> Any:
        raise error

    monkeypatch.setattr(Session, "step", stopped)
    with pytest.raises((KeyboardInterrupt, verify.InputError)):
        model.fit(X, -NUMBERS)
    assert not {"certificate_", "loss_"} & set(vars(model))
    assert not hasattr(model, "certificate_")


CHANGES: dict[str, Callable[[Any], Any]] = {
    "a weight by a hair": lambda model: model.coefs_[0].__setitem__((0, 0), np.nextafter(model.coefs_[0][0, 0], 9.0)),
    "another array": lambda model: model.coefs_.__setitem__(1, 2 * model.coefs_[1]),
    "fewer units": lambda model: setattr(model, "coefs_", [model.coefs_[0][:, :1], model.coefs_[1][:1]]),
    "another type": lambda model: setattr(model, "coefs_", [part.astype(np.float32) for part in model.coefs_]),
    "the activation": lambda model: model.set_params(activation="relu"),
    "that of the outputs": lambda model: setattr(model, "out_activation_", "tanh"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", CERTIFIED)
def test_a_network_that_was_changed_has_no_certificate(kind: type, change: str) -> None:
    model = kind((2,), max_iter=1, random_state=0).fit(X, targets(kind))
    certificate = model.certificate_
    model.coefs_ = [part.copy() for part in model.coefs_]
    model.set_params(alpha=3.0, max_iter=2)  # of the next fit
    assert model.certificate_ is certificate
    CHANGES[change](model)
    with pytest.raises(verify.InputError, match="the network was changed after its fit") as refused:
        _ = model.certificate_
    assert "\n" not in str(refused.value)
    model.fit(X, targets(kind))
    assert model.certificate_.steps <= 2


@pytest.mark.parametrize("where", ["X", "y", "sample_weight"])
def test_numbers_that_scikit_learn_would_round_are_refused(where: str) -> None:
    given = {"X": np.array([[0], [1]]), "y": np.array([0, 1]), "sample_weight": np.array([0, 1])}
    given[where] = given[where] + 2**53
    with pytest.raises(
        verify.InputError, match=rf"^{where}\[1\].*not exactly a float64 number: value=9007199254740993"
    ):
        CertifiedMLPRegressor((2,), max_iter=1, random_state=0).fit(**given)


@pytest.mark.parametrize("kind", CERTIFIED)
def test_a_fit_is_reproducible_and_survives_a_pickle(kind: type) -> None:
    y = targets(kind)
    model = kind((2,), activation="relu", max_iter=2, random_state=3).fit(X, y)
    again = pickle.loads(pickle.dumps(clone(model).fit(X, y)))  # noqa: S301 -- written in this line
    assert again.certificate_ == model.certificate_
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert json.loads(json.dumps(model.certificate_.to_json()))["verdict"] == "PROVED"
    assert "PROVED" in model.certificate_._repr_html_()
    assert 0 <= model.score(X, y) <= 1


def test_probabilities_stand_in_the_order_of_the_classes() -> None:
    y = np.array(["b", "c", "a"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    model = CertifiedMLPClassifier((), alpha=0.01, random_state=0).fit(X, y)
    assert model.classes_.tolist() == ["a", "b", "c"]
    p = model.predict_proba(X)
    assert p.shape == (10, 3)
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    marks = (X > 0).astype(int)
    assert CertifiedMLPClassifier((), max_iter=2, random_state=0).fit(X, marks).predict_proba(X).shape == (10, 2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rule": "certified", "activation": "relu"}, "rule='guarded'"),
        ({"rule": "fixed"}, "rule"),
        ({"hidden_layer_sizes": (3, 0)}, "at least 1"),
        ({"alpha": -1.0}, "alpha"),
        ({"alpha": float("nan")}, "alpha"),
        ({"tol": -1.0}, "tol"),
        ({"max_iter": 0}, "max_iter"),
        ({"activation": "gelu"}, "activation"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        CertifiedMLPRegressor(**settings).fit(X, NUMBERS)


@pytest.mark.parametrize("weights", [-np.ones(10), np.zeros(10), np.full(10, np.nan), np.ones(3)])
def test_weights_that_are_none_are_refused(weights: np.ndarray) -> None:
    with pytest.raises(ValueError, match="weight"):
        CertifiedMLPRegressor((2,)).fit(X, NUMBERS, weights)


def test_there_is_no_partial_fit() -> None:
    assert not hasattr(CertifiedMLPClassifier(), "partial_fit")


def test_data_that_overflow_are_refused() -> None:
    with pytest.raises(verify.InputError, match="scale the data"):
        CertifiedMLPRegressor((2,), activation="identity").fit(X * 1e200, NUMBERS * 1e200)
