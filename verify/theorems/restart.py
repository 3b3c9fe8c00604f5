"""Theorem `restart`: adaptive momentum that is dropped in every step in which it points uphill."""

from __future__ import annotations

from typing import final

from verify.theorems.downhill import DownhillRange


@final
class RestartRange(DownhillRange):
    """tau <= min(sqrt(2 eta/L - eta^2), 2/L - eta), with m_k = 0 wherever g_k.D_k > 0, for every previous step.

    The rule is the gradient restart of O'Donoghue and Candes (2015). -g.D - L/2 |D|^2 >= c |g|^2 is affine in the
    cosine of -g and m, so its ends 0 and 1 decide; c >= 0 is the range. E = L/2 |w|^2 attains both ends: no wider range
    holds for every L-smooth error and every previous step.

    Examples
    --------
    >>> restart = RestartRange()
    >>> restart.momentum_limit(1.0, 0.02), restart.largest(1.0), restart.gain(1.0, 1.0, 0.5)
    (0.19899748742132398, (1.0, 1.0), 0.375)
    """

    name = "restart"
    meaning = "momentum dropped where g.D > 0, norm over all weights"
    paid = 2
