"""Theorem `epoch`: a cycle of mini-batches with momentum, in any order, is one step for the error of all data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import nextafter
from typing import Any, final

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.rational import round_down, round_up
from verify.outcomes import InputError, Verdict
from verify.theorems.numbers import curvature, exact, not_negative, positive
from verify.theorems.ranges import RANGES

_SHARP = RANGES["sharp"]
_HALVINGS = 48
"""After so many bisections a limit is known to a part of 2^-48, far below what a measured gradient is worth."""


@final
@dataclass(frozen=True)
class Epoch:
    """What is known at the start w_0 of an epoch, and which settings theorem `epoch` admits for it.

    An epoch of K steps is D <- mu D - eta grad E_b(w) + m, w <- w + D over its batches b, in any order, with |m| at
    most tau |grad E_b(w)|: SGD with a learning rate and a momentum (mu), or adaptive momentum (tau); rounding of
    stored weights may be a part of m. The momentum buffer of PyTorch's SGD is D/(-eta).

    Parameters
    ----------
    gradients : tuple of float
        Upper bounds of |grad E_b(w_0)|, one for each batch; kept longest first.
    gradient : float
        Lower bound of |grad E(w_0)|, positive, E being the error of all data.
    L : float
        For |w - w_0| <= radius and every batch, ||Hess E_b|| <= L.
    radius : float
    whole : float
        Upper bound of the largest eigenvalue of Hess E on that ball. Where E is a mean of the batches' errors, L does.
    kappa, skew : float
        The sum of the batches' gradients at w_0 differs from kappa grad E(w_0) by at most skew; K and 0 for means over
        batches of one size.

    Raises
    ------
    InputError
        If there is no batch, or a number is not finite or has the wrong sign.

    Examples
    --------
    >>> epoch = Epoch((1.0, 2.0, 1.0), gradient=1.0, L=1.0, radius=1.0, whole=1.0, kappa=3.0, skew=0.0)
    >>> round(epoch.largest_eta(), 6), round(epoch.largest_eta(ratio=0.5), 6), epoch.largest_eta(mu=0.9)
    (0.197429, 0.084595, None)
    >>> epoch.admits(0.19), epoch.admits(0.2), epoch.largest_eta(ratio=1.0)
    (<Verdict.PROVED: 'PROVED'>, <Verdict.UNDECIDED: 'UNDECIDED'>, None)
    """

    gradients: tuple[float, ...]
    gradient: float
    L: float
    radius: float
    whole: float
    kappa: float
    skew: float

    def __post_init__(self) -> None:
        if not self.gradients:
            raise InputError("an epoch needs a batch", gradients=self.gradients, remedy="give a length for each")
        lengths = (not_negative(each, "a batch's gradient") for each in self.gradients)
        rounded: dict[str, Any] = {
            "gradients": tuple(sorted(map(round_up, lengths), reverse=True)),
            "gradient": round_down(positive(self.gradient, "gradient")),
            "L": round_up(curvature(self.L)),
            "radius": round_down(positive(self.radius, "radius")),
            "whole": round_up(curvature(self.whole)),
            "kappa": exact_float(self.kappa, "kappa"),
            "skew": round_up(not_negative(self.skew, "skew")),
        }
        positive(self.kappa, "kappa")  # as it is: skew was measured with it
        if not rounded["gradient"] > 0:
            raise InputError(
                "the gradient underflows", gradient=float(exact(self.gradient, "gradient")), remedy="scale E up"
            )
        if not all(map(math.isfinite, [*rounded["gradients"], rounded["L"], rounded["whole"], rounded["skew"]])):
            raise InputError("beyond the float64 numbers", steps=len(self.gradients), remedy="scale E down")
        for name, value in rounded.items():
            object.__setattr__(self, name, value)

    @property
    def steps(self) -> int:
        """Number K of batches."""
        return len(self.gradients)

    @cached_property
    def _total(self) -> Fraction:
        return sum(map(Fraction, self.gradients), Fraction(0))

    @certified_environment(products=False)
    def admits(self, eta: Any, tau: Any = 0.0, mu: Any = 0.0, velocity: Any = 0.0) -> Verdict:
        """Decide whether E is proved not to increase over the epoch, whatever the order of its batches.

        Parameters
        ----------
        eta : float
            Learning rate.
        tau : float
            Size of adaptive momentum in every step, in the units of eta.
        mu : float
            Constant momentum, in [0, 1).
        velocity : float
            Upper bound of |D_0|/eta, the length of the momentum buffer at the start; 0 from rest.

        Returns
        -------
        Verdict
            PROVED, or UNDECIDED: outside its range the theorem is silent.

        Raises
        ------
        InputError
            If a number is not finite or out of range.
        """
        return Verdict.PROVED if self._gain(*_setting(eta, tau, mu, velocity)) is not None else Verdict.UNDECIDED

    @certified_environment(products=False)
    def decrease(self, eta: Any, tau: Any = 0.0, mu: Any = 0.0, velocity: Any = 0.0) -> float | None:
        """Return a lower bound of E(w_0) - E(w_K) for a setting that is admitted, else None.

        Examples
        --------
        >>> Epoch((1.0, 1.0), 1.0, L=1.0, radius=1.0, whole=1.0, kappa=2.0, skew=0.0).decrease(0.125)
        0.20690917968749997
        """
        gain = self._gain(*_setting(eta, tau, mu, velocity))
        return None if gain is None else round_down(gain * Fraction(self.gradient) ** 2)

    @certified_environment(products=False)
    def largest_eta(self, ratio: Any = 0.0, mu: Any = 0.0, velocity: Any = 0.0) -> float | None:
        """Return the largest learning rate that is admitted, up to a part of 2^-48; None if there is none.

        Every smaller one is admitted too.

        Parameters
        ----------
        ratio : float
            tau/eta.
        mu, velocity : float
            As in `admits`.
        """
        _, part, fraction, length = _setting(1, ratio, mu, velocity)
        a, total = Fraction(self.gradients[0]), self._total
        slow = part * total + Fraction(self.skew) + fraction * (length + (1 + part) * a / (1 - fraction))
        if slow >= Fraction(self.kappa) * Fraction(self.gradient):
            return None  # drift/eta for eta -> 0, and it grows with eta
        highest = round_down(2 * (1 - fraction) / (Fraction(self.whole) * Fraction(self.kappa)))
        return _largest(lambda eta: self._gain(eta, part * eta, fraction, length) is not None, highest)

    @certified_environment(products=False)
    def largest_tau(self, eta: Any, mu: Any = 0.0, velocity: Any = 0.0) -> float | None:
        """Return the largest tau that is admitted with a learning rate; None if not even 0 is."""
        rate, _, fraction, length = _setting(eta, 0, mu, velocity)
        highest = round_down(rate * Fraction(self.kappa))
        return self._from_zero(lambda tau: self._gain(rate, tau, fraction, length) is not None, highest)

    @certified_environment(products=False)
    def largest_mu(self, eta: Any, tau: Any = 0.0, velocity: Any = 0.0) -> float | None:
        """Return the largest constant momentum that is admitted with a learning rate; None if not even 0 is."""
        rate, size, _, length = _setting(eta, tau, 0, velocity)
        return self._from_zero(lambda mu: self._gain(rate, size, mu, length) is not None, 1.0 - 2.0**-_HALVINGS)

    @staticmethod
    def _from_zero(holds: Callable[[Fraction], bool], highest: float) -> float | None:
        return (_largest(holds, highest) or 0.0) if holds(Fraction(0)) else None

    def _gain(self, eta: Fraction, tau: Fraction, mu: Fraction, velocity: Fraction) -> Fraction | None:
        """Return c >= 0 of theorem `sharp` for the epoch as one step; None where the theorem's hypotheses fail.

        The distances P_j are rounded upward step by step; everything else is exact.
        """
        speed, carried = (eta + tau) / (1 - mu), mu * velocity * eta / (1 - mu)
        travel, total = self._travel(round_up(carried), round_up(speed))
        if not (math.isfinite(total) and travel <= self.radius):
            return None
        L, reached = Fraction(self.L), Fraction(travel)
        remembered = mu * (velocity * eta + speed * (Fraction(self.gradients[0]) + L * reached))
        pushes = tau * self._total + eta * Fraction(self.skew)
        drift = (L * (eta + tau) * Fraction(total) + pushes + remembered) / (1 - mu)
        setting = Fraction(self.whole), eta * Fraction(self.kappa) / (1 - mu), drift / Fraction(self.gradient)
        return _SHARP.exact_gain(*setting) if _SHARP.admits(*setting) else None

    def _travel(self, start: float, speed: float) -> tuple[float, float]:
        """Return upper bounds of P_K and of P_0 + ... + P_{K-1}."""
        growth = nextafter(1.0 + nextafter(self.L * speed, math.inf), math.inf)
        place, total = start, 0.0
        for a in self.gradients:
            total = nextafter(total + place, math.inf)
            pulled = nextafter(speed * a, math.inf)
            place = nextafter(nextafter(growth * place, math.inf) + pulled, math.inf)
        return place, total


def _setting(eta: Any, tau: Any, mu: Any, velocity: Any) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    fraction = not_negative(mu, "mu")
    if fraction >= 1:
        raise InputError("the momentum must be below 1", mu=float(exact(mu, "mu")), remedy="use mu=0.9")
    return positive(eta, "eta"), not_negative(tau, "tau"), fraction, not_negative(velocity, "velocity")


def _largest(holds: Callable[[Fraction], bool], highest: float) -> float | None:
    """Return about the largest number up to `highest` for which a condition holds that also holds for smaller ones."""
    low, high = highest, highest
    while not holds(Fraction(low)):
        low, high = low / 2, low
        if low == 0.0:
            return None
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2
        if holds(Fraction(middle)):
            low = middle
        else:
            high = middle
    return low
