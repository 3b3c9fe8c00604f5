"""Theorem `from_rest`: much more momentum for a training that starts without a previous step."""

from __future__ import annotations

from typing import final

from verify.theorems.downhill import DownhillRange


@final
class FromRestRange(DownhillRange):
    """tau <= min(sqrt(eta/L - eta^2), 1/L - eta), for D_0 = 0 and norms over all weights.

    Each step has L |D_{k+1}|^2 <= -g_k.D_{k+1} (see `DownhillRange`) as long as g_k.D_k <= 0; the parabolas at both
    ends of the step give g_{k+1}.D_{k+1} <= g_k.D_{k+1} + L |D_{k+1}|^2 <= 0, so momentum never points uphill. It has
    to be a multiple of the whole previous step, D_0 = 0 starts the induction, and only curvature from above enters.
    E falls by at least c |g_k|^2 with c >= eta/2, and by at least L/2 |D_{k+1}|^2.

    Examples
    --------
    >>> from_rest = FromRestRange()
    >>> from_rest.momentum_limit(1.0, 0.01), from_rest.momentum_limit(1.0, 0.5), from_rest.largest(1.0)
    (0.09949874371066199, 0.5, (0.5, 0.5))
    """

    name = "from_rest"
    meaning = "from rest: D_0 = 0, norm over all weights"
    paid = 1
