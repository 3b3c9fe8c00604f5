"""Search for a step of the classical heavy ball that raises the error itself, beside its energy V, which falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.properties.cases import required_region
from verify.properties.increase import decide_increase
from verify.training.momentum import heavy_ball_step

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

STEPS = 100


@dataclass(frozen=True)
class ErrorRise:
    """A step that was proved to raise E.

    Parameters
    ----------
    step : int
        Its number in a run from rest, the first is 1.
    lower, upper : float
        Bounds of the increase: of the exact step from the stored weights before it, and of the step as stored.
    """

    step: int
    lower: float
    upper: float

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        replay = "the heavy ball in float64 from the initial weights at rest"
        return {"step": self.step, "increase_lower": self.lower, "increase_upper": self.upper, "replay": replay}


@certified_environment()
def find_error_rise(problem: Objective, eta: float, mu: float, steps: int = STEPS) -> ErrorRise | None:
    """Run the heavy ball from rest and return the first step inside the region that is proved to raise E.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    eta, mu : float
    steps : int
        How many to try; the run ends where it leaves the region.

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
        error, gradient = problem.error_and_gradient(w)
        with np.errstate(all="ignore"):
            w_next = w + heavy_ball_step(gradient, w - before, eta, mu)
        if not np.all(np.isfinite(w_next)) or np.linalg.norm(w_next - problem.initial_weights) > region.farthest(
            problem.initial_weights
        ):
            return None
        if problem.error(w_next) > error:
            previous = Interval.point(w) - Interval.point(before)
            decision = decide_increase(problem, w, previous, eta, mu, None, w_next, inside=True)
            if decision is not None:
                return ErrorRise(number, decision.lower, decision.upper)
        before, w = w, w_next
    return None
