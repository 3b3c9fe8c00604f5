"""Whether a theorem speaks of a step between stored float64 weights, whatever computed it.

Theorem ``executed_steps`` looks at the momentum that the step really had. For theorem ``heavy_ball``, V_k = E(w_k) +
mu/(2 eta) |D_k|^2 with D_k = w_k - w_{k-1} exactly. For the stored weights w, w' let D' = w' - w, and t the factor by
which the step was shortened to stay in the region. With the residual r = D'/t + eta g - mu D, that is
g = (r - D'/t + mu D)/eta, the descent lemma and 2 D.D' <= |D|^2 + |D'|^2 give

    V' - V <= r.D'/eta - S_t |D'|^2,    S_t = 1/(t eta) - mu/eta - L/2,

where S_t >= S, the gain of theorem ``heavy_ball``. So V does not rise where |r| <= eta S_t |D'|.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import rational
from verify.arithmetic.intervals import Interval

if TYPE_CHECKING:
    from verify.architecture import Architecture


def executed_momentum(gradient: Interval, w: np.ndarray, w_next: np.ndarray, eta: float) -> Interval:
    """Return the enclosure of m = D + eta grad E(w), where D = w_next - w exactly.

    Parameters
    ----------
    gradient : Interval, shape (P,)
        Enclosure of grad E(w).
    w, w_next : array, shape (P,)
        The weights before and after the step, as stored.
    eta : float
        Learning rate of the step.
    """
    return Interval.point(w_next) - Interval.point(w) + gradient * eta


def momentum_within(
    gradient: Interval,
    w: np.ndarray,
    w_next: np.ndarray,
    eta: float,
    tau: float,
    blocks: Architecture | None = None,
) -> bool:
    """Whether |m| <= tau |grad E(w)| is proved for the stored step.

    With `blocks` the comparison is made for the parameters of each vertex, which implies the comparison of the whole
    by theorem `blockwise_momentum`.

    Parameters
    ----------
    gradient : Interval, shape (P,)
    w, w_next : array, shape (P,)
    eta, tau : float
    blocks : Architecture, optional

    Returns
    -------
    bool
        False means "not proved".
    """
    momentum = executed_momentum(gradient, w, w_next, eta)
    slices = [slice(None)] if blocks is None else list(blocks.blocks.values())
    for block in slices:
        allowed = gradient[block].norm() * tau
        if not float(momentum[block].norm().upper) <= float(allowed.lower):
            return False
    return True


def momentum_downhill(gradient: Interval, w: np.ndarray, w_next: np.ndarray, eta: float) -> bool:
    """Whether g.m <= 0 is proved for the stored step, as theorem `restart` asks; False means "not proved"."""
    return float(gradient.dot(executed_momentum(gradient, w, w_next, eta)).upper) <= 0


def heavy_ball_within(
    gradient: Interval,
    weights: tuple[np.ndarray, np.ndarray, np.ndarray],
    curvature: Fraction,
    eta: Fraction,
    mu: Fraction,
    scale: float = 1.0,
) -> bool:
    """Whether |D'/t + eta grad E(w) - mu D| <= eta S_t |D'| is proved for the stored step, so that V does not rise.

    Parameters
    ----------
    gradient : Interval, shape (P,)
        Enclosure of grad E(w).
    weights : tuple of three arrays, shape (P,)
        The weights before the previous step, before and after this step.
    curvature : Fraction
        Upper bound L of the curvature along the step, not negative.
    eta, mu : Fraction
        Learning rate, positive, and momentum coefficient, not negative.
    scale : float
        The factor t in (0, 1].

    Returns
    -------
    bool
        False means "not proved".
    """
    if not 0 < scale <= 1:
        return False
    w_previous, w, w_next = (Interval.point(each) for each in weights)
    step = w_next - w
    residual = step / scale + gradient * _enclosed(eta) - (w - w_previous) * _enclosed(mu)
    gain = 1 / Fraction(scale) - mu - eta * curvature / 2
    if gain < 0:
        return False
    allowed = step.norm() * rational.round_down(gain)
    return bool(float(residual.norm().upper) <= float(allowed.lower))


def _enclosed(number: Fraction) -> Interval:
    return Interval.from_bounds(rational.round_down(number), rational.round_up(number))
