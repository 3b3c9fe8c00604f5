"""Theorem `convergence`: how small the gradient becomes, and when the weights converge to one point."""

from __future__ import annotations

import math
from typing import Any

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_up, sqrt_up
from verify.outcomes import Verdict
from verify.theorems.horizon import Horizon
from verify.theorems.numbers import error_gap, exact, positive, steps_count
from verify.theorems.ranges import lasting_range_of
from verify.theorems.weight_decay import WeightDecay


@certified_environment(products=False)
def gradient_bound(
    L: Any, error_upper: Any, error_infimum: Any, eta: Any, momentum: Any, steps: int, theorem: str = "sharp"
) -> float:
    """Return an upper bound of the smallest gradient norm met in K steps, min over k < K of |grad E(w_k)|.

    The gains add up to at most E(w_0) - E_inf, so sum |g_k|^2 <= q (E(w_0) - E_inf): q = 1/c for adaptive momentum,
    q = (1 + mu)^2/(eta^2 S) for the heavy ball.

    Parameters
    ----------
    L : float
        Upper bound of ||Hess E|| where the steps are.
    error_upper : float
        Upper bound of E(w_0).
    error_infimum : float
        Lower bound of E where the steps are; 0 always is one.
    eta, momentum : float
        Setting of the range, with a positive gain.
    steps : int
        K.
    theorem : {"sharp", "triangle", "from_rest", "restart", "heavy_ball"}
        ``"from_rest"`` and the heavy ball start at rest, D_0 = 0.

    Returns
    -------
    float
        Rounded up.

    Raises
    ------
    InputError
        If the setting is outside the range or gains nothing.

    Examples
    --------
    >>> gradient_bound(1.0, 0.5, 0.0, eta=1.0, momentum=0.0, steps=4)
    0.5
    """
    admissible = lasting_range_of(theorem)
    quotient = admissible.squared_gradient_per_decrease(*admissible.with_gain(L, eta, momentum))
    return round_up(sqrt_up(quotient * error_gap(error_upper, error_infimum) / steps_count(steps)))


@certified_environment(products=False)
def steps_to_gradient(
    L: Any, error_upper: Any, error_infimum: Any, eta: Any, momentum: Any, gradient_norm: Any, theorem: str = "sharp"
) -> int:
    """Return a number of steps within which some gradient is at most as long as given.

    Parameters
    ----------
    L, error_upper, error_infimum, eta, momentum, theorem
        As in `gradient_bound`.
    gradient_norm : float
        Positive.

    Returns
    -------
    int
        The smallest K >= 1 that the theorem proves.

    Raises
    ------
    InputError
        If the setting is outside the range or gains nothing.

    Examples
    --------
    >>> steps_to_gradient(1.0, 0.5, 0.0, eta=1.0, momentum=0.0, gradient_norm=0.5)
    4
    """
    admissible = lasting_range_of(theorem)
    quotient = admissible.squared_gradient_per_decrease(*admissible.with_gain(L, eta, momentum))
    norm = positive(gradient_norm, "gradient_norm")
    return max(1, math.ceil(quotient * error_gap(error_upper, error_infimum) / norm**2))


@certified_environment(products=False)
def weights_converge(
    gain: Any, bounded: WeightDecay | Horizon | None, analytic: bool, finitely_many_stationary: Verdict
) -> Verdict:
    """Conclude whether w_k converges to one stationary point.

    Needed are a positive gain, weights that stay bounded for ever (A2), and either analytic activations (theorem
    `single_limit`, which rests on Absil, Mahony and Andrews, SIAM J. Optim. 16, 2005, Thm 3.2) or finitely many
    stationary points (A3): the steps vanish, so the limit points form a connected set.

    Parameters
    ----------
    gain : float
        c, or S for the heavy ball, of a setting of the range.
    bounded : WeightDecay, Horizon or None
        Proof of A2. It must hold for ever: weight decay, or a horizon without a largest number of steps.
    analytic : bool
        Whether every activation is.
    finitely_many_stationary : Verdict
        On A3.

    Returns
    -------
    Verdict
        PROVED or UNDECIDED: the theorem does not say that the weights diverge.

    Examples
    --------
    >>> from verify.theorems.weight_decay import weight_decay
    >>> for_ever = weight_decay(1.0, 2.0, 0.25, eta=1.0, momentum=0.5, radius=4.5)
    >>> weights_converge(for_ever.gain, for_ever, True, Verdict.REFUTED).value
    'PROVED'
    >>> weights_converge(for_ever.gain, for_ever, False, Verdict.REFUTED).value
    'UNDECIDED'
    """
    isolated = analytic or finitely_many_stationary is Verdict.PROVED
    holds = exact(gain, "gain") > 0 and _for_ever(bounded) and isolated
    return Verdict.PROVED if holds else Verdict.UNDECIDED


def _for_ever(bounded: WeightDecay | Horizon | None) -> bool:
    """Whether A2 is proved for every step: K steps say nothing of the limit."""
    if bounded is None or bounded.verdict is not Verdict.PROVED:
        return False
    return isinstance(bounded, WeightDecay) or bounded.largest_steps is None
