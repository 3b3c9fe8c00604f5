"""The ball of a horizon certificate when learning rate, momentum and number of steps are given.

Theorem `horizon` asks for q K (E - E_inf) <= r^2 with q = (eta + tau)^2 / c and c at most eta - tau. On a small ball
E - E_inf is about |g| r + L r^2 / 2: the radius 2 q K |g| is enough while q K L <= 1, and r^2 = q K E is for any L
that leaves c positive. The smaller of both is tried; where it fails, because L is too large on it, with half of the
steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from verify.bounds.regions import Ball
from verify.certificates.horizon_search import HorizonFound, HorizonSetting, Start, settle
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.calculus.problem import Problem
    from verify.certificates.curvature_claim import CurvatureClaims

_SMALL_BALL = 2.0
_ANY_BALL = 1.25


def most_steps(
    problem: Problem,
    w: np.ndarray,
    eta: float,
    tau: float,
    wanted: int,
    claims: CurvatureClaims,
    first_guess: int | None = None,
    announce: Callable[[str], None] = lambda message: None,
) -> HorizonFound | None:
    """Return the horizon of at most `wanted` steps that is found, or None where not even one step is proved to stay.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)
        Centre of the ball.
    eta, tau : float
    wanted : int
        K, at most.
    claims : CurvatureClaims
    first_guess : int, optional
        Number of steps for which the first ball is tried; default: those wanted.
    announce : callable
        Told what is being done.
    """
    if not 0 <= tau < eta:
        return None
    start, part = Start.of(problem, w), Fraction(tau) / Fraction(eta)
    steps = wanted if first_guess is None else min(wanted, first_guess)
    while steps > 0:
        quotient = (eta + tau) ** 2 / (eta - tau) * steps
        radius = min(_SMALL_BALL * quotient * start.gradient_upper, _ANY_BALL * math.sqrt(quotient * start.error_upper))
        if 0 < radius < math.inf:
            announce(f"bounding the Hessian within the radius {radius:.3g}")
            ball = Ball(w, radius)
            try:
                farthest = settle(
                    HorizonSetting(problem, w, None, eta, tau, part), start, radius, claims.recomputed(ball)
                )
                lipschitz = max(farthest.lipschitz, claims.proved(ball))
                setting = HorizonSetting(problem, w, min(farthest.steps, wanted), eta, tau, part)
                return settle(setting, start, radius, lipschitz)
            except InputError:
                pass
        steps //= 2
    return None
