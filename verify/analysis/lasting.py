"""How long a setting is proved to work: for a number of steps in a ball, or for ever with weight decay."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from verify.analysis.range_row import RangeRow
from verify.arithmetic.rational import dot, round_down, round_up, sqrt_up
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.regions import Ball, BlockBall, BoundedWeights
from verify.calculus.problem import Problem
from verify.outcomes import InputError, Verdict
from verify.theorems.horizon import error_lower_bound, horizon, largest_eta
from verify.theorems.ranges import RANGES
from verify.theorems.weight_decay import sublevel_radius, weight_decay

if TYPE_CHECKING:
    from verify.spec.models import Momentum

DEFAULT_STEPS = 100
_BISECTIONS = 40
_BEYOND = 1 + Fraction(1, 64)


def horizon_row(problem: Problem, L: float, momentum: Momentum | None) -> RangeRow | None:
    """Return how many steps from the initial weights are proved to stay in the region.

    Parameters
    ----------
    problem : Problem
        With a region.
    L : float
        Hessian bound over the region.
    momentum : Momentum or None
        The setting asked; without it the largest setting for `DEFAULT_STEPS` steps is given.

    Returns
    -------
    RangeRow or None
        None if the region holds no ball around the initial weights.
    """
    radius = ball_inside(problem)
    if radius is None or radius <= 0:
        return None
    w = problem.initial_weights
    lower, upper = problem.error_enclosure(w)
    slope = float(problem.gradient_enclosure(w).norm().upper)
    floor = error_lower_bound(max(0.0, lower), slope, radius, L)
    try:
        if momentum is None:
            eta, tau = largest_eta(L, upper, floor, radius, DEFAULT_STEPS)
            found = horizon(L, upper, floor, eta, tau, radius, DEFAULT_STEPS)
            return _proved_horizon(eta, tau, eta, found.largest_steps, found.gain, "tau")
        theorem, symbol = ("sharp", "tau") if momentum.mu is None else ("heavy_ball", "mu")
        size = getattr(momentum, symbol)
        part = Fraction(size) / Fraction(momentum.eta) if symbol == "tau" else Fraction(size)
        found = horizon(L, upper, floor, momentum.eta, size, radius, 1, theorem)
        steps = found.largest_steps
        eta_max, _ = largest_eta(L, upper, floor, radius, max(1, steps or 1), part, theorem)
        if found.verdict is not Verdict.PROVED:
            return RangeRow(
                "horizon",
                Verdict.UNDECIDED,
                f"not even one step with eta={momentum.eta:.4g} is proved to stay in the region",
                eta=momentum.eta,
                tau_max=0.0,
                eta_max=eta_max,
                remedy=f"use eta <= {eta_max:.4g}, or a larger radius",
            )

        def stays(momentum_size: float) -> bool:
            bounded = 1 if steps is None else steps
            return (
                horizon(L, upper, floor, momentum.eta, momentum_size, radius, bounded, theorem).verdict
                is Verdict.PROVED
            )

        largest = _largest(stays, size, RANGES[theorem].momentum_limit(L, momentum.eta))
        return _proved_horizon(momentum.eta, largest, max(eta_max, momentum.eta), steps, found.gain, symbol)
    except InputError as error:
        eta = None if momentum is None else momentum.eta
        remedy = error.remedy or "use a larger radius or a smaller learning rate"
        return RangeRow("horizon", Verdict.UNDECIDED, error.what, eta=eta, tau_max=0.0, eta_max=0.0, remedy=remedy)


def weight_decay_row(problem: Problem, L: float, momentum: Momentum | None) -> RangeRow | None:
    """Return whether weight decay keeps every iterate bounded, for ever; None without weight decay.

    Parameters
    ----------
    problem : Problem
        With a region.
    L : float
        Hessian bound over that region; another one is computed if the region does not hold the sublevel set.
    momentum : Momentum or None
        The setting asked, else the recommended one.
    """
    if problem.weight_decay == 0:
        return None
    _, upper = problem.error_enclosure(problem.initial_weights)
    theorem, symbol = ("heavy_ball", "mu") if momentum is not None and momentum.mu is not None else ("sharp", "tau")
    admissible = RANGES[theorem]
    try:
        level = sublevel_radius(upper, problem.weight_decay)
        radius, bound = _bound_beyond(problem, L, level)
        eta, size = admissible.recommended(bound)
        if momentum is not None:
            eta, size = momentum.eta, getattr(momentum, symbol)
        decided = weight_decay(bound, upper, problem.weight_decay, eta, size, radius, theorem)
    except InputError as error:
        eta_asked = None if momentum is None else momentum.eta
        remedy = error.remedy or "use a smaller learning rate or more weight decay"
        return RangeRow(
            "weight_decay", Verdict.UNDECIDED, error.what, eta=eta_asked, tau_max=0.0, eta_max=0.0, remedy=remedy
        )
    largest = admissible.momentum_limit(bound, eta)
    return RangeRow(
        "weight_decay",
        decided.verdict,
        f"every iterate stays in |w| <= {decided.sublevel_radius:.4g} for ever with eta={eta:.4g}, "
        f"0 <= {symbol} <= {largest:.4g} (L={bound:.4g} on |w| <= {radius:.4g})",
        eta=eta,
        tau_max=largest if symbol == "tau" else None,
        mu_max=largest if symbol == "mu" else None,
        eta_max=admissible.eta_limit(bound),
        remedy=None if decided.verdict is Verdict.PROVED else f"use a region of kind 'bounded' beyond {level:.4g}",
        numbers={"sublevel_radius": level, "lipschitz": bound, "gain": decided.gain, symbol: size},
    )


def ball_inside(problem: Problem) -> float | None:
    """Return the radius of a ball around the initial weights inside the region, rounded down; None if there is none."""
    region, w = problem.region, problem.initial_weights
    if isinstance(region, BoundedWeights):
        return round_down(Fraction(region.radius) - sqrt_up(dot(w, w)))
    if isinstance(region, Ball) and (region.center == w).all():
        return region.radius
    if isinstance(region, BlockBall) and (region.center == w).all():
        return min(region.radii.values())
    return None


def _bound_beyond(problem: Problem, L: float, level: float) -> tuple[float, float]:
    """Return (radius, L) for a ball |w| <= radius that reaches beyond the sublevel set."""
    if isinstance(problem.region, BoundedWeights) and problem.region.radius > level:
        return problem.region.radius, L
    radius = round_up(Fraction(level) * _BEYOND)
    try:
        return radius, hessian_bound(problem, BoundedWeights(radius)).value
    except UndecidedHessianError as error:
        raise InputError(
            f"no bound L on |w| <= {radius:.4g}", reason=error.what, remedy="use more weight decay"
        ) from None


def _proved_horizon(
    eta: float, largest: float, eta_max: float, steps: int | None, gain: float, symbol: str
) -> RangeRow:
    count = "any number of" if steps is None else str(steps)
    numbers: dict[str, Any] = {"steps": steps, "gain": gain}
    return RangeRow(
        "horizon",
        Verdict.PROVED,
        f"{count} steps with eta={eta:.4g}, 0 <= {symbol} <= {largest:.4g} stay in the region: A2 is proved for them",
        eta=eta,
        tau_max=largest if symbol == "tau" else None,
        mu_max=largest if symbol == "mu" else None,
        eta_max=eta_max,
        numbers=numbers,
    )


def _largest(holds: Any, low: float, high: float) -> float:
    """Return the largest number found in [low, high] where `holds`, which holds at `low`."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        try:
            low, high = (middle, high) if holds(middle) else (low, middle)
        except InputError:
            high = middle
    return low
