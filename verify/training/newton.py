"""Newton steps by conjugate gradients, whose decrease is proved: what brings a gradient down to its rounding floor.

The step s solves ``H s = -g`` up to a share of |g|, H being the Hessian at the weights; only products of H with vectors
are formed. Where a direction of curvature at most 0 is met, what was found so far is the step, the direction itself if
that is nothing (Steihaug, SIAM J. Numer. Anal. 20 (1983) 626-637). It is halved until its decrease is proved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np

from verify.budget import check_time
from verify.outcomes import Verdict
from verify.training.evaluation import decide_by_errors, error_range
from verify.training.quasi_newton import momentum_form
from verify.training.rules import KnownError, NoStepError, Rule, State, decided_record
from verify.training.state import SavedState
from verify.training.trajectory import StepRecord

if TYPE_CHECKING:
    from verify.bounds.start import StartPass
    from verify.calculus.objective import Objective

_ACCURACY = 1e-4
"""Share of |g| that may be left of the linear equation: near a minimum each step then takes four digits off |g|."""
_MOST_PRODUCTS = 2000
_HALVINGS = 20
_HIDDEN_TRIES = 2
"""Tries where the change is below what float64 tells of E: then only rounding is left to gain."""
_BITS = 256


@final
@dataclass
class NewtonRule(Rule):
    """See the module.

    Examples
    --------
    >>> import verify
    >>> from verify.training.session import Session
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0], [-1.0]], [[0.5], [0.0]])
    >>> session = Session(problem, NewtonRule())
    >>> while session.step() is not None:
    ...     pass
    >>> session.gradient_norm < 1e-12
    True
    """

    name = "newton"
    known: KnownError = field(default_factory=KnownError)

    def step(
        self, problem: Objective, w: np.ndarray, gradient: np.ndarray, start: StartPass | None = None
    ) -> tuple[np.ndarray, StepRecord]:
        direction = newton_direction(problem, w, gradient)
        before, hidden, length = self.known.at(problem, w), 0, 1.0
        for _ in range(_HALVINGS):
            w_next = w + length * direction
            if hidden == _HIDDEN_TRIES or np.array_equal(w, w_next):
                break
            if np.all(np.isfinite(w_next)):
                after = error_range(problem, w_next)
                if after[0] <= before[1]:
                    decision, evidence = decide_by_errors(problem, w, w_next, before, after, maximal_precision=_BITS)
                    hidden += evidence != "error enclosures"
                    if decision.decreases is Verdict.PROVED and decision.sign == -1:
                        self.known.keep(w_next, after)
                        return w_next, decided_record(decision, evidence, *momentum_form(w_next - w, gradient))
            length *= 0.5
        raise NoStepError("no decrease can be proved any more")

    def state(self) -> State:
        return {}

    def restore(self, saved: SavedState) -> None:
        saved.expect((), ())


def newton_direction(problem: Objective, w: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the step, (P,), as the module describes it; in float64, nothing is claimed of it."""
    with np.errstate(all="ignore"):
        step, residual = np.zeros_like(gradient), -gradient
        direction, square = residual.copy(), float(residual @ residual)
        enough = _ACCURACY**2 * square
        for count in range(min(2 * w.size + 10, _MOST_PRODUCTS)):
            check_time()
            image = problem.hessian_vector(w, direction)
            curvature = float(direction @ image)
            if not curvature > 0:
                return step if count else direction
            length = square / curvature
            following = step + length * direction
            if not np.all(np.isfinite(following)):
                return step if count else direction
            step, residual = following, residual - length * image
            square, last = float(residual @ residual), square
            if square <= enough:
                break
            direction = residual + (square / last) * direction
        return step
