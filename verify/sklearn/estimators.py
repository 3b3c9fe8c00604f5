"""scikit-learn's networks, fitted with a proof for every step."""

from __future__ import annotations

from typing import ClassVar, final

from sklearn.neural_network import MLPClassifier, MLPRegressor

from verify.sklearn.fitting import CertifiedFit

_PARAMETERS = """
    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int
    activation : {"tanh", "logistic", "identity", "relu"}
        Of the hidden layers.
    alpha : float
        Weight decay: ``alpha/(2 n) |W|^2`` is added to the error for ``coefs_``, not for ``intercepts_``.
    rule : {"guarded", "certified"}
        guarded: L-BFGS proposes, several proposals are proved together as one step; certified: the length of each step
        is proved before it is taken, for smooth activations.
    max_iter : int
        Largest number of steps.
    tol : float
        The fit ends when |grad E| (Euclidean, of all weights) is proved to be at most this.
    random_state : int, RandomState or None
        Of the first weights, which are scikit-learn's.

    Attributes
    ----------
    certificate_ : TrainingCertificate
        What was proved.
    loss_curve_ : list of float
        E before the first and after every step, in float64.
    loss_ : float
        The last of them.
    n_iter_ : int
        Steps taken.
    coefs_, intercepts_ : list of array
        Of every layer.
    n_features_in_, n_layers_, n_outputs_, out_activation_
        As scikit-learn's networks have them.
"""


@final
class CertifiedMLPRegressor(CertifiedFit, MLPRegressor):
    __doc__ = f"""A multi-layer perceptron for numbers, fitted on half the squared error; every step is proved.

    The error E is that of `verify.from_sklearn`.
{_PARAMETERS}
    Examples
    --------
    >>> from verify.sklearn import CertifiedMLPRegressor
    >>> X, y = [[0.0], [0.5], [1.0]], [0.0, 0.25, 1.0]
    >>> model = CertifiedMLPRegressor((3,), random_state=0).fit(X, y)
    >>> model.certificate_.verdict.name, model.certificate_.gradient_bound <= 1e-4
    ('PROVED', True)
    """

    loss: ClassVar[str] = "squared_error"


@final
class CertifiedMLPClassifier(CertifiedFit, MLPClassifier):
    __doc__ = f"""A multi-layer perceptron for classes, fitted on the log-loss; every step is proved.

    The error E is that of `verify.from_sklearn`.
{_PARAMETERS}
    classes_ : array
        The order of the columns of ``predict_proba``.

    Examples
    --------
    >>> from verify.sklearn import CertifiedMLPClassifier
    >>> X, y = [[0.0], [0.5], [1.0]], ["low", "low", "high"]
    >>> model = CertifiedMLPClassifier((3,), alpha=0.1, random_state=0).fit(X, y)
    >>> model.certificate_.verdict.name, model.predict([[0.1]]).tolist()
    ('PROVED', ['low'])
    """

    loss: ClassVar[str] = "log_loss"
