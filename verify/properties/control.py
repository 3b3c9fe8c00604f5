"""Controls of the property test: problems on which it must fail, so that it is known to be able to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.architecture import Architecture
from verify.arithmetic.environment import certified_environment
from verify.bounds.regions import Ball
from verify.calculus.problem import Problem
from verify.outcomes import Verdict
from verify.properties.cases import StepCase
from verify.properties.increase import find_increase
from verify.properties.step import take_step
from verify.theorems.ranges import RANGES

_OUTSIDE = 1 + 2.0**-20
_LIPSCHITZ = 2.0


@dataclass(frozen=True)
class SharpnessControl:
    """Whether increases were found exactly where the sharp range ends, on a quadratic error.

    Parameters
    ----------
    inside : bool
        No increase on the edge of the range, at either end of it.
    outside : bool
        An increase just beyond both limits, tau <= eta and eta + tau <= 2/L.
    """

    inside: bool
    outside: bool

    @property
    def verdict(self) -> Verdict:
        """PROVED when both held, else REFUTED."""
        return Verdict.PROVED if self.inside and self.outside else Verdict.REFUTED


def quadratic_problem() -> Problem:
    """Return E(w) = (w_1^2 + w_2^2), whose Hessian is 2 everywhere, as a network of one linear layer."""
    nodes = {
        "x": {"width": 1},
        "y": {"width": 2, "activation": "identity", "bias": False, "inputs": ["x"]},
    }
    architecture = Architecture.from_data(nodes, output="y")
    return Problem(
        architecture,
        np.array([[1.0], [-1.0]]),
        np.zeros((2, 2)),
        reduction="sum",
        initial_weights=np.array([1.0, 0.5]),
        region=Ball(np.array([1.0, 0.5]), 16.0),
        name="quadratic control",
    )


@certified_environment()
def run_sharpness_control() -> SharpnessControl:
    """Step on the edge of the sharp range and just beyond it, on a problem whose L is known.

    Examples
    --------
    >>> run_sharpness_control()
    SharpnessControl(inside=True, outside=True)
    """
    problem = quadratic_problem()
    leading = np.array([1.0, 0.0])
    eta_limit = RANGES["sharp"].eta_limit(_LIPSCHITZ)
    inside, outside = True, True
    for eta in (0.25 * eta_limit, 0.5 * eta_limit, 0.75 * eta_limit):
        tau = RANGES["sharp"].momentum_limit(_LIPSCHITZ, eta)
        for previous in ("with-gradient", "against-gradient"):
            edge = take_step(problem, StepCase(0, 0.0, previous, eta, tau), _LIPSCHITZ, leading)
            inside &= not edge.violates
        outside &= find_increase(problem, StepCase(0, 0.0, "none", eta, tau * _OUTSIDE), leading) is not None
    return SharpnessControl(inside, outside)
