"""Theorem `nesterov`: Nesterov's variant with a constant coefficient, for which an energy decreases."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NoReturn, final

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down, sqrt_down
from verify.outcomes import InputError
from verify.theorems.admissible_range import AdmissibleRange
from verify.theorems.numbers import curvature


@final
class NesterovRange(AdmissibleRange):
    """L eta <= 1 and mu^2 (1 + L eta) <= 1, for y = w + mu D, D' = mu D - eta grad E(y), w' = w + D'.

    The error itself need not decrease; V = E(w) + |D|^2/(2 eta) does: V' <= V - eta/2 (1 - L eta) |grad E(y)|^2. Proof:
    the parabola above E from y to w', and the one below E from y to w; L bounds the curvature from both sides. Two
    quadratics attain equality, so no wider range holds for this energy. Not for a coefficient or a learning rate that
    changes; the theorem does not say that the steps stay where L holds.

    Examples
    --------
    >>> nesterov = NesterovRange()
    >>> nesterov.momentum_limit(1.0, 0.5625), nesterov.eta_limit(1.0), nesterov.gain(1.0, 0.5, 0.5)
    (0.7999999999999999, 1.0, 0.125)
    """

    name = "nesterov"
    momentum_name = "mu"
    decreasing = "E + |D|^2/(2 eta)"
    meaning = "Nesterov's variant: the gradient is taken at w + mu D"
    rate_limit = 1
    lasting = False

    def admits(self, L: Fraction, eta: Fraction, momentum: Fraction) -> bool:
        """Decide 0 < eta, L eta <= 1, 0 <= mu and mu^2 (1 + L eta) <= 1."""
        return eta > 0 and L * eta <= 1 and momentum >= 0 and momentum**2 * (1 + L * eta) <= 1

    def exact_gain(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return eta (1 - L eta)/2, per |grad E(y)|^2."""
        return eta * (1 - L * eta) / 2

    def exact_momentum_limit(self, L: Fraction, eta: Fraction) -> Fraction:
        """Return 1/sqrt(1 + L eta)."""
        return sqrt_down(1 / (1 + L * eta))

    def exact_eta_limit(self, L: Fraction, momentum: Fraction) -> Fraction | None:
        """Return min(1, 1/mu^2 - 1)/L."""
        if momentum >= 1:
            return None
        return (1 if momentum == 0 else min(Fraction(1), 1 / momentum**2 - 1)) / L

    def squared_step_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> NoReturn:
        """Refuse: the theorem is about one step and says nothing of how far many lead."""
        raise InputError(
            "theorem nesterov bounds no number of steps", remedy="use theorem heavy_ball", theorem="nesterov"
        )

    def squared_gradient_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> NoReturn:
        """Refuse: its gradients are those at y, not at the weights."""
        raise InputError(
            "theorem nesterov bounds no gradient at the weights", remedy="use theorem heavy_ball", theorem="nesterov"
        )

    @certified_environment(products=False)
    def largest(self, L: Any) -> tuple[float, float]:
        """Return the largest float64 number mu < 1 with its largest learning rate; the supremum 1 has none."""
        largest = 1 - Fraction(1, 2**53)
        return round_down((1 / largest**2 - 1) / curvature(L)), float(largest)

    @certified_environment(products=False)
    def corners(self, L: Any) -> tuple[tuple[float, float], ...]:
        """Return (0, 0), (0, 1), (1/L, 1/sqrt(2)), (1/L, 0); between the second and third it runs along the limit."""
        eta = round_down(1 / curvature(L))
        return (0.0, 0.0), (0.0, 1.0), (eta, self.momentum_limit(L, eta)), (eta, 0.0)

    def _recommended_eta(self, L: Fraction) -> Fraction:
        return 1 / (2 * L)
