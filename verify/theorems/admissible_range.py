"""What an admissible range is: the settings of the optimizer for which a theorem proves that the error decreases."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import Any, ClassVar

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down
from verify.outcomes import InputError, Verdict
from verify.theorems.numbers import curvature, not_negative, positive, shown


class AdmissibleRange(ABC):
    """Learning rates eta and momentum sizes for which one step on any L-smooth error does not increase it.

    Valid means: `admits` holds in exact rational arithmetic for the float64 numbers returned. Limits are tight: the
    next float64 outward is not admitted (for float64 `L` and `eta`).

    Attributes
    ----------
    name : str
        Of the theorem, as in ``proofs_notes/``.
    momentum_name : str
        ``"tau"``, in the units of eta, or ``"mu"``, a pure number.
    decreasing : str
        What does not increase.
    meaning : str
        Of which steps the theorem speaks, in one phrase.
    rate_limit : int
        Supremum of L eta without momentum.
    global_norm : bool
        Whether the norms of the momentum have to be taken over all weights.
    lasting : bool
        Whether theorems about many steps (`horizon`, `weight_decay`, `convergence`) rest on this range.
    """

    name: ClassVar[str]
    momentum_name: ClassVar[str]
    decreasing: ClassVar[str] = "E"
    meaning: ClassVar[str]
    rate_limit: ClassVar[int] = 2
    global_norm: ClassVar[bool] = False
    lasting: ClassVar[bool] = True

    @abstractmethod
    def admits(self, L: Fraction, eta: Fraction, momentum: Fraction) -> bool:
        """Decide the theorem's hypotheses exactly; L > 0."""

    @abstractmethod
    def exact_gain(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return the gain of a step where `admits` holds: c per |grad E|^2, or S per |D|^2 for the heavy ball."""

    @abstractmethod
    def exact_momentum_limit(self, L: Fraction, eta: Fraction) -> Fraction:
        """Return the supremum of the admitted momentum, from below where it is irrational."""

    @abstractmethod
    def exact_eta_limit(self, L: Fraction, momentum: Fraction) -> Fraction | None:
        """Return the supremum of the learning rates admitted with a momentum, from below; None if there is none."""

    @abstractmethod
    def squared_step_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return q such that the sum of |D_k|^2 is at most q times the total decrease; the gain is positive."""

    @abstractmethod
    def squared_gradient_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return q such that the sum of |g_k|^2 is at most q times the total decrease; the gain is positive."""

    @abstractmethod
    def largest(self, L: Any) -> tuple[float, float]:
        """Return the setting (eta, momentum) with the largest momentum of the range."""

    @abstractmethod
    def corners(self, L: Any) -> tuple[tuple[float, float], ...]:
        """Return the corners (eta, momentum) of the range's closure in order, to draw it."""

    @abstractmethod
    def _recommended_eta(self, L: Fraction) -> Fraction:
        """Return the learning rate to use when none is given."""

    @certified_environment(products=False)
    def eta_limit(self, L: Any) -> float:
        """Return the largest learning rate that is admitted without momentum.

        Parameters
        ----------
        L : float, Fraction or Interval
            Upper bound of the curvature, positive.

        Returns
        -------
        float

        Raises
        ------
        InputError
            If L is not positive and finite, or 2/L is no float64 number.
        """
        bound = curvature(L)
        limit = round_down(self.rate_limit / bound)
        if not self.admits(bound, Fraction(limit), Fraction(0)):
            limit = math.nextafter(limit, 0.0)
        if limit == 0.0:
            raise InputError(
                f"no float64 learning rate is below {self.rate_limit}/L", L=shown(bound), remedy="use a smaller region"
            )
        return limit

    @certified_environment(products=False)
    def momentum_limit(self, L: Any, eta: Any) -> float:
        """Return the largest momentum that is admitted with a learning rate.

        Parameters
        ----------
        L : float, Fraction or Interval
            Upper bound of the curvature, positive.
        eta : float or Fraction
            Learning rate.

        Returns
        -------
        float

        Raises
        ------
        InputError
            If a hypothesis fails; the message says which.
        """
        bound, rate = self._hypotheses(L, eta)
        limit = round_down(max(Fraction(0), self.exact_momentum_limit(bound, rate)))
        further = math.nextafter(limit, math.inf)
        return further if self.admits(bound, rate, Fraction(further)) else limit

    @certified_environment(products=False)
    def border(self, L: Any, samples: int) -> tuple[tuple[float, float], ...]:
        """Return the largest momentum at learning rates from 0 to the largest one, to draw the range.

        Parameters
        ----------
        L : float, Fraction or Interval
            Upper bound of the curvature, positive.
        samples : int
            Number of equal parts of the learning rates; the corners of the range are added.

        Returns
        -------
        tuple of (eta, momentum)
            The first at eta = 0, where it is the limit of the range; every other one is admitted.

        Examples
        --------
        >>> from verify.theorems.ranges import RANGES
        >>> [(round(eta, 3), round(tau, 3)) for eta, tau in RANGES["heavy_ball"].border(1.0, 4)]
        [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5), (1.5, 0.25), (2.0, 0.0)]
        """
        last = self.eta_limit(L)
        etas = {last * index / samples for index in range(1, samples)} | {last}
        corners = self.corners(L)
        etas |= {eta for eta, _ in corners if 0 < eta < last}
        start = max(momentum for eta, momentum in corners if eta == 0)
        return (0.0, start), *((eta, self.momentum_limit(L, eta)) for eta in sorted(etas))

    @certified_environment(products=False)
    def eta_limit_with(self, L: Any, momentum: Any) -> float | None:
        """Return the largest learning rate that is admitted with a momentum; None if there is none.

        Parameters
        ----------
        L : float, Fraction or Interval
            Upper bound of the curvature, positive.
        momentum : float or Fraction
            Not negative.
        """
        bound, size = curvature(L), not_negative(momentum, self.momentum_name)
        exact = self.exact_eta_limit(bound, size)
        limit = 0.0 if exact is None or exact <= 0 else round_down(exact)
        if limit > 0 and not self.admits(bound, Fraction(limit), size):
            limit = math.nextafter(limit, 0.0)
        return limit if limit > 0 and self.admits(bound, Fraction(limit), size) else None

    @certified_environment(products=False)
    def remedy(self, L: Any, eta: Any, momentum: Any) -> str:
        """Return what to change of a setting outside the range, so that it is inside.

        Examples
        --------
        >>> from verify.theorems.ranges import RANGES
        >>> RANGES["heavy_ball"].remedy(2.0, 0.5, 0.75), RANGES["sharp"].remedy(2.0, 3.0, 0.25)
        ('use eta <= 0.25 with mu=0.75, or mu <= 0.5 with eta=0.5', 'use eta=0.75 with tau=0.25')
        """
        bound, rate, size = curvature(L), positive(eta, "eta"), not_negative(momentum, self.momentum_name)
        smaller = self.eta_limit_with(bound, size)
        options = []
        if smaller is not None and smaller < rate:
            below = self.momentum_name == "mu" or size == 0
            relation = " <= " if below else "="  # a range of tau ends towards small learning rates too
            options.append(
                f"use eta{relation}{smaller!r}" + (f" with {self.momentum_name}={float(size)!r}" if size else "")
            )
        if self.admits(bound, rate, Fraction(0)) and (limit := self.momentum_limit(bound, rate)) > 0:
            options.append(f"use {self.momentum_name} <= {limit!r} with eta={float(rate)!r}")
        if not options:
            best, largest = self.recommended(bound)
            options.append(f"use eta={best!r} with {self.momentum_name} <= {largest!r}")
        return ", or ".join([options[0], *(option.removeprefix("use ") for option in options[1:])])

    @certified_environment(products=False)
    def gain(self, L: Any, eta: Any, momentum: Any) -> float:
        """Return the gain of a step, rounded down and at least 0.

        Parameters
        ----------
        L, eta, momentum : float or Fraction
            A setting of the range.

        Returns
        -------
        float
            c with E(w_{k+1}) <= E(w_k) - c |grad E(w_k)|^2; for the heavy ball S with
            V_{k+1} <= V_k - S |D_{k+1}|^2.

        Raises
        ------
        InputError
            If the setting is outside the range.
        """
        return round_down(self.exact_gain(*self.checked(L, eta, momentum)))

    @certified_environment(products=False)
    def contains(self, L: Any, eta: Any, momentum: Any) -> Verdict:
        """Decide whether a setting is in the range.

        Returns
        -------
        Verdict
            PROVED, or UNDECIDED: outside the range the theorem is silent.

        Raises
        ------
        InputError
            If a number is not finite or L, eta or the momentum has the wrong sign.
        """
        setting = curvature(L), positive(eta, "eta"), not_negative(momentum, self.momentum_name)
        return Verdict.PROVED if self.admits(*setting) else Verdict.UNDECIDED

    @certified_environment(products=False)
    def recommended(self, L: Any) -> tuple[float, float]:
        """Return a setting (eta, momentum) well inside the range: half of the momentum that its eta admits."""
        bound = curvature(L)
        eta = round_down(self._recommended_eta(bound))
        if eta == 0.0:
            raise InputError("the learning rate underflows", L=shown(bound), remedy="use a smaller region")
        return eta, round_down(Fraction(self.momentum_limit(bound, eta)) / 2)

    @certified_environment(products=False)
    def checked(self, L: Any, eta: Any, momentum: Any) -> tuple[Fraction, Fraction, Fraction]:
        """Return a setting of the range as fractions.

        Raises
        ------
        InputError
            If the setting is outside the range.
        """
        bound, rate, size = curvature(L), positive(eta, "eta"), not_negative(momentum, self.momentum_name)
        if not self.admits(bound, rate, size):
            what = f"outside the range of theorem {self.name}"
            if not self.admits(bound, rate, Fraction(0)):
                what = f"theorem {self.name} needs a smaller learning rate"
            raise InputError(
                what,
                remedy=self.remedy(bound, rate, size),
                **_setting(L=bound, eta=rate, **{self.momentum_name: size}),
            )
        return bound, rate, size

    @certified_environment(products=False)
    def with_gain(self, L: Any, eta: Any, momentum: Any) -> tuple[Fraction, Fraction, Fraction]:
        """Return a setting of the range as fractions, its gain being positive.

        Raises
        ------
        InputError
            If the setting is outside the range or on its edge, where a step can gain nothing.
        """
        setting = self.checked(L, eta, momentum)
        if self.exact_gain(*setting) <= 0:
            raise InputError(
                "a step of this setting can gain nothing",
                where=f"theorem {self.name}",
                remedy=f"use a smaller {self.momentum_name} or eta",
                **_setting(L=setting[0], eta=setting[1], **{self.momentum_name: setting[2]}),
            )
        return setting

    def _hypotheses(self, L: Any, eta: Any) -> tuple[Fraction, Fraction]:
        bound, rate = curvature(L), positive(eta, "eta")
        if not self.admits(bound, rate, Fraction(0)):
            raise InputError(
                f"theorem {self.name} needs a smaller learning rate",
                remedy=f"use eta <= {self.eta_limit(bound)!r}",
                **_setting(L=bound, eta=rate),
            )
        return bound, rate


class AdaptiveRange(AdmissibleRange):
    """A range for adaptive momentum: D_{k+1} = -eta g_k + m with |m| <= tau |g_k|, over all weights or by vertex.

    A momentum term bounded so in every vertex's block is bounded so as a whole.
    """

    momentum_name = "tau"

    def squared_step_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return (eta + tau)^2/c, since |D_{k+1}| <= (eta + tau)|g_k|."""
        return (eta + momentum) ** 2 / self.exact_gain(L, eta, momentum)

    def squared_gradient_per_decrease(self, L: Fraction, eta: Fraction, momentum: Fraction) -> Fraction:
        """Return 1/c."""
        return 1 / self.exact_gain(L, eta, momentum)


def _setting(**numbers: Fraction) -> dict[str, Any]:
    return {name: shown(number) for name, number in numbers.items()}
