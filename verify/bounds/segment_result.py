"""What a segment bound says: a polynomial above the change of the error, and the steps that it proves."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import fraction
from verify.bounds.polynomials import never_positive, positive_roots, value
from verify.outcomes import InputError

Model = Literal["taylor", "slopes"]
Polynomial = tuple[float, ...]
"""(c1, c2, c3, ...) for c1 t + c2 t^2 + c3 t^3 + ..."""


@dataclass(frozen=True)
class SegmentBound:
    """Proved upper bounds of the change of the error along a segment (theorem `segment_bound`).

    Parameters
    ----------
    polynomials : tuple of tuples of float
        Each (c1, c2, c3, ...) says: E(w + t D) - E(w) <= c1 t + c2 t^2 + c3 t^3 + ... for all real t in [0, length].
    length : float
        T.
    model : {"taylor", "slopes"}
        How they were found: Taylor models of degree 3 (on long segments also of degree 2), or interval slopes where an
        activation is not smooth.
    storage : float
        Upper bound of |E(fl(w + t D)) - E(w + t D)| for t in [0, length]: what rounding the stored weights can do;
        inf where no such bound is known.
    """

    polynomials: tuple[Polynomial, ...]
    length: float
    model: Model
    storage: float

    @property
    @certified_environment(products=False)
    def polynomial(self) -> Polynomial:
        """The polynomial that proves the largest decrease, the first one if none proves any."""
        best = [p for p, _, t in self._minima if t == self.best_step > 0]
        return (best or self.polynomials)[0]

    @property
    def is_finite(self) -> bool:
        """Whether one of the polynomials is."""
        return any(bool(np.all(np.isfinite(p))) for p in self.polynomials)

    @certified_environment(products=False)
    def stored_change(self, t: float) -> Fraction | None:
        """Return a proved upper bound of E(fl(w + t D)) - E(w), or None if there is none."""
        if not (self.is_finite and np.isfinite(self.storage)):
            return None
        return self.at(t) + Fraction(self.storage)

    @certified_environment(products=False)
    def at(self, t: float) -> Fraction:
        """Return the exact value of the best of the bounds at t in [0, length].

        Raises
        ------
        InputError
            If t lies outside, where nothing is proved.
        OverflowError
            If no polynomial is finite.
        """
        if not 0 <= t <= self.length:
            raise InputError("outside the segment", t=t, length=self.length, remedy="give 0 <= t <= length")
        finite = [p for p in self.polynomials if np.all(np.isfinite(p))]
        if not finite:
            raise OverflowError("the bound is not finite")
        return min(value((0.0, *p), fraction(t, "t")) for p in finite)

    @property
    def rises_at_once(self) -> bool:
        """Whether the slope at 0 cannot be told from an increase: no shorter segment of the same direction helps."""
        return self.model == "taylor" and 0 <= self.polynomials[0][0] < np.inf

    @cached_property
    def _minima(self) -> list[tuple[Polynomial, float, float]]:
        """Every polynomial with the end of its proved decrease and the place of its minimum before."""
        ends = [_decrease_until(p, self.length) for p in self.polynomials]
        return [(p, end, _minimum(p, end)) for p, end in zip(self.polynomials, ends, strict=True)]

    @property
    @certified_environment(products=False)
    def decrease_until(self) -> float:
        """Largest t found such that the error is proved not to rise on all of [0, t]; 0 if none."""
        return max(end for _, end, _ in self._minima)

    @cached_property
    @certified_environment(products=False)
    def best_step(self) -> float:
        """Where in [0, decrease_until] the bound is least, up to rounding; 0 if no decrease is proved."""
        return min(((p, t) for p, _, t in self._minima), key=lambda found: _rounded(*found) if found[1] > 0 else 0.0)[1]

    @property
    @certified_environment(products=False)
    def decrease(self) -> float:
        """Proved decrease E(w) - E(w + best_step D), rounded down."""
        if self.best_step == 0:
            return 0.0
        exact = -self.at(self.best_step)
        rounded = float(exact)
        return rounded if Fraction(rounded) <= exact else float(np.nextafter(rounded, -np.inf))


def _rounded(polynomial: Polynomial, t: float) -> float:
    return float(np.polyval((0.0, *polynomial)[::-1], t))


def _decrease_until(polynomial: Polynomial, length: float) -> float:
    if not (np.all(np.isfinite(polynomial)) and polynomial[0] < 0):
        return 0.0
    t = min([length, *positive_roots(polynomial, length)])
    shrinkage = 2.0**-52
    while t > 0 and not never_positive(polynomial, t):
        t *= 1 - shrinkage
        shrinkage = min(2 * shrinkage, 0.5)
    return t


def _minimum(polynomial: Polynomial, end: float) -> float:
    """Where in [0, end] the polynomial is least, up to rounding."""
    if end == 0:
        return 0.0
    slopes = [k * c for k, c in enumerate(polynomial, 1)]
    return min([0.0, end, *positive_roots(slopes, end)], key=lambda t: _rounded(polynomial, t))
