"""Does an enclosure hold the exact value? Decided in Arb, at a precision that rises until there is an answer.

This is how the elementary functions are tested; nothing else in the package depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import arb

Array = NDArray[np.float64]
FIRST_PRECISION = 100
LAST_PRECISION = 50_000

REFERENCES: dict[str, Callable[[Any], Any]] = {
    "exp": lambda t: t.exp(),
    "expm1": lambda t: t.expm1(),
    "log": lambda t: t.log(),
    "log1p": lambda t: t.log1p(),
    "tanh": lambda t: t.tanh(),
    "sigmoid": lambda t: 1 / (1 + (-t).exp()),
    "softplus": lambda t: t.exp().log1p(),
    "arctan": lambda t: t.atan(),
    "erf": lambda t: t.erf(),
    "gaussian_density": lambda t: (-t * t / 2).exp() / (2 * flint.arb.pi()).sqrt(),
    "sin": lambda t: t.sin(),
    "cos": lambda t: t.cos(),
}
"""The functions of ``elementary``, of Arb balls."""


@dataclass(frozen=True)
class Violations:
    """Positions of enclosures that miss the exact value, and of those that could not be decided.

    Parameters
    ----------
    missed, undecided : tuple of int
        Positions in the flattened arrays.
    """

    missed: tuple[int, ...]
    undecided: tuple[int, ...]

    def __bool__(self) -> bool:
        return bool(self.missed or self.undecided)


def holds(reference: Callable[[Any], Any], x: float, mid: float, rad: float) -> bool | None:
    """Return whether ``|f(x) - mid| <= rad``; None if the last precision leaves it open.

    Examples
    --------
    >>> holds(REFERENCES["exp"], 1.0, 2.718281828459045, 1e-15), holds(REFERENCES["exp"], 1.0, 2.718281828459045, 0.0)
    (True, False)
    """
    if rad == np.inf:
        return True
    bits = FIRST_PRECISION
    while bits <= LAST_PRECISION:
        with arb.precision(bits):
            distance = abs(reference(arb.Arb(x)) - arb.Arb(mid))
            radius = arb.Arb(rad)
            if distance <= radius:
                return True
            if distance > radius:
                return False
        bits *= 4
    return None


def violations(reference: Callable[[Any], Any], x: Array, mid: Array, rad: Array) -> Violations:
    """Check ``f(x)`` against ``mid ± rad``, entry by entry.

    Examples
    --------
    >>> violations(REFERENCES["tanh"], np.array([0.0, 1.0]), np.array([0.0, 0.5]), np.array([0.0, 0.1]))
    Violations(missed=(1,), undecided=())
    """
    missed, undecided = [], []
    triples = zip(x.ravel().tolist(), mid.ravel().tolist(), rad.ravel().tolist(), strict=True)
    for position, (argument, centre, radius) in enumerate(triples):
        answer = holds(reference, argument, centre, radius)
        if answer is None:
            undecided.append(position)
        elif not answer:
            missed.append(position)
    return Violations(tuple(missed), tuple(undecided))
