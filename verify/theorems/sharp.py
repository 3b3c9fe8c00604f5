"""Theorem `sharp`: the widest range of adaptive momentum for every L-smooth error and every previous step."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, final

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down
from verify.theorems.admissible_range import AdaptiveRange
from verify.theorems.numbers import curvature


@final
class SharpRange(AdaptiveRange):
    """tau <= min(eta, 2/L - eta), 0 < eta < 2/L.

    With D = -eta g + m, |m| <= tau |g|, the descent lemma bounds E(w + D) - E(w) by
    (-eta + L eta^2/2)|g|^2 + (1 - L eta) g.m + L/2 |m|^2. The maximum over m is -c |g|^2 with
    c = eta - L eta^2/2 - |1 - L eta| tau - L tau^2/2, and c >= 0 is the range. E = L/2 |w|^2 with m = +-tau g
    attains equality, so no wider range holds for all L-smooth errors and every previous step.

    Examples
    --------
    >>> sharp = SharpRange()
    >>> sharp.momentum_limit(2.0, 0.25), sharp.momentum_limit(2.0, 0.75), sharp.largest(2.0)
    (0.25, 0.25, (0.5, 0.5))
    >>> eta, tau = sharp.recommended(2.0)
    >>> eta, tau, sharp.gain(2.0, eta, tau)
    (0.5, 0.25, 0.1875)
    """

    name = "sharp"
    meaning = "every previous step"

    def admits(self, L: Fraction, eta: Fraction, momentum: Fraction) -> bool:
        """Decide 0 < eta < 2/L and 0 <= tau <= min(eta, 2/L - eta)."""
        return eta > 0 and L * eta < 2 and 0 <= momentum <= eta and L * (eta + momentum) <= 2

    def exact_gain(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return c = eta - L eta^2/2 - |1 - L eta| tau - L tau^2/2."""
        return eta - L * eta**2 / 2 - abs(1 - L * eta) * momentum - L * momentum**2 / 2

    def exact_momentum_limit(self, L: Fraction, eta: Fraction) -> Fraction:
        """Return min(eta, 2/L - eta)."""
        return min(eta, 2 / L - eta)

    def exact_eta_limit(self, L: Fraction, momentum: Fraction) -> Fraction | None:
        """Return 2/L - tau, which is at least tau up to tau = 1/L."""
        return 2 / L - momentum if L * momentum <= 1 else None

    @certified_environment(products=False)
    def largest(self, L: Any) -> tuple[float, float]:
        """Return (1/L, 1/L), rounded down: the largest momentum, where nothing is gained any more."""
        eta = round_down(1 / curvature(L))
        return eta, self.momentum_limit(L, eta)

    @certified_environment(products=False)
    def corners(self, L: Any) -> tuple[tuple[float, float], ...]:
        """Return the triangle (0, 0), (1/L, 1/L), (2/L, 0)."""
        bound = curvature(L)
        top = round_down(1 / bound)
        return (0.0, 0.0), (top, top), (round_down(2 / bound), 0.0)

    def _recommended_eta(self, L: Fraction) -> Fraction:
        return 1 / L
