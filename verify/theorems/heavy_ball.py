"""Theorem `heavy_ball`: momentum with a constant coefficient, as in common implementations of SGD."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, final

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down
from verify.outcomes import InputError
from verify.theorems.admissible_range import AdmissibleRange
from verify.theorems.numbers import curvature, exact, not_negative

_LARGEST_MOMENTUM = 1 - Fraction(1, 2**53)


def start_energy(theorem: str, error_upper: Any, eta: Fraction, mu: Fraction, previous_step: Any) -> Fraction:
    """Return what the error of a training never exceeds: E(w_0), for the heavy ball E(w_0) + mu/(2 eta) |D_0|^2.

    Parameters
    ----------
    theorem : str
    error_upper : float
        Upper bound of E(w_0).
    eta, mu : Fraction
    previous_step : float
        Upper bound of |D_0|, the length of the step before the first; 0 at rest.

    Raises
    ------
    InputError
        If another theorem is given a previous step.
    """
    length, error = not_negative(previous_step, "previous_step"), exact(error_upper, "error_upper")
    if length and theorem != "heavy_ball":
        raise InputError(
            "a previous step is for theorem heavy_ball alone",
            theorem=theorem,
            previous_step=previous_step,
            remedy="leave it out: from_rest starts at rest, the others hold for every previous step",
        )
    return error + mu / (2 * eta) * length**2 if length else error


@final
class HeavyBallRange(AdmissibleRange):
    """0 <= mu < 1, mu <= 1 - L eta/2, for D_{k+1} = -eta g_k + mu D_k with constant eta and mu.

    The error itself need not decrease; V_k = E(w_k) + mu/(2 eta) |D_k|^2 does:
    V_{k+1} <= V_k - S |D_{k+1}|^2 - mu/(2 eta) |D_{k+1} - D_k|^2, S = 1/eta - L/2 - mu/eta >= 0. Proof: the descent
    lemma with g_k = (mu D_k - D_{k+1})/eta, and 2 D_k.D_{k+1} = |D_k|^2 + |D_{k+1}|^2 - |D_{k+1} - D_k|^2.
    Not for Nesterov's variant, dampening, or a learning rate that changes.

    Examples
    --------
    >>> heavy_ball = HeavyBallRange()
    >>> heavy_ball.momentum_limit(2.0, 0.5), heavy_ball.gain(2.0, 0.5, 0.25)
    (0.5, 0.5)
    """

    name = "heavy_ball"
    momentum_name = "mu"
    decreasing = "E + mu/(2 eta) |D|^2"
    meaning = "constant coefficient, as in common SGD"

    def admits(self, L: Fraction, eta: Fraction, momentum: Fraction) -> bool:
        """Decide 0 < eta, 0 <= mu < 1 and mu <= 1 - L eta/2."""
        return eta > 0 and 0 <= momentum < 1 and 2 * momentum <= 2 - L * eta

    def exact_gain(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return S = 1/eta - L/2 - mu/eta."""
        return (1 - momentum) / eta - L / 2

    def exact_momentum_limit(self, L: Fraction, eta: Fraction) -> Fraction:
        """Return 1 - L eta/2."""
        return 1 - L * eta / 2

    def exact_eta_limit(self, L: Fraction, momentum: Fraction) -> Fraction | None:
        """Return 2 (1 - mu)/L."""
        return 2 * (1 - momentum) / L if momentum < 1 else None

    def squared_step_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return 1/S."""
        return 1 / self.exact_gain(L, eta, momentum)

    def squared_gradient_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return (1 + mu)^2/(eta^2 S), for a start with D_0 = 0.

        eta g_k = mu D_k - D_{k+1}; the sums of |D_k|^2 and |D_{k+1}|^2 over k < K are both at most the decrease over S,
        so Minkowski's inequality bounds eta sqrt(sum |g_k|^2) by (1 + mu) sqrt(decrease/S).
        """
        return (1 + momentum) ** 2 / (eta**2 * self.exact_gain(L, eta, momentum))

    @certified_environment(products=False)
    def largest(self, L: Any) -> tuple[float, float]:
        """Return the largest float64 number mu < 1 with its largest learning rate; the supremum 1 has none."""
        eta = round_down(2 * (1 - _LARGEST_MOMENTUM) / curvature(L))
        return eta, float(_LARGEST_MOMENTUM)

    @certified_environment(products=False)
    def corners(self, L: Any) -> tuple[tuple[float, float], ...]:
        """Return the triangle (0, 0), (0, 1), (2/L, 0)."""
        return (0.0, 0.0), (0.0, 1.0), (round_down(2 / curvature(L)), 0.0)

    def _recommended_eta(self, L: Fraction) -> Fraction:
        return 1 / L
