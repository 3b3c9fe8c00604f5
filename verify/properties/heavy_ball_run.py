"""Search for a step with constant mu that raises the error itself, beside the energy V, which falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.calculus.decide import Decision, decide_decrease
from verify.outcomes import Verdict
from verify.properties.cases import required_region
from verify.properties.increase import decide_increase
from verify.training.momentum import heavy_ball_step

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

STEPS = 100
HEAVY_BALL, NESTEROV = "the heavy ball", "Nesterov's variant"


@dataclass(frozen=True)
class ErrorRise:
    """A step that was proved to raise E.

    Parameters
    ----------
    step : int
        Its number in a run from rest, the first is 1.
    lower, upper : float
        Bounds of the increase: of the step as stored, for the heavy ball of the exact step from the stored weights
        before it too.
    rule : str
        Whose step it is.
    """

    step: int
    lower: float
    upper: float
    rule: str = HEAVY_BALL

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        replay = f"{self.rule} in float64 from the initial weights at rest"
        return {"step": self.step, "increase_lower": self.lower, "increase_upper": self.upper, "replay": replay}


@certified_environment()
def find_error_rise(
    problem: Objective, eta: float, mu: float, steps: int = STEPS, *, nesterov: bool = False
) -> ErrorRise | None:
    """Run the heavy ball, or Nesterov's variant, from rest and return the first step inside the region that raises E.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    eta, mu : float
    steps : int
        How many to try; the run ends where it leaves the region.
    nesterov : bool
        Whether the gradient is taken at w + mu D.

    Returns
    -------
    ErrorRise or None
        None if none was found, which proves nothing.

    Examples
    --------
    The error w^2/2 from w = 1: the ball passes the minimum and rolls up on the other side.

    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> architecture = verify.Architecture.from_data(nodes, "y")
    >>> region = verify.BoundedWeights(2.0)
    >>> problem = verify.Problem(architecture, [[1.0]], [[0.0]], initial_weights=[1.0], region=region)
    >>> find_error_rise(problem, 0.1, 0.9).step, find_error_rise(problem, 0.1, 0.0)
    (6, None)
    """
    region = required_region(problem)
    w = problem.initial_weights
    before = w
    for number in range(1, steps + 1):
        with np.errstate(all="ignore"):
            at = w + mu * (w - before) if nesterov else w
            w_next = w + heavy_ball_step(problem.gradient(at), w - before, eta, mu)
        if not np.all(np.isfinite(w_next)) or np.linalg.norm(w_next - problem.initial_weights) > region.farthest(
            problem.initial_weights
        ):
            return None
        if problem.error(w_next) > problem.error(w):
            decision = _decided(problem, before, w, w_next, eta, mu, nesterov)
            if decision is not None and decision.sign == 1:
                return ErrorRise(number, decision.lower, decision.upper, NESTEROV if nesterov else HEAVY_BALL)
        before, w = w, w_next
    return None


def _decided(
    problem: Objective,
    before: np.ndarray,
    w: np.ndarray,
    w_next: np.ndarray,
    eta: float,
    mu: float,
    nesterov: bool,
) -> Decision | None:
    if not nesterov:
        previous = Interval.point(w) - Interval.point(before)
        return decide_increase(problem, w, previous, eta, mu, None, w_next, inside=True)
    if required_region(problem).contains(w_next) is not Verdict.PROVED:
        return None
    try:
        return decide_decrease(problem, w, w_next)
    except ArithmeticDomainError:
        return None
