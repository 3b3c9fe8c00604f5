"""Theorem `triangle`: the range that the triangle inequality gives, as in the literature."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, final

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down, sqrt_down, sqrt_up
from verify.theorems.admissible_range import AdaptiveRange
from verify.theorems.numbers import curvature


@final
class TriangleRange(AdaptiveRange):
    """tau <= (sqrt(1 + 4 L eta) - 1)/L - eta, 0 < eta < 2/L.

    The descent lemma with |g.m| <= tau |g|^2 and |D| <= (eta + tau)|g| gives
    E(w + D) <= E(w) - c |g|^2, c = eta - tau - L/2 (eta + tau)^2, and c >= 0 is the range. It lies inside
    `SharpRange`, whose largest momentum is four times as large.

    Examples
    --------
    >>> triangle = TriangleRange()
    >>> triangle.largest(1.0), triangle.gain(1.0, 0.75, 0.25)
    ((0.75, 0.25), 0.0)
    """

    name = "triangle"
    meaning = "every previous step"

    def admits(self, L: Fraction, eta: Fraction, momentum: Fraction) -> bool:
        """Decide 0 < eta < 2/L, 0 <= tau and c >= 0."""
        return eta > 0 and L * eta < 2 and momentum >= 0 and self.exact_gain(L, eta, momentum) >= 0

    def exact_gain(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return c = eta - tau - L/2 (eta + tau)^2."""
        return eta - momentum - L * (eta + momentum) ** 2 / 2

    def exact_momentum_limit(self, L: Fraction, eta: Fraction) -> Fraction:
        """Return eta (3 - r)/(1 + r), r = sqrt(1 + 4 L eta) from above: the limit in a form without cancellation."""
        root = sqrt_up(1 + 4 * L * eta)
        return eta * (3 - root) / (1 + root)

    def exact_eta_limit(self, L: Fraction, momentum: Fraction) -> Fraction | None:
        """Return (r^2 - 1)/(4 L) with r = 2 + sqrt(1 - 4 L tau), the larger root of r - 1 - (r^2 - 1)/4 = L tau."""
        if 4 * L * momentum > 1:
            return None
        root = 2 + sqrt_down(1 - 4 * L * momentum)
        return (root**2 - 1) / (4 * L)

    @certified_environment(products=False)
    def largest(self, L: Any) -> tuple[float, float]:
        """Return (3/(4L), 1/(4L)), rounded into the range."""
        eta = round_down(Fraction(3, 4) / curvature(L))
        return eta, self.momentum_limit(L, eta)

    @certified_environment(products=False)
    def corners(self, L: Any) -> tuple[tuple[float, float], ...]:
        """Return (0, 0), the top, (2/L, 0); between them the range bulges outward along `momentum_limit`."""
        bound = curvature(L)
        return (0.0, 0.0), self.largest(bound), (round_down(2 / bound), 0.0)

    def _recommended_eta(self, L: Fraction) -> Fraction:
        return Fraction(3, 4) / L
