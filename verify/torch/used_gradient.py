"""Which gradient a step of classical momentum used, read from the stored weights alone.

With D = w - w_previous and D' = w' - w, the step of classical momentum D' = -eta G + mu D used the gradient
G = (mu D - D')/eta. It is compared entry by entry with c grad E(w), enclosed. What rounding may add, with unit roundoff
u of the parameters' type:

- to G, `rounding_allowance`: any order of summation, functions within a few roundoffs;
- to the step: w' = fl(w + fl(-eta b')) with b' = fl(fl(mu b) + G), where b comes from the last step in the same way.
  The sums with w lose at most u |w'| now and mu u |w| through b; the other operations, rounding eta and mu to the
  parameters' type and the comparison itself among them, at most 8 u (|D'| + mu |D|) in first order; the factor
  `_SECOND_ORDER` is for the rest.

No verdict rests on the comparison: it names the reason where theorem ``heavy_ball`` is not proved to speak of a step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from verify.calculus.gradient_check import COARSEST_RESOLUTION
from verify.calculus.symbolic.rounding import rounding_allowance

if TYPE_CHECKING:
    from verify.arithmetic.intervals import Interval
    from verify.calculus.problem import Problem

_SECOND_ORDER = 1 + 2.0**-10
_LARGEST_DENOMINATOR = 1000
"""Multiples with smaller denominators are recognised as fractions; others are known up to rounding only."""

_LARGEST_SHOWN = 100
"""Multiples with larger denominators are shown as decimals."""


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
    problem: Problem, gradient: Interval, step: StoredStep, entries: np.ndarray, expected: Fraction = Fraction(1)
) -> UsedGradient:
    """Compare the gradient that a step used with the gradient of the error.

    Parameters
    ----------
    problem : Problem
    gradient : Interval, shape (P,)
        Enclosure of grad E at the weights before the step.
    step : StoredStep
    entries : array of bool, shape (P,)
        The weights that are compared.
    expected : Fraction
        The multiple of the step before, tried before others: in float32 several fractions may explain a step.
    """
    eta, moved = float(step.eta), step.of(entries)
    own, used = gradient.mid[entries], moved.times_gradient()
    if not np.any(used):
        return UsedGradient(None, "the step used no gradient")
    with np.errstate(all="ignore"):
        allowed = eta * (rounding_allowance(problem, step.before, step.roundoff) + gradient.rad)[entries]
        rounding = moved.rounding()
        best = float(used @ own) / (eta * float(own @ own))
        for multiple, words in _multiples(problem, best, expected):
            tolerance = abs(float(multiple)) * allowed + rounding
            if np.all(np.abs(used - float(multiple) * eta * own) <= tolerance):
                if not np.linalg.norm(tolerance) <= COARSEST_RESOLUTION * np.linalg.norm(used):
                    return UsedGradient(None, "rounding hides which gradient the step used")
                return UsedGradient(multiple, words)
        off = float(np.linalg.norm(used - best * eta * own) / np.linalg.norm(used))
    return UsedGradient(
        None,
        "the step did not use this error's gradient but that of a mini-batch or of another loss, or one that was "
        f"clipped or left over ({off:.2g} of its length is not along this error's): theorem heavy_ball does not speak "
        "of it",
    )


def _multiples(problem: Problem, best: float, expected: Fraction) -> Iterator[tuple[Fraction, str]]:
    """Return the multiples that a gradient may be, what is common first."""
    yield Fraction(1), ""
    n, outputs = problem.samples, problem.architecture.output_dimension
    entries = "one output" if outputs == 1 else f"{outputs} outputs"
    scale = Fraction(problem.sample_divisor)
    conventions = {
        f"nn.MSELoss with {entries}": scale * 2 / (n * outputs),
        "nn.MSELoss with reduction='sum'": scale * 2,
        "the sum over the samples": scale,
        "the mean over the samples": scale / n,
    }
    for name, multiple in conventions.items():
        yield multiple, f"the step used {_shown(multiple)} times this error's gradient (as {name} has)"
    yield expected, _times(expected)
    if np.isfinite(best):
        for multiple in (Fraction(best).limit_denominator(_LARGEST_DENOMINATOR), Fraction(best)):
            if multiple != 0:
                yield multiple, _times(multiple)


def _times(multiple: Fraction) -> str:
    return f"the step used {_shown(multiple)} times this error's gradient"


def _shown(multiple: Fraction) -> str:
    return str(multiple) if multiple.denominator <= _LARGEST_SHOWN else f"{float(multiple):.6g}"
