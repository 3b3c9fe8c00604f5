"""Theorem `local_minimum`: a small gradient and positive curvature prove a minimum, and convergence to it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down, round_up
from verify.outcomes import InputError, Verdict
from verify.theorems.numbers import not_negative, positive
from verify.theorems.ranges import range_of


@dataclass(frozen=True)
class LocalMinimum:
    """What follows from m <= Hess E <= L on the ball of a radius around w_0.

    Parameters
    ----------
    verdict : Verdict
        PROVED: the ball holds exactly one stationary point x, a strict minimiser of E over it, and adaptive momentum
        with (eta, tau) started at w_0 converges to x; else UNDECIDED.
    m, L, radius, gradient_norm, eta, tau : float
        What was given.
    gain : float
        c of theorem `sharp`, rounded down.
    distance : float
        |w_0 - x| <= |grad E(w_0)| / m, rounded up.
    excess : float
        E(w_0) - E(x) <= |grad E(w_0)|^2 / (2 m), rounded up.
    rate : float
        2 m c, rounded down: E(w_k) - E(x) <= (1 - rate)^k (E(w_0) - E(x)).
    room : float
        c m radius / ((eta + tau) |grad E(w_0)|), rounded down; the theorem needs more than 1.
    remedy : str or None
    """

    verdict: Verdict
    m: float
    L: float
    radius: float
    gradient_norm: float
    eta: float
    tau: float
    gain: float
    distance: float
    excess: float
    rate: float
    room: float
    remedy: str | None


@certified_environment(products=False)
def local_minimum(m: Any, L: Any, radius: Any, gradient_norm: Any, eta: Any = None, tau: Any = None) -> LocalMinimum:
    """Apply the theorem: (eta + tau) |grad E(w_0)| < radius c m.

    Parameters
    ----------
    m, L : float
        Proved bounds of all eigenvalues of Hess E on the ball, 0 < m <= L.
    radius : float
        Of the ball around w_0.
    gradient_norm : float
        Upper bound of |grad E(w_0)|.
    eta, tau : float, optional
        A setting of theorem `sharp`; default: the recommended one, where the condition is |grad E(w_0)| < m radius / 4.

    Raises
    ------
    InputError
        If a number is not in its range, or the setting is not in that of theorem `sharp`.

    Examples
    --------
    >>> found = local_minimum(m=0.5, L=2.0, radius=1.0, gradient_norm=0.0625)
    >>> found.verdict.value, found.distance, found.excess, found.rate, found.room
    ('PROVED', 0.125, 0.00390625, 0.1875, 2.0)
    """
    least = positive(m, "m")
    size, length = positive(radius, "radius"), not_negative(gradient_norm, "gradient_norm")
    sharp = range_of("sharp")
    if (eta is None) is not (tau is None):
        raise InputError("half a setting", eta=eta, tau=tau, remedy="give both eta and tau, or neither")
    bound, rate, momentum = sharp.checked(L, *(sharp.recommended(L) if eta is None else (eta, tau)))
    gain = Fraction(round_down(sharp.exact_gain(bound, rate, momentum)))
    needed, given = (rate + momentum) * length, size * gain * least
    proved = gain > 0 and least <= bound and needed < given
    remedy = None if proved else f"train on until |grad E| < {_shown(given / (rate + momentum))}"
    return LocalMinimum(
        Verdict.PROVED if proved else Verdict.UNDECIDED,
        *(round_down(least), round_up(bound), round_down(size), round_up(length)),
        *(float(rate), float(momentum), float(gain)),
        round_up(length / least),
        round_up(length**2 / (2 * least)),
        round_down(2 * least * gain),
        round_down(given / needed) if needed else float("inf"),
        remedy if gain > 0 else "choose eta and tau inside the range of theorem sharp",
    )


def _shown(value: Fraction) -> str:
    return f"{round_down(value):.3g}"
