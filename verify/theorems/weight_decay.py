"""Theorem `weight_decay`: a penalty on the weights keeps them bounded for ever, so boundedness is proved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down, round_up, sqrt_up
from verify.outcomes import Verdict
from verify.theorems.heavy_ball import start_energy
from verify.theorems.numbers import not_negative, positive
from verify.theorems.ranges import lasting_range_of


@dataclass(frozen=True)
class WeightDecay:
    """What theorem `weight_decay` says of a setting.

    Parameters
    ----------
    theorem : str
        Range that the setting is in.
    verdict : Verdict
        PROVED: every iterate has |w| <= sublevel_radius, and E_lam (V for the heavy ball) never increases.
        UNDECIDED: the region where L holds does not reach beyond the sublevel set.
    sublevel_radius : float
        sqrt(2 E_lam(w_0)/lam), rounded up.
    gain : float
        c, or S for the heavy ball, rounded down.
    previous_step : float
        Upper bound of |D_0|; other than 0 for the heavy ball alone.
    """

    theorem: str
    verdict: Verdict
    sublevel_radius: float
    gain: float
    previous_step: float = 0.0


@certified_environment(products=False)
def sublevel_radius(error_upper: Any, weight_decay: Any) -> float:
    """Return rho_0 = sqrt(2 E_lam(w_0)/lam), rounded up: E_lam(w) <= E_lam(w_0) implies |w| <= rho_0.

    Parameters
    ----------
    error_upper : float
        Upper bound of E_lam(w_0) = E(w_0) + lam/2 |w_0|^2.
    weight_decay : float
        lam > 0.

    Raises
    ------
    InputError
        If a number is not finite or has the wrong sign.

    Examples
    --------
    >>> sublevel_radius(2.0, 0.25)
    4.0
    """
    return round_up(sqrt_up(2 * not_negative(error_upper, "error_upper") / positive(weight_decay, "weight_decay")))


@certified_environment(products=False)
def weight_decay(
    L: Any,
    error_upper: Any,
    weight_decay: Any,
    eta: Any,
    momentum: Any,
    radius: Any,
    theorem: str = "sharp",
    previous_step: Any = 0.0,
) -> WeightDecay:
    """Decide whether the weights stay in |w| <= rho_0 for ever, with an error that never increases.

    Inside |w| <= radius no point of a step's segment has a larger E_lam than w_0, so the segment stays in the sublevel
    set, which lies in |w| <= rho_0 < radius: it cannot reach the sphere. The heavy ball with a previous step has
    V_0 = E_lam(w_0) + mu/(2 eta) |D_0|^2 for E_lam(w_0).

    Parameters
    ----------
    L : float
        Upper bound of ||Hess E_lam||, weight decay included, on |w| <= radius, or where E_lam <= level there, for a
        level above E_lam(w_0), or V_0.
    error_upper : float
        Upper bound of E_lam(w_0), weight decay included; E is not negative.
    weight_decay : float
        lam > 0.
    eta, momentum : float
        Setting of the range.
    radius : float
        Must exceed rho_0.
    theorem : {"sharp", "triangle", "from_rest", "restart", "heavy_ball"}
        ``"from_rest"`` starts at rest, D_0 = 0, and so does the heavy ball without a previous step.
    previous_step : float
        Upper bound of |D_0|, for the heavy ball: the step before the first one. Default: at rest.

    Returns
    -------
    WeightDecay

    Raises
    ------
    InputError
        If the setting is outside the range of its theorem or a number has the wrong sign.

    Examples
    --------
    >>> weight_decay(1.0, 2.0, 0.25, eta=1.0, momentum=0.5, radius=4.5).verdict.value
    'PROVED'
    >>> weight_decay(1.0, 2.0, 0.25, eta=1.0, momentum=0.5, radius=4.0).verdict.value
    'UNDECIDED'
    """
    admissible = lasting_range_of(theorem)
    setting = admissible.checked(L, eta, momentum)
    penalty = positive(weight_decay, "weight_decay")
    upper = start_energy(theorem, not_negative(error_upper, "error_upper"), *setting[1:], previous_step)
    beyond = penalty * positive(radius, "radius") ** 2 > 2 * upper
    return WeightDecay(
        theorem=theorem,
        verdict=Verdict.PROVED if beyond else Verdict.UNDECIDED,
        sublevel_radius=sublevel_radius(upper, penalty),
        gain=round_down(admissible.exact_gain(*setting)),
        previous_step=round_up(not_negative(previous_step, "previous_step")),
    )
