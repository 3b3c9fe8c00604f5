"""Fitting a network of scikit-learn by training in which every step is proved to decrease its error."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import float64_array
from verify.arithmetic.rational import round_down
from verify.graph.problem import GraphProblem
from verify.importers.sklearn.problem import ACTIVATIONS, network_problem
from verify.importers.sklearn.samples import EstimatorSamples, read_weights
from verify.outcomes import InputError, Verdict
from verify.sklearn.certificate import TrainingCertificate
from verify.training.session import Session
from verify.training.train import make_rule
from verify.training.trajectory import StepRecord

Activation = Literal["identity", "logistic", "tanh", "relu"]
CONVERGED = "gradient tolerance"
BUDGET = "max_iter"


class CertifiedFit(BaseEstimator):
    """`fit` of the certified estimators, to be put before one of scikit-learn's networks.

    From that class come the first weights, which depend on ``random_state`` as they do there, and all that is asked of
    a fitted network.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "rule": [StrOptions({"guarded", "certified"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }
    solver: ClassVar[str] = "lbfgs"
    warm_start: ClassVar[bool] = False
    early_stopping: ClassVar[bool] = False

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: Activation = "tanh",
        *,
        alpha: float = 0.0001,
        rule: Literal["guarded", "certified"] = "guarded",
        max_iter: int = 200,
        tol: float = 1e-4,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.rule = rule
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @property
    def partial_fit(self) -> Any:
        """Not offered: a mini-batch's error is another one than the fit's."""
        raise AttributeError("partial_fit: every step of a certified fit is about the error of all samples")

    @property
    def certificate_(self) -> TrainingCertificate:
        """What the last `fit` proved of the weights that it left, as long as they are the estimator's.

        Raises
        ------
        InputError
            If the network is another one than was fitted: weights or activation were changed.
        """
        if "_certificate" not in vars(self):
            raise AttributeError("certificate_: no fit has ended")
        certificate, fitted = self._certificate
        if _fingerprint(self) != fitted:
            raise InputError(
                "the network was changed after its fit, of which the certificate speaks",
                estimator=type(self).__name__,
                remedy="fit again; verify.from_sklearn(estimator, X, y) makes a problem of the network as it is now",
            )
        return certificate

    @certified_environment()
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train until |grad E| is proved to be at most ``tol``; every step is proved to decrease E, or is not taken.

        Parameters
        ----------
        X : array or sparse matrix, shape (n, features)
        y : array
            Numbers, (n,) or (n, outputs); of a classifier classes, or rows of indicators.
        sample_weight : array, shape (n,), optional
            Not negative, not all zero.

        Returns
        -------
        self
        """
        self._validate_params()
        if self.rule == "certified" and self.activation == "relu":
            remedy = "use rule='guarded', or a smooth activation"
            raise InputError("a kink has no segment bound", rule=self.rule, activation=self.activation, remedy=remedy)
        for name in ("_certificate", "loss_curve_", "loss_", "best_loss_", "n_iter_", "t_"):
            self.__dict__.pop(name, None)  # of an earlier fit: a fit that fails or is interrupted has proved nothing
        x, targets = self._validate_input(X, y, False, reset=True)
        for part, where in ((X, "X"), (y, "y"), (sample_weight, "sample_weight")):
            _require_float64(part, where)
        problem = self._problem(x, targets, sample_weight)
        session = Session(problem, make_rule(self.rule, problem=problem), gradient_tolerance=self.tol)
        start = problem.error_enclosure(session.weights)
        errors, records, weights, stopped = _train(session, self.max_iter)
        problem.write(self, weights)
        certificate = _certificate(problem, weights, start, records, stopped, self.tol)
        self._certificate = certificate, _fingerprint(self)
        self.loss_curve_ = [*errors, problem.error(weights)]
        self.loss_ = self.best_loss_ = self.loss_curve_[-1]
        self.n_iter_, self.t_ = len(records), len(records) * len(problem.constants["inputs"])
        if not certificate.converged:
            warnings.warn(f"the gradient is not proved to be at most tol={self.tol}: {stopped}", ConvergenceWarning, 2)
        return self

    def _problem(self, X: Any, y: Any, sample_weight: Any) -> GraphProblem:
        x = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)
        targets = np.asarray(y, dtype=np.float64).reshape(len(x), -1)
        if sample_weight is not None:
            sample_weight = read_weights(_check_sample_weight(sample_weight, x, dtype=np.float64), len(x))
        sizes = self.hidden_layer_sizes
        hidden = [int(size) for size in np.atleast_1d(np.asarray(sizes, dtype=object))]
        if any(size < 1 for size in hidden):
            raise InputError("a layer needs a unit", hidden_layer_sizes=hidden, remedy="use sizes of at least 1")
        self._random_state = check_random_state(self.random_state)
        self._initialize(targets, [x.shape[1], *hidden, targets.shape[1]], np.float64)
        return network_problem(self, EstimatorSamples(x, targets, sample_weight, self.out_activation_), points=1)


def _fingerprint(network: Any) -> str:
    """Return a hash of all that the function of a network depends on."""
    digest = hashlib.sha256(repr((network.activation, network.out_activation_)).encode())
    for part in (*network.coefs_, *network.intercepts_):
        array = np.ascontiguousarray(part)
        digest.update(repr((array.shape, array.dtype.str)).encode() + array.tobytes())
    return digest.hexdigest()


def _require_float64(part: Any, where: str) -> None:
    """Refuse numbers that equal no float64, which scikit-learn rounds.

    Raises
    ------
    InputError
        At the first of them.
    """
    is_sparse: bool = issparse(part)
    numbers = np.asarray(part.tocoo().data if is_sparse else part)
    if numbers.dtype.kind in "iuf":
        float64_array(numbers, where)


def _train(session: Session, most: int) -> tuple[list[float], list[StepRecord], np.ndarray, str]:
    """Return the errors before each step, the steps that are proved, the weights after them, and why they end."""
    errors: list[float] = []
    records: list[StepRecord] = []
    weights = session.weights
    while len(records) < most:
        record = session.step()
        if record is None:
            return errors, records, weights, session.stopped or ""
        if not (record.verdict is Verdict.PROVED and record.decrease > 0):
            return errors, records, weights, "no decrease can be proved any more"
        errors.append(session.error)
        records.append(record)
        weights = session.weights
    return errors, records, weights, BUDGET


def _certificate(
    problem: GraphProblem,
    weights: np.ndarray,
    start: tuple[float, float],
    records: list[StepRecord],
    stopped: str,
    tol: float,
) -> TrainingCertificate:
    steepest = float(problem.gradient_enclosure(weights).norm().upper)
    return TrainingCertificate(
        verdict=Verdict.PROVED if records else Verdict.UNDECIDED,
        steps=len(records),
        evidence=dict(Counter(record.evidence for record in records)),
        start=start,
        end=problem.error_enclosure(weights),
        decrease=round_down(sum((Fraction(record.decrease) for record in records), Fraction(0))),
        gradient_bound=steepest if math.isfinite(steepest) else math.inf,
        converged=steepest <= tol,
        stopped=stopped,
    )
