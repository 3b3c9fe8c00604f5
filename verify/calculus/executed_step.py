"""What momentum a step between stored float64 weights really had (theorem ``executed_steps``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

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
