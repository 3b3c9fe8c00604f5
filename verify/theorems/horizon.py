"""Theorem `horizon`: for a number of steps the weights stay in a ball, so boundedness is proved and not assumed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down, round_up, sqrt_up
from verify.outcomes import InputError, Verdict
from verify.theorems.heavy_ball import start_energy
from verify.theorems.numbers import curvature, error_gap, exact, not_negative, positive, steps_count
from verify.theorems.ranges import lasting_range_of


@dataclass(frozen=True)
class Horizon:
    """What theorem `horizon` says of a setting on the ball |w - w_0| <= radius.

    Parameters
    ----------
    theorem : str
        Range that the setting is in: ``"sharp"``, ``"triangle"`` or ``"heavy_ball"``.
    verdict : Verdict
        PROVED: w_1, ..., w_K stay in the ball and the error (V for the heavy ball) does not increase in any of
        these steps. UNDECIDED: the inequality fails, which refutes nothing.
    steps : int
        K.
    largest_steps : int or None
        Largest K that is proved; None if there is no limit, since nothing is left to gain and no step moves.
    gain : float
        c, or S for the heavy ball, rounded down.
    required_radius : float
        Radius that K steps need, rounded up.
    previous_step : float
        Upper bound of |D_0|; other than 0 for the heavy ball alone.
    """

    theorem: str
    verdict: Verdict
    steps: int
    largest_steps: int | None
    gain: float
    required_radius: float
    previous_step: float = 0.0


@certified_environment(products=False)
def horizon(
    L: Any,
    error_upper: Any,
    error_infimum: Any,
    eta: Any,
    momentum: Any,
    radius: Any,
    steps: int,
    theorem: str = "sharp",
    previous_step: Any = 0.0,
) -> Horizon:
    """Decide whether K steps stay in the ball |w - w_0| <= radius.

    The steps D_k satisfy sum |D_k|^2 <= q (E(w_0) - E_inf), q = (eta + tau)^2/c for adaptive momentum and 1/S for
    the heavy ball, so by Cauchy-Schwarz K of them travel at most sqrt(K q (E(w_0) - E_inf)). The induction that keeps
    the segments inside (by theorem `star_shape`) needs a positive gain; where the momentum is adaptive, that implies
    tau < eta, also needed. The heavy ball with a previous step has V_0 = E(w_0) + mu/(2 eta) |D_0|^2 for E(w_0).

    Parameters
    ----------
    L : float
        Upper bound of ||Hess E|| on the ball, or where E <= level there, for a level above E(w_0), or V_0.
    error_upper : float
        Upper bound of E(w_0).
    error_infimum : float
        Lower bound of E on the ball, e.g. `error_lower_bound`, or 0.
    eta, momentum : float
        Setting of the range, with a positive gain.
    radius : float
    steps : int
        K.
    theorem : {"sharp", "triangle", "from_rest", "restart", "heavy_ball"}
        ``"from_rest"`` starts at rest, D_0 = 0, and so does the heavy ball without a previous step.
    previous_step : float
        Upper bound of |D_0|, for the heavy ball: the step before the first one. Default: at rest.

    Returns
    -------
    Horizon

    Raises
    ------
    InputError
        If the setting is outside the range or gains nothing, or the bounds of the error contradict each other.

    Examples
    --------
    >>> horizon(1.0, 0.5, 0.0, eta=0.5, momentum=0.25, radius=3.0, steps=4)
    Horizon(theorem='sharp', verdict=<Verdict.PROVED: 'PROVED'>, steps=4, largest_steps=7, gain=0.21875,
            required_radius=2.2677868380553634, previous_step=0.0)
    """
    admissible = lasting_range_of(theorem)
    setting = admissible.with_gain(L, eta, momentum)
    quotient = admissible.squared_step_per_decrease(*setting)
    upper = start_energy(theorem, error_upper, *setting[1:], previous_step)
    gap, room, count = error_gap(upper, error_infimum), positive(radius, "radius"), steps_count(steps)
    limit = None if gap == 0 else math.floor(room**2 / (quotient * gap))
    proved = limit is None or count <= limit
    return Horizon(
        theorem=theorem,
        verdict=Verdict.PROVED if proved else Verdict.UNDECIDED,
        steps=count,
        largest_steps=limit,
        gain=round_down(admissible.exact_gain(*setting)),
        required_radius=round_up(sqrt_up(count * quotient * gap)),
        previous_step=round_up(not_negative(previous_step, "previous_step")),
    )


@certified_environment(products=False)
def error_lower_bound(error_lower: Any, gradient_upper: Any, radius: Any, L: Any, least: Any = 0.0) -> float:
    """Return a lower bound of E on the ball: max(least, E(w_0) - |g_0| radius - L radius^2/2), rounded down.

    Parameters
    ----------
    error_lower : float
        Lower bound of E(w_0).
    gradient_upper : float
        Upper bound of |grad E(w_0)|; with infinity, which says nothing, the bound is `least`.
    radius : float
    L : float
        Upper bound of ||Hess E|| on the ball.
    least : float
        A number that E is nowhere below; minus infinity if none is known.

    Raises
    ------
    InputError
        If a number is not finite or has the wrong sign.

    Examples
    --------
    >>> error_lower_bound(1.0, 2.0, 0.25, 4.0)
    0.375
    """
    room = positive(radius, "radius")
    if gradient_upper == math.inf:
        return float(least)
    slope = not_negative(gradient_upper, "gradient_upper")
    if least == -math.inf:
        return round_down(exact(error_lower, "error_lower") - slope * room - curvature(L) * room**2 / 2)
    floor = exact(least, "least")
    above = not_negative(exact(error_lower, "error_lower") - floor, "error_lower - least")
    return round_down(floor + max(Fraction(0), above - slope * room - curvature(L) * room**2 / 2))


@certified_environment(products=False)
def largest_eta(
    L: Any,
    error_upper: Any,
    error_infimum: Any,
    radius: Any,
    steps: int,
    momentum: Any = Fraction(1, 2),
    theorem: str = "sharp",
    previous_step: Any = 0.0,
) -> tuple[float, float]:
    """Return the largest learning rate, with its momentum, for which K steps are proved to stay in the ball.

    Parameters
    ----------
    L, error_upper, error_infimum, radius, steps
        As in `horizon`.
    momentum : float
        tau/eta, in [0, 1) for `sharp`, or mu in [0, 1) for the heavy ball.
    theorem : {"sharp", "from_rest", "restart", "heavy_ball"}
    previous_step : float
        Upper bound of |D_0|, for the heavy ball: the step before the first one. Default: at rest.

    Returns
    -------
    tuple of float
        (eta, tau) or (eta, mu), rounded down, so that `horizon` proves the steps.

    Raises
    ------
    InputError
        If the momentum is out of range or there is no such learning rate among the float64 numbers.

    Notes
    -----
    With tau = b eta and G = K (E(w_0) - E_inf)/radius^2, c is the smaller of (1 - b) eta - L (1 - b)^2 eta^2/2 and
    (1 + b) eta - L (1 + b)^2 eta^2/2, so (eta + tau)^2 G <= c bounds eta by the smaller of
    (1 - b)/((1 + b)^2 G + L (1 - b)^2/2) and 1/((1 + b)(G + L/2)). For the heavy ball G <= S bounds it by
    (1 - mu)/(G + L/2), with a previous step by (1 - mu - K mu |D_0|^2/(2 radius^2))/(G + L/2). For `from_rest` and
    `restart` G <= M - L/2 with M = 1/(eta max(1 + b, 1 + b^2)), and M >= L for the former.

    Examples
    --------
    >>> largest_eta(1.0, 0.5, 0.0, radius=3.0, steps=7, momentum=0.5)
    (0.5, 0.25)
    """
    bound, part = curvature(L), not_negative(momentum, "momentum")
    if part >= 1 and theorem not in ("from_rest", "restart"):
        raise InputError(
            "the momentum must be below 1 as a part of eta, or as mu",
            momentum=float(part),
            remedy="use a smaller momentum",
        )
    room, count = positive(radius, "radius"), steps_count(steps)
    pull = count * error_gap(error_upper, error_infimum) / room**2
    match theorem:
        case "sharp":
            short = (1 - part) / ((1 + part) ** 2 * pull + bound * (1 - part) ** 2 / 2)
            limit = min(short, 1 / ((1 + part) * (pull + bound / 2)))
        case "from_rest" | "restart":
            paid = max(bound, pull + bound / 2) if theorem == "from_rest" else pull + bound / 2
            limit = 1 / (max(1 + part, 1 + part**2) * paid)
        case "heavy_ball":
            travelled = start_energy(theorem, 0, Fraction(1), part, previous_step)
            limit = (1 - part - count * travelled / room**2) / (pull + bound / 2)
        case _:
            able = "'sharp', 'from_rest', 'restart' or 'heavy_ball'"
            raise InputError("unknown theorem", theorem=theorem, remedy=f"use {able}")
    if theorem != "heavy_ball":
        start_energy(theorem, 0, Fraction(1), part, previous_step)
    eta = round_down(limit)
    if pull == 0 and eta == limit:
        eta = math.nextafter(eta, 0.0)
    if eta <= 0.0:
        raise InputError("no learning rate keeps so many steps in the ball", steps=count, remedy="use fewer steps")
    size = part if theorem == "heavy_ball" else Fraction(eta) * part
    return eta, round_down(size)
