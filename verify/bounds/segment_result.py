"""What a segment bound says: a polynomial above the change of the error, and the steps that it proves."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

import numpy as np

from verify.bounds.polynomials import never_positive, positive_roots, value
from verify.outcomes import InputError

Model = Literal["taylor", "slopes"]


@dataclass(frozen=True)
class SegmentBound:
    """Proved upper bound of the change of the error along a segment.

    Parameters
    ----------
    polynomial : tuple of float
        (c1, c2, c3, ...): E(w + t D) - E(w) <= c1 t + c2 t^2 + c3 t^3 + ... for all real t in [0, length].
    length : float
        T.
    model : {"taylor", "slopes"}
        How it was found: Taylor models of degree 3, or interval slopes where an activation is not smooth.
    storage : float
        Upper bound of |E(fl(w + t D)) - E(w + t D)| for t in [0, length]: what rounding the stored weights can do;
        inf where no such bound is known.
    """

    polynomial: tuple[float, ...]
    length: float
    model: Model
    storage: float

    def stored_change(self, t: float) -> Fraction | None:
        """Return a proved upper bound of E(fl(w + t D)) - E(w), or None if there is none."""
        return self.at(t) + Fraction(self.storage) if np.isfinite(self.storage) else None

    def at(self, t: float) -> Fraction:
        """Return the exact value of the bound at t in [0, length].

        Raises
        ------
        InputError
            If t lies outside, where nothing is proved.
        """
        if not 0 <= t <= self.length:
            raise InputError("outside the segment", t=t, length=self.length)
        return value((0.0, *self.polynomial), t)

    @property
    def rises_at_once(self) -> bool:
        """Whether the slope at 0 cannot be told from an increase: no shorter segment of the same direction helps."""
        return self.model == "taylor" and 0 <= self.polynomial[0] < np.inf

    @cached_property
    def decrease_until(self) -> float:
        """Largest t found such that the error is proved not to rise on all of [0, t]; 0 if none."""
        if not (np.all(np.isfinite(self.polynomial)) and self.polynomial[0] < 0):
            return 0.0
        t = min([self.length, *positive_roots(self.polynomial, self.length)])
        shrinkage = 2.0**-52
        while t > 0 and not never_positive(self.polynomial, t):
            t *= 1 - shrinkage
            shrinkage = min(2 * shrinkage, 0.5)
        return t

    @cached_property
    def best_step(self) -> float:
        """Where in [0, decrease_until] the bound is least, up to rounding; 0 if no decrease is proved."""
        end = self.decrease_until
        if end == 0:
            return 0.0
        slopes = [k * c for k, c in enumerate(self.polynomial, 1)]
        ascending = (0.0, *self.polynomial)
        return min([0.0, end, *positive_roots(slopes, end)], key=lambda t: float(np.polyval(ascending[::-1], t)))

    @property
    def decrease(self) -> float:
        """Proved decrease E(w) - E(w + best_step D), rounded down."""
        if self.best_step == 0:
            return 0.0
        exact = -self.at(self.best_step)
        rounded = float(exact)
        return rounded if Fraction(rounded) <= exact else float(np.nextafter(rounded, -np.inf))
