"""Ranges of adaptive momentum that never points uphill: the arithmetic of theorems `from_rest` and `restart`."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down, sqrt_down
from verify.theorems.admissible_range import AdmissibleRange
from verify.theorems.numbers import curvature


class DownhillRange(AdmissibleRange):
    """L (eta^2 + tau^2) <= a eta and L (eta + tau) <= a, with a = `paid`: 1 for `from_rest`, 2 for `restart`.

    For D = -eta g + m, |m| <= tau |g| and g.m <= 0 the slope pays for the curvature M = min(eta/(eta^2 + tau^2),
    1/(eta + tau)): M |D|^2 <= -g.D. Both sides are affine in the cosine of -g and m, so its ends 0 and 1 decide. The
    range is a M >= L; without roots it is tau <= min(sqrt(a eta/L - eta^2), a/L - eta).
    """

    momentum_name = "tau"
    global_norm = True
    paid: ClassVar[int]

    def __init_subclass__(cls) -> None:
        """L eta <= a without momentum."""
        cls.rate_limit = cls.paid

    def admits(self, L: Fraction, eta: Fraction, momentum: Fraction) -> bool:
        """Decide eta > 0, tau >= 0, L (eta^2 + tau^2) <= a eta and L (eta + tau) <= a."""
        short = L * (eta**2 + momentum**2) <= self.paid * eta
        return eta > 0 and momentum >= 0 and short and L * (eta + momentum) <= self.paid

    def exact_gain(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return c = min(eta - L (eta^2 + tau^2)/2, (eta + tau)(1 - L (eta + tau)/2))."""
        total = eta + momentum
        return min(eta - L * (eta**2 + momentum**2) / 2, total * (1 - L * total / 2))

    def exact_momentum_limit(self, L: Fraction, eta: Fraction) -> Fraction:
        """Return min(sqrt(a eta/L - eta^2), a/L - eta)."""
        room = self.paid / L - eta
        return min(sqrt_down(eta * room), room) if room > 0 else Fraction(0)

    def exact_eta_limit(self, L: Fraction, momentum: Fraction) -> Fraction | None:
        """Return a/L - tau, where the first inequality holds too as long as 2 L tau <= a; None beyond."""
        return self.paid / L - momentum if 2 * L * momentum <= self.paid else None

    def squared_step_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return 1/(M - L/2), since a step decreases E by at least -g.D - L/2 |D|^2."""
        return 1 / (min(eta / (eta**2 + momentum**2), 1 / (eta + momentum)) - L / 2)

    def squared_gradient_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return 1/c."""
        return 1 / self.exact_gain(L, eta, momentum)

    @certified_environment(products=False)
    def largest(self, L: Any) -> tuple[float, float]:
        """Return (a/(2L), a/(2L)), rounded into the range."""
        eta = round_down(self._recommended_eta(curvature(L)))
        return eta, self.momentum_limit(L, eta)

    @certified_environment(products=False)
    def corners(self, L: Any) -> tuple[tuple[float, float], ...]:
        """Return (0, 0), (a/(2L), a/(2L)), (a/L, 0); between the first two the range bulges outward on a circle."""
        bound = curvature(L)
        top = round_down(self._recommended_eta(bound))
        return (0.0, 0.0), (top, top), (round_down(self.paid / bound), 0.0)

    def _recommended_eta(self, L: Fraction) -> Fraction:
        return Fraction(self.paid, 2) / L
