"""The smallest learning rate at which a run from rest is seen to raise the error, or the energy of the heavy ball."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from verify.analysis.safe_setting import Rule, SafeSetting, Seen
from verify.properties.first_rises import Algorithm, FirstRises, first_rises
from verify.theorems.optimizers import ConventionName, Optimizer

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

What = Literal["error", "energy"]
_ASCENTS, _DESCENTS, _BISECTIONS = 40, 12, 3
_START = 1e-3
"""The first learning rate of a run where none is proved."""


class Runs:
    """Runs of one rule with one momentum at many learning rates, each made once.

    Parameters
    ----------
    problem : Problem or GraphProblem
    rule : {"plain", "classical", "clipped"}
    momentum : float
    convention : str
        Of the classical rule.
    """

    def __init__(self, problem: Objective, rule: Rule, momentum: float, convention: ConventionName) -> None:
        self.problem, self.rule, self.momentum, self.convention = problem, rule, momentum, convention
        self._made: dict[float, tuple[int, FirstRises]] = {}

    def smallest(self, asked: SafeSetting, what: What) -> Seen | None:
        """Return the smallest learning rate found whose run raises E or V within so many steps.

        Parameters
        ----------
        asked : SafeSetting
            Its number of steps; the search starts from its learning rate.
        what : {"error", "energy"}
        """
        steps = asked.steps
        known = [lr for lr, (_, run) in self._made.items() if _step(run, what, steps) is not None]
        high = min(known) if known else self._ascended(asked.lr or _START, steps, what)
        if high is None:
            return None
        low = high / 2
        for _ in range(_DESCENTS):
            if not self._rises(low, steps, what):
                break
            low, high = low / 2, low
        for _ in range(_BISECTIONS):
            middle = math.sqrt(low * high)
            low, high = (low, middle) if self._rises(middle, steps, what) else (middle, high)
        step = _step(self._made[high][1], what, steps)
        return None if step is None else Seen(high, step)

    def _ascended(self, lr: float, steps: int, what: What) -> float | None:
        """Double a learning rate until an increase is found."""
        for _ in range(_ASCENTS):
            if self._rises(lr, steps, what):
                return lr
            lr *= 2
        return None

    def _rises(self, lr: float, steps: int, what: What) -> bool:
        made = self._made.get(lr)
        if made is None or (made[0] < steps and _step(made[1], what, steps) is None):
            self._made[lr] = made = (steps, first_rises(self.problem, self._algorithm(lr), steps))
        return _step(made[1], what, steps) is not None

    def _algorithm(self, lr: float) -> Algorithm:
        if self.rule == "clipped":
            return Algorithm(lr, self.momentum, self.momentum * lr)
        if self.rule == "plain":
            return Algorithm(lr)
        return Algorithm(Optimizer(lr, self.momentum, convention=self.convention).eta, self.momentum)


def _step(run: FirstRises, what: What, steps: int) -> int | None:
    step = run.energy if what == "energy" else run.error
    return step if step is not None and step <= steps else None
