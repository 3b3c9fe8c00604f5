"""The ball of a horizon certificate: L depends on its radius, and the admissible radius on L."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.rational import round_down, round_up
from verify.bounds.regions import Ball
from verify.outcomes import InputError
from verify.theorems.horizon import error_lower_bound, largest_eta
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.calculus.problem import Problem
    from verify.certificates.curvature_claim import CurvatureClaims

LARGEST_STEPS = 10**7
COUNTED_STEPS = 1000
"""After how many steps `total_decrease` stops counting."""

_SHORTEST, _LONGEST = -20.0, 6.0
_SHRINKINGS = 16
_CLOSE = 0.1
_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class HorizonSetting:
    """What is asked: the largest eta for `steps`, the largest number of steps for `eta`, or both as given.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)
        Centre of the ball.
    steps : int or None
    eta, tau : float or None
    part : Fraction
        tau/eta.
    theorem : {"sharp", "from_rest"}
        Whose range the setting is in; the latter for a training that starts at rest.
    """

    problem: Problem
    w: np.ndarray
    steps: int | None
    eta: float | None
    tau: float | None
    part: Fraction
    theorem: str = "sharp"

    @property
    def momentum(self) -> float:
        """Momentum size for the given eta."""
        if self.eta is None:
            raise InputError("a momentum size needs a learning rate", remedy="give eta", eta=None)
        return round_down(Fraction(self.eta) * self.part) if self.tau is None else self.tau

    def largest_eta(
        self, start: Start, lipschitz: float, infimum: float, radius: float, steps: int
    ) -> tuple[float, float]:
        """Return the largest learning rate, and its momentum, for which the steps are proved to stay in the ball."""
        return largest_eta(lipschitz, start.error_upper, infimum, radius, steps, self.part, self.theorem)


@dataclass(frozen=True)
class Start:
    """Bounds at the centre of the ball."""

    error_lower: float
    error_upper: float
    gradient_lower: float
    gradient_upper: float

    @classmethod
    def of(cls, problem: Problem, w: np.ndarray) -> Start:
        """Enclose error and gradient norm."""
        lower, upper = problem.error_enclosure(w)
        norm = problem.gradient_enclosure(w).norm()
        return cls(max(0.0, lower), upper, max(0.0, float(norm.lower)), float(norm.upper))


@dataclass(frozen=True)
class HorizonFound:
    """A horizon that theorem `horizon` proves."""

    start: Start
    radius: float
    lipschitz: float
    error_infimum: float
    eta: float
    tau: float
    gain: float
    steps: int

    def to_claim(self) -> dict[str, Any]:
        """Return the claim of the certificate."""
        return {
            "lipschitz": self.lipschitz.hex(),
            "eta": self.eta.hex(),
            "tau": self.tau.hex(),
            "gain": self.gain.hex(),
            "steps": self.steps,
            "error_upper": self.start.error_upper.hex(),
            "error_infimum": self.error_infimum.hex(),
            "gradient_norm": self.start.gradient_upper.hex(),
            "decrease": total_decrease(self).hex(),
        }


def fit_horizon(
    setting: HorizonSetting,
    claims: CurvatureClaims,
    radius: float | None = None,
    announce: Callable[[str], None] = lambda message: None,
) -> HorizonFound:
    """Find radius, L and the setting of a horizon certificate.

    Parameters
    ----------
    setting : HorizonSetting
    claims : CurvatureClaims
    radius : float, optional
        Default: the one that admits most, by golden-section search on its logarithm with the checker's bound.
    announce : callable

    Raises
    ------
    InputError
        If theorem `horizon` does not prove what is asked.
    """
    start = Start.of(setting.problem, setting.w)
    if radius is not None:
        return settle(setting, start, radius, claims.confirmed(Ball(setting.w, radius)))
    chosen = _RadiusSearch(setting, claims, start, announce).best_radius()
    best = settle(setting, start, chosen, claims.recomputed(Ball(setting.w, chosen)))
    announce("bounding the Hessian by the prover")
    own = claims.proved(Ball(setting.w, chosen))
    return best if own <= best.lipschitz else settle(setting, start, chosen, own)


class _RadiusSearch:
    """Which radius admits most."""

    def __init__(
        self, setting: HorizonSetting, claims: CurvatureClaims, start: Start, announce: Callable[[str], None]
    ) -> None:
        self.setting, self.claims, self.start, self.announce = setting, claims, start, announce

    def best_radius(self) -> float:
        """Golden-section search on the logarithm of the radius."""
        left, right = _SHORTEST, _LONGEST
        inner = [right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)]
        merits = [self._merit(point) for point in inner]
        while right - left > _CLOSE:
            if merits[0] >= merits[1]:
                right = inner[1]
                inner = [right - _GOLDEN * (right - left), inner[0]]
                merits = [self._merit(inner[0]), merits[0]]
            else:
                left = inner[0]
                inner = [inner[1], left + _GOLDEN * (right - left)]
                merits = [merits[1], self._merit(inner[1])]
        return math.exp(inner[0] if merits[0] >= merits[1] else inner[1])

    def _merit(self, logarithm: float) -> float:
        """Logarithm of what is to be large: eta, or the number of steps that eta allows."""
        setting, start, radius = self.setting, self.start, math.exp(logarithm)
        self.announce(f"trying the radius {radius:.3g}")
        try:
            lipschitz = self.claims.recomputed(Ball(setting.w, radius))
            infimum = error_lower_bound(start.error_lower, start.gradient_upper, radius, lipschitz)
            if setting.eta is None:
                steps = int(setting.steps or 0)
                eta, _ = setting.largest_eta(start, lipschitz, infimum, radius, steps)
                return math.log(eta)
            admissible = RANGES[setting.theorem]
            asked = admissible.with_gain(lipschitz, setting.eta, setting.momentum)
            quotient = admissible.squared_step_per_decrease(*asked)
        except InputError:
            return -math.inf
        gap = Fraction(start.error_upper) - Fraction(infimum)
        return 2 * logarithm - math.log(quotient * gap) if gap > 0 else math.inf


def settle(setting: HorizonSetting, start: Start, radius: float, lipschitz: float) -> HorizonFound:
    """Apply theorem `horizon` to a ball and its Hessian bound; the claim holds with the gain rounded down."""
    infimum = error_lower_bound(start.error_lower, start.gradient_upper, radius, lipschitz)
    if setting.eta is None:
        steps = int(setting.steps or 0)
        eta, tau = setting.largest_eta(start, lipschitz, infimum, radius, steps)
    else:
        eta, tau = float(setting.eta), float(setting.momentum)
    for _ in range(_SHRINKINGS):
        gain = RANGES[setting.theorem].gain(lipschitz, eta, tau)
        part = _decrease_per_squared_step(setting.theorem, lipschitz, eta, tau, gain)
        limit = _largest_steps(part, radius, Fraction(start.error_upper) - Fraction(infimum))
        steps = min(limit, LARGEST_STEPS) if setting.steps is None else setting.steps
        if 0 < steps <= limit:
            return HorizonFound(start, radius, lipschitz, infimum, eta, tau, gain, steps)
        if setting.eta is not None:
            break
        eta = math.nextafter(eta, 0.0)
        tau = min(tau, round_down(Fraction(eta) * setting.part))
    raise InputError(
        "so many steps are not proved to stay in the ball",
        remedy="use fewer steps or a smaller eta",
        steps=setting.steps or 1,
        eta=eta,
        largest_steps=limit,
    )


def _decrease_per_squared_step(theorem: str, lipschitz: float, eta: float, tau: float, gain: float) -> Fraction:
    """Return p such that p times the sum of |D_k|^2 is at most the decrease; for `sharp` from the gain as rounded."""
    if theorem == "sharp":
        return Fraction(gain) / (Fraction(eta) + Fraction(tau)) ** 2
    setting = Fraction(lipschitz), Fraction(eta), Fraction(tau)
    return 1 / RANGES[theorem].squared_step_per_decrease(*setting)


def _largest_steps(part: Fraction, radius: float, gap: Fraction) -> int:
    """Largest K with K gap <= part radius^2."""
    if part <= 0:
        return 0
    return LARGEST_STEPS if gap == 0 else math.floor(part * Fraction(radius) ** 2 / gap)


def total_decrease(found: HorizonFound) -> float:
    """Return a proved lower bound of E(w_0) - E(w_K): theorem `total_decrease`.

    A step is at most (eta + tau)|g_k| long and the gradient is L-Lipschitz on the ball, so |g_k| differs from |g_0| by
    at most L times the way so far; each step gains at least c |g_k|^2.
    """
    lipschitz, gain = Fraction(found.lipschitz), Fraction(found.gain)
    reach = Fraction(found.eta) + Fraction(found.tau)
    way, total = 0.0, 0.0
    for _ in range(min(found.steps, COUNTED_STEPS)):
        least = Fraction(round_down(Fraction(found.start.gradient_lower) - lipschitz * Fraction(way)))
        if least <= 0:
            break
        total = round_down(Fraction(total) + gain * least * least)
        way = round_up(Fraction(way) + reach * (Fraction(found.start.gradient_upper) + lipschitz * Fraction(way)))
    return total
