"""How long a setting is proved to work: for a number of steps in a ball, or for ever with weight decay.

Both theorems need L only where their steps can be. Along the segment of a step that is inside the region, and has been
on its sublevel set so far, the error (V for the heavy ball from rest, E <= V) is at most its value at w_0, which is
below the level: so the segment reaches neither, and L on {E <= level} is enough. After a previous step V starts above
E(w_0), and L on the whole region is taken. The infimum of E on the ball is
another matter: straight lines from w_0 may leave the sublevel set, so it takes L on the whole ball.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from verify.analysis.range_row import RangeRow
from verify.arithmetic.decimals import at_least, at_most
from verify.arithmetic.rational import round_up
from verify.assumptions.question import start_words
from verify.bounds.curvature import starting_level
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.regions import BoundedWeights
from verify.calculus.objective import Objective
from verify.outcomes import InputError, Verdict
from verify.properties.cases import required_region
from verify.theorems.heavy_ball import start_energy
from verify.theorems.horizon import Horizon, error_lower_bound, horizon, largest_eta
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.optimizers import CONVENTIONS, lr_of
from verify.theorems.ranges import RANGES
from verify.theorems.weight_decay import sublevel_radius, weight_decay

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting

DEFAULT_STEPS = 100
RECOMMEND = "dagverify recommend SPEC chooses a radius and finds the learning rates that stay in it"
_BISECTIONS = 40
_BEYOND = 1 + Fraction(1, 64)


@dataclass(frozen=True)
class _Start:
    """Numbers that theorem `horizon` needs beside the setting."""

    L: float
    error_upper: float
    error_infimum: float
    radius: float
    previous_step: float = 0.0

    def horizon(self, eta: float, momentum: float, steps: int, theorem: str = "sharp") -> Horizon:
        errors = self.error_upper, self.error_infimum
        return horizon(self.L, *errors, eta, momentum, self.radius, steps, theorem, self.previous_step)

    def largest_eta(self, steps: int, part: Any = Fraction(1, 2), theorem: str = "sharp") -> tuple[float, float]:
        errors = self.error_upper, self.error_infimum
        return largest_eta(self.L, *errors, self.radius, steps, part, theorem, self.previous_step)


def horizon_row(
    problem: Objective, L: float, setting: Setting | None, sublevel: float | None = None
) -> RangeRow | None:
    """Return how many steps from the initial weights are proved to stay in the region.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    L : float
        Hessian bound over the region.
    setting : Setting or None
        The setting asked; without it the largest setting for `DEFAULT_STEPS` steps is given.
    sublevel : float, optional
        Hessian bound over the part of the region with an error of at most `curvature.starting_level`.

    Returns
    -------
    RangeRow or None
        None if the region has no room around the initial weights, or the setting's theorem is about one step.
    """
    w = problem.initial_weights
    radius = required_region(problem).room(w)
    if radius <= 0 or not _lasts(setting):
        return None
    lower, upper = problem.error_enclosure(w)
    slope = float(problem.gradient_enclosure(w).norm().upper)
    previous = 0.0 if setting is None else setting.previous_step
    along = L if sublevel is None or previous else min(L, sublevel)  # the level is above E(w_0), not above V_0
    infimum = error_lower_bound(max(problem.least_error, lower), slope, radius, L, problem.least_error)
    start = _Start(along, upper, infimum, radius, previous)
    try:
        if setting is not None:
            return _asked_horizon(start, setting)
        eta, tau = start.largest_eta(DEFAULT_STEPS)
        return _proved_horizon(eta, tau, eta, start.horizon(eta, tau, DEFAULT_STEPS), "tau")
    except InputError as error:
        eta_asked = None if setting is None else setting.eta
        remedy = RECOMMEND if setting is None else _stay_remedy(start, setting)
        return RangeRow(
            "horizon", Verdict.UNDECIDED, error.what, eta=eta_asked, tau_max=0.0, eta_max=0.0, remedy=remedy
        )


def _stay_remedy(start: _Start, setting: Setting) -> str:
    """Return what to change so that one step is proved to stay: learning rate or momentum, in the user's numbers.

    A learning rate with tau is one setting, on the ray of the one asked; with mu it is the largest.
    """
    theorem, symbol = setting.theorem, RANGES[setting.theorem].momentum_name
    optimizer, size = setting.optimizer, setting.momentum
    part = Fraction(size) if symbol == "mu" else Fraction(size) / Fraction(setting.eta)
    words = ("lr", "momentum") if optimizer is not None else ("eta", symbol)
    shown = setting.eta if optimizer is None else optimizer.lr
    options = []
    with contextlib.suppress(InputError):
        eta, kept = start.largest_eta(1, part, theorem)
        rate = eta if optimizer is None else lr_of(eta, size, optimizer.convention)
        if rate is not None and start.horizon(eta, kept, 1, theorem).verdict is Verdict.PROVED and eta < setting.eta:
            relation = "<= " if symbol == "mu" or size == 0 else "= "
            options.append(f"{words[0]} {relation}{rate!r} with {words[1]} = {kept!r}")
    averages = optimizer is not None and CONVENTIONS[optimizer.convention].averages
    with contextlib.suppress(InputError):
        if size > 0 and not averages and start.horizon(setting.eta, 0.0, 1, theorem).verdict is Verdict.PROVED:
            largest = _largest(lambda momentum: _stays(start, setting.eta, momentum, theorem), 0.0, size)
            if largest > 0:
                options.append(f"{words[1]} <= {largest!r} with {words[0]} = {shown!r}")
    return f"use {', or '.join(options)}" if options else RECOMMEND


def _stays(start: _Start, eta: float, momentum: float, theorem: str) -> bool:
    return start.horizon(eta, momentum, 1, theorem).verdict is Verdict.PROVED


def _asked_horizon(start: _Start, setting: Setting) -> RangeRow:
    eta, size, theorem = setting.eta, setting.momentum, setting.theorem
    admissible = RANGES[theorem]
    adaptive = admissible.momentum_name == "tau"
    found = start.horizon(eta, size, 1, theorem)
    steps = 1 if found.largest_steps is None else found.largest_steps
    part = Fraction(size) / Fraction(eta) if adaptive else Fraction(size)
    eta_max, _ = start.largest_eta(max(1, steps), part, theorem)
    if found.verdict is not Verdict.PROVED:
        return RangeRow(
            "horizon",
            Verdict.UNDECIDED,
            f"not even one step{_from_rest(theorem, start.previous_step)} with eta={at_most(eta)} is proved to stay in "
            "the region",
            eta=eta,
            tau_max=0.0,
            eta_max=eta_max,
            remedy=_stay_remedy(start, setting),
        )

    def stays(momentum: float) -> bool:
        return start.horizon(eta, momentum, steps, theorem).verdict is Verdict.PROVED

    largest = _largest(stays, size, admissible.momentum_limit(start.L, eta))
    return _proved_horizon(eta, largest, max(eta_max, eta), found, admissible.momentum_name)


def weight_decay_row(
    problem: Objective, L: float, setting: Setting | None, sublevel: float | None = None
) -> RangeRow | None:
    """Return whether weight decay keeps every iterate bounded, for ever; None without weight decay.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    L : float
        Hessian bound over that region; another one is computed if the region does not hold the sublevel set.
    setting : Setting or None
        The setting asked, else the recommended one.
    sublevel : float, optional
        Hessian bound over the part of the region with an error of at most `curvature.starting_level`.
    """
    if problem.quadratic_growth == 0 or not _lasts(setting):
        return None
    _, upper = problem.error_enclosure(problem.initial_weights)
    admissible = RANGES["sharp" if setting is None else setting.theorem]
    try:
        level = sublevel_radius(upper, problem.quadratic_growth)
        previous = 0.0 if setting is None else setting.previous_step
        if setting is not None and previous:  # from V_0, above which no level is known
            energy = start_energy(setting.theorem, upper, Fraction(setting.eta), Fraction(setting.momentum), previous)
            level = sublevel_radius(energy, problem.quadratic_growth)
            radius, bound = _bound_beyond(problem, L, level, on_level=False)
        else:
            radius, bound = _bound_beyond(problem, L if sublevel is None else min(L, sublevel), level)
        eta, size = admissible.recommended(bound)
        if setting is not None:
            eta, size = setting.eta, setting.momentum
            if admissible.contains(bound, eta, size) is not Verdict.PROVED:
                words = f"{setting.words} is outside the range of theorem {admissible.name} (L={at_least(bound)})"
                return _outside(words, setting, bound)
        decided = weight_decay(bound, upper, problem.quadratic_growth, eta, size, radius, admissible.name, previous)
    except InputError as error:
        eta_asked = None if setting is None else setting.eta
        remedy = error.remedy or "use a smaller learning rate or more weight decay"
        return RangeRow(
            "weight_decay", Verdict.UNDECIDED, error.what, eta=eta_asked, tau_max=0.0, eta_max=0.0, remedy=remedy
        )
    symbol, largest = admissible.momentum_name, admissible.momentum_limit(bound, eta)
    return RangeRow(
        "weight_decay",
        decided.verdict,
        f"every iterate{_from_rest(admissible.name, previous)} stays in |w| <= {at_least(decided.sublevel_radius)} "
        f"for ever with eta={at_most(eta)}, 0 <= {symbol} <= {at_most(largest)} (L={at_least(bound)} on "
        f"|w| <= {at_most(radius)}{'' if previous else ' where E <= E(w0)'})",
        eta=eta,
        tau_max=largest if symbol == "tau" else None,
        mu_max=largest if symbol == "mu" else None,
        eta_max=admissible.eta_limit(bound),
        remedy=None if decided.verdict is Verdict.PROVED else f"use kind = 'bounded' beyond {at_least(level)}",
        numbers={"sublevel_radius": level, "lipschitz": bound, "gain": decided.gain, symbol: size},
    )


def _outside(words: str, setting: Setting, bound: float) -> RangeRow:
    remedy = setting.remedy(bound)
    return RangeRow("weight_decay", Verdict.UNDECIDED, words, setting.eta, 0.0, 0.0, remedy=remedy)


def _bound_beyond(problem: Objective, L: float, level: float, on_level: bool = True) -> tuple[float, float]:
    """Return (radius, L) for a ball |w| <= radius that reaches beyond the sublevel set, L being needed on that set."""
    if isinstance(problem.region, BoundedWeights) and problem.region.radius > level:
        return problem.region.radius, L
    radius = round_up(Fraction(level) * _BEYOND)
    try:
        bound = hessian_bound(problem, BoundedWeights(radius), level=starting_level(problem) if on_level else None)
        return radius, max(bound.value, LEAST_CURVATURE)
    except UndecidedHessianError as error:
        raise InputError(
            f"no bound L on |w| <= {radius:.4g}", reason=error.what, remedy="use more weight decay"
        ) from None


def _proved_horizon(eta: float, largest: float, eta_max: float, found: Horizon, symbol: str) -> RangeRow:
    number = found.largest_steps
    count = "any number of steps" if number is None else "1 step" if number == 1 else f"{number} steps"
    stays = "stays in the region: A2 is proved for it" if number == 1 else "stay in the region: A2 is proved for them"
    return RangeRow(
        "horizon",
        Verdict.PROVED,
        f"{count}{_from_rest(found.theorem, found.previous_step)} with eta={at_most(eta)}, "
        f"0 <= {symbol} <= {at_most(largest)} {stays}",
        eta=eta,
        tau_max=largest if symbol == "tau" else None,
        mu_max=largest if symbol == "mu" else None,
        eta_max=eta_max,
        numbers={"steps": found.largest_steps, "gain": found.gain},
    )


def _lasts(setting: Setting | None) -> bool:
    """Whether theorems about many steps speak of a setting at all: those about one step have no row here."""
    return setting is None or RANGES[setting.theorem].lasting


def _from_rest(theorem: str, previous_step: float) -> str:
    """Return what must be said where a theorem about the start is used: which step comes before the first one."""
    return f" {start_words(previous_step)}" if theorem in ("heavy_ball", "from_rest") else ""


def _largest(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Return the largest number found in [low, high] where `holds`, which holds at `low`."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        try:
            low, high = (middle, high) if holds(middle) else (low, middle)
        except InputError:
            high = middle
    return low
