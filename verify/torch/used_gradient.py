"""Which gradient a step of classical momentum used, read from the stored weights alone.

With D = w - w_previous and D' = w' - w, the step of classical momentum D' = -eta G + mu D used the gradient
G = (mu D - D')/eta. It is compared entry by entry with c grad E(w), enclosed. What rounding may add, with unit roundoff
u of the parameters' type:

- to G, `rounding_allowance`: any order of summation, functions within a few roundoffs; for a `GraphProblem` some radii
  of the enclosure's own rounding, in units of u;
- to the step: w' = fl(w + fl(-eta b')) with b' = fl(fl(mu b) + G), where b comes from the last step in the same way.
  The sums with w lose at most u |w'| now and mu u |w| through b; the other operations, rounding eta and mu to the
  parameters' type and the comparison itself among them, at most 8 u (|D'| + mu |D|) in first order; the factor
  `_SECOND_ORDER` is for the rest.

No verdict rests on the comparison: it names the reason where theorem ``heavy_ball`` is not proved to speak of a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from verify.calculus.gradient_check import COARSEST_RESOLUTION
from verify.calculus.problem import Problem
from verify.calculus.symbolic.rounding import rounding_allowance
from verify.torch.compared import HIDDEN, SOME_OTHER
from verify.torch.multiples import Multiples, candidates, other_gradient

if TYPE_CHECKING:
    from verify.arithmetic.intervals import Interval
    from verify.calculus.objective import Objective

_SECOND_ORDER = 1 + 2.0**-10
_RADII = 64
"""By how many radii of an enclosure's own rounding a gradient by other software may be off, as in
`verify.importers.torch.agreement`."""


@dataclass(frozen=True)
class StoredStep:
    """Weights, (P,), before the previous step, before and after this one; roundoff is that of the parameters' type."""

    previous: np.ndarray
    before: np.ndarray
    after: np.ndarray
    eta: Fraction
    mu: Fraction
    roundoff: float

    @property
    def weights(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three of them."""
        return self.previous, self.before, self.after

    def of(self, entries: np.ndarray) -> StoredStep:
        """Return the step of some weights alone."""
        previous, before, after = (each[entries] for each in self.weights)
        return StoredStep(previous, before, after, self.eta, self.mu, self.roundoff)

    def times_gradient(self) -> np.ndarray:
        """Return eta G = mu D - D' in float64."""
        return float(self.mu) * (self.before - self.previous) - (self.after - self.before)

    def rounding(self) -> np.ndarray:
        """Return how far `times_gradient` may be from eta times the gradient that the optimiser was given."""
        mu, u = float(self.mu), self.roundoff
        moved = np.abs(self.before - self.previous)
        inherited = np.where(moved > 0, mu * np.abs(self.before), 0.0)
        relative = 8 * (np.abs(self.after - self.before) + mu * moved)
        smallest = float(np.finfo(np.float32 if u > 2.0**-50 else np.float64).tiny)
        return _SECOND_ORDER * u * (np.abs(self.after) + inherited + relative) + smallest


@dataclass(frozen=True)
class UsedGradient:
    """What is known of the gradient that a step used.

    Parameters
    ----------
    multiple : Fraction or None
        c where it is c times the gradient of the error, up to rounding.
    words : str
        Which gradient it is; empty where it is this error's own.
    """

    multiple: Fraction | None
    words: str


def used_gradient(
    problem: Objective,
    gradient: Interval,
    step: StoredStep,
    entries: np.ndarray,
    known: Multiples,
    expected: Fraction = Fraction(1),
    source: str = SOME_OTHER,
) -> UsedGradient:
    """Compare the gradient that a step used with the gradient of the error.

    Parameters
    ----------
    problem : Objective
    gradient : Interval, shape (P,)
        Enclosure of grad E at the weights before the step.
    step : StoredStep
    entries : array of bool, shape (P,)
        The weights that are compared.
    known : mapping of str to Fraction
        Multiples that common losses have.
    expected : Fraction
        The multiple of the step before, tried before others: in float32 several fractions may explain a step.
    source : str
        What the gradient is of where it is no multiple.
    """
    eta, moved = float(step.eta), step.of(entries)
    own, used = gradient.mid[entries], moved.times_gradient()
    if not np.any(used):
        return UsedGradient(None, "the step used no gradient")
    with np.errstate(all="ignore"):
        allowed = eta * (_allowance(problem, step, gradient) + gradient.rad)[entries]
        rounding = moved.rounding()
        best = float(used @ own) / (eta * float(own @ own))
        for multiple, words in candidates(known, best, expected):
            tolerance = abs(float(multiple)) * allowed + rounding
            if np.all(np.abs(used - float(multiple) * eta * own) <= tolerance):
                if not np.linalg.norm(tolerance) <= COARSEST_RESOLUTION * np.linalg.norm(used):
                    return UsedGradient(None, HIDDEN)
                return UsedGradient(multiple, words)
        off = float(np.linalg.norm(used - best * eta * own) / np.linalg.norm(used))
    return UsedGradient(None, f"{other_gradient(source, off)}: theorem heavy_ball does not speak of it")


def _allowance(problem: Objective, step: StoredStep, gradient: Interval) -> np.ndarray:
    """Return how far a gradient computed with the parameters' roundoff may be from the exact one, entry by entry."""
    if isinstance(problem, Problem):
        return rounding_allowance(problem, step.before, step.roundoff)
    smallest = float(np.finfo(np.float32 if step.roundoff > 2.0**-50 else np.float64).tiny)
    return _RADII * (step.roundoff / 2.0**-53) * gradient.rad + smallest * 2.0**20
