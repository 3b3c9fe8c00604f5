"""The admissible ranges by the name of their theorem."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from verify.arithmetic.environment import certified_environment
from verify.outcomes import InputError
from verify.theorems.admissible_range import AdaptiveRange, AdmissibleRange
from verify.theorems.from_rest import FromRestRange
from verify.theorems.heavy_ball import HeavyBallRange
from verify.theorems.nesterov import NesterovRange
from verify.theorems.restart import RestartRange
from verify.theorems.sharp import SharpRange
from verify.theorems.triangle import TriangleRange

__all__ = [
    "RANGES",
    "AdaptiveRange",
    "AdmissibleRange",
    "eta_limit",
    "gain",
    "momentum_range",
    "range_of",
    "recommended",
]

RANGES: MappingProxyType[str, AdmissibleRange] = MappingProxyType(
    {
        each.name: each
        for each in (
            TriangleRange(),
            SharpRange(),
            FromRestRange(),
            RestartRange(),
            HeavyBallRange(),
            NesterovRange(),
        )
    }
)


def range_of(theorem: str) -> AdmissibleRange:
    """Return the range of a theorem.

    Raises
    ------
    InputError
        If there is no such theorem.
    """
    if theorem not in RANGES:
        raise InputError("unknown theorem", theorem=theorem, remedy=f"use one of {', '.join(RANGES)}")
    return RANGES[theorem]


def lasting_range_of(theorem: str) -> AdmissibleRange:
    """Return the range of a theorem on which the theorems about many steps rest.

    Raises
    ------
    InputError
        If there is no such theorem, or it speaks of one step only.
    """
    admissible = range_of(theorem)
    if not admissible.lasting:
        able = ", ".join(name for name, each in RANGES.items() if each.lasting)
        raise InputError(f"theorem {theorem} speaks of one step only", theorem=theorem, remedy=f"use one of {able}")
    return admissible


@certified_environment(products=False)
def momentum_range(L: Any, eta: Any, theorem: str = "sharp") -> tuple[float, float]:
    """Return the momentum sizes that are proved not to increase the error.

    Parameters
    ----------
    L : float
        Upper bound of the curvature of the error over the region, positive. Like every number that a theorem is given
        it is taken exactly, in extended precision too.
    eta : float
        Learning rate.
    theorem : {"sharp", "triangle", "from_rest", "restart", "heavy_ball", "nesterov"}
        The first four bound tau of adaptive momentum, in the units of eta: for every previous step; for a training
        that starts at rest (D_0 = 0, norms over all weights); for momentum that is dropped where it points uphill. The
        last two bound mu of the classical heavy ball and of Nesterov's variant, along which an energy decreases.

    Returns
    -------
    tuple of float
        (0.0, largest), rounded inward: both are admissible in exact arithmetic.

    Raises
    ------
    InputError
        If a hypothesis of the theorem fails; the message says which.

    Examples
    --------
    >>> momentum_range(2.0, 0.75), momentum_range(2.0, 0.75, theorem="heavy_ball")
    ((0.0, 0.25), (0.0, 0.25))
    >>> momentum_range(2.0, 0.1), momentum_range(2.0, 0.1, theorem="from_rest")
    ((0.0, 0.1), (0.0, 0.19999999999999998))
    >>> momentum_range(2.0, 1.5)
    Traceback (most recent call last):
        ...
    verify.outcomes.InputError: theorem sharp needs a smaller learning rate: L=2.0, eta=1.5;
      use eta <= 0.9999999999999999
    """
    return 0.0, range_of(theorem).momentum_limit(L, eta)


@certified_environment(products=False)
def eta_limit(L: Any, theorem: str = "sharp") -> float:
    """Return the largest learning rate of a theorem's range; see `AdmissibleRange.eta_limit`."""
    return range_of(theorem).eta_limit(L)


@certified_environment(products=False)
def recommended(L: Any, theorem: str = "sharp") -> tuple[float, float]:
    """Return a setting (eta, momentum) well inside a theorem's range; see `AdmissibleRange.recommended`."""
    return range_of(theorem).recommended(L)


@certified_environment(products=False)
def gain(L: Any, eta: Any, momentum: Any, theorem: str = "sharp") -> float:
    """Return what a step gains at least; see `AdmissibleRange.gain`."""
    return range_of(theorem).gain(L, eta, momentum)
