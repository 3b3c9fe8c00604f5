"""Theorem `direction_aware`: the range for one step whose momentum's direction is known."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down, sqrt_down, sqrt_up
from verify.outcomes import InputError, Verdict
from verify.theorems.numbers import curvature, exact, not_negative, positive, shown


def change_per_squared_gradient(L: Fraction, eta: Fraction, alignment: Fraction, tau: Fraction) -> Fraction:
    """Return -eta + L eta^2/2 - (1 - L eta) r tau + L tau^2/2, the descent lemma's bound of the change over |g|^2."""
    return -eta + L * eta**2 / 2 - (1 - L * eta) * alignment * tau + L * tau**2 / 2


@certified_environment(products=False)
def decreases(L: Any, eta: Any, tau: Any, alignment: tuple[Any, Any]) -> Verdict:
    """Decide whether one step w - eta g + m does not increase the error.

    Parameters
    ----------
    L : float
        Upper bound of the curvature along the step.
    eta : float
        Learning rate, 0 < eta < 2/L.
    tau : float
        Upper bound of |m|/|g|: the bound is convex in it and negative at 0, so smaller momentum decreases too.
    alignment : tuple of float
        Enclosure in [-1, 1] of r = -(g.m)/(|g||m|): 1 where the momentum points downhill.

    Returns
    -------
    Verdict
        PROVED or UNDECIDED.

    Raises
    ------
    InputError
        If eta >= 2/L, or a number is not finite or outside its range.

    Examples
    --------
    >>> decreases(1.0, 0.5, 1.25, (1.0, 1.0)).value, decreases(1.0, 0.5, 1.25, (-1.0, 1.0)).value
    ('PROVED', 'UNDECIDED')
    """
    bound, rate = _hypotheses(L, eta)
    worst, size = _worst_alignment(bound, rate, alignment), not_negative(tau, "tau")
    proved = change_per_squared_gradient(bound, rate, worst, size) <= 0
    return Verdict.PROVED if proved else Verdict.UNDECIDED


@certified_environment(products=False)
def momentum_limit(L: Any, eta: Any, alignment: tuple[Any, Any]) -> float:
    """Return the largest tau such that every momentum of this direction up to tau |g| does not increase the error.

    Parameters
    ----------
    L, eta, alignment
        As in `decreases`.

    Returns
    -------
    float
        The positive root of the quadratic in tau, rounded down.

    Raises
    ------
    InputError
        If eta >= 2/L, or a number is not finite or outside its range.

    Examples
    --------
    >>> momentum_limit(1.0, 0.5, (1.0, 1.0)), momentum_limit(1.0, 0.5, (-1.0, -1.0))
    (1.5, 0.5)
    """
    bound, rate = _hypotheses(L, eta)
    worst = _worst_alignment(bound, rate, alignment)
    slope, plain = (1 - bound * rate) * worst, rate - bound * rate**2 / 2
    discriminant = slope**2 + 2 * bound * plain
    if slope >= 0:
        return round_down((slope + sqrt_down(discriminant)) / bound)
    return round_down(2 * plain / (sqrt_up(discriminant) - slope))


def _hypotheses(L: Any, eta: Any) -> tuple[Fraction, Fraction]:
    bound, rate = curvature(L), positive(eta, "eta")
    if bound * rate >= 2:
        raise InputError(
            "theorem direction_aware needs eta < 2/L", L=shown(bound), eta=shown(rate), remedy="use a smaller eta"
        )
    return bound, rate


def _worst_alignment(L: Fraction, eta: Fraction, alignment: tuple[Any, Any]) -> Fraction:
    low, high = (exact(end, "alignment") for end in alignment)
    if not -1 <= low <= high <= 1:
        raise InputError(
            "an alignment is an enclosure within [-1, 1]",
            alignment=alignment,
            remedy="give two numbers, -1 <= low <= high <= 1",
        )
    return low if L * eta <= 1 else high
