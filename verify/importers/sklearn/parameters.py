"""The parameters of a fitted network of scikit-learn: ``coefs_[i]`` (inputs, outputs) and ``intercepts_[i]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from verify.arithmetic.floats import float64_array
from verify.outcomes import InputError


def fitted(estimator: Any) -> MLPRegressor | MLPClassifier:
    """Return the estimator, if it is one of these networks and fitted.

    Raises
    ------
    InputError
        If it is not.
    """
    if not isinstance(estimator, MLPRegressor | MLPClassifier):
        raise InputError(
            "not a network of scikit-learn",
            estimator=type(estimator).__name__,
            remedy="give a fitted MLPRegressor or MLPClassifier; of a pipeline its last step, with transformed inputs",
        )
    if not hasattr(estimator, "coefs_"):
        raise InputError("not fitted yet", estimator=type(estimator).__name__, remedy="call fit(X, y) first")
    return estimator


def arrays(estimator: MLPRegressor | MLPClassifier) -> dict[str, np.ndarray]:
    """Return the parameters by label in float64, layer by layer."""
    found: dict[str, np.ndarray] = {}
    for layer, (coef, intercept) in enumerate(zip(estimator.coefs_, estimator.intercepts_, strict=True)):
        for label in (f"coefs_[{layer}]", f"intercepts_[{layer}]"):
            found[label] = float64_array(coef if label.startswith("coefs_") else intercept, label)
    return found


@final
@dataclass(frozen=True)
class LayerParameters:
    """Finds them in an estimator of these shapes.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        By label.
    """

    shapes: Mapping[str, tuple[int, ...]]

    def read(self, model: Any, labels: Sequence[str]) -> dict[str, np.ndarray]:
        return self._checked(model)

    def write(self, model: Any, parts: Mapping[str, np.ndarray]) -> None:
        """Set the parameters to new arrays of their own precision; those that were there are not written to."""
        self._checked(model)
        layers = range(len(model.coefs_))
        coefs = [parts[f"coefs_[{i}]"].astype(np.asarray(model.coefs_[i]).dtype) for i in layers]
        intercepts = [parts[f"intercepts_[{i}]"].astype(np.asarray(model.intercepts_[i]).dtype) for i in layers]
        model.coefs_, model.intercepts_ = coefs, intercepts

    def _checked(self, model: Any) -> dict[str, np.ndarray]:
        found = arrays(fitted(model))
        shapes = {label: part.shape for label, part in found.items()}
        if shapes != dict(self.shapes):
            raise InputError(
                "another network than the problem's",
                shapes=list(shapes.values()),
                expected=list(self.shapes.values()),
                remedy="give the estimator that the problem was made from",
            )
        return found
