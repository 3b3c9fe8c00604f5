"""Controls of the property test: problems on which it must fail, so that it is known to be able to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from verify.architecture import Architecture
from verify.arithmetic.environment import certified_environment
from verify.bounds.regions import Ball
from verify.calculus.decide import decide_decrease
from verify.calculus.problem import Problem
from verify.outcomes import Verdict
from verify.properties.cases import Previous, StepCase
from verify.properties.increase import find_increase
from verify.properties.lyapunov import nesterov_outcome
from verify.properties.run_from_rest import take_step_from_rest
from verify.properties.step import take_step
from verify.theorems.ranges import RANGES

_OUTSIDE = 1 + 2.0**-20
_LIPSCHITZ = 2.0
_NEAR = 2.0**-16
_ONE = np.array([1.0, 0.0])
_FALLS = (-1, 0)
"""Signs of a change that is decided and no increase; that of one which stayed open is None."""


@dataclass(frozen=True)
class SharpnessControl:
    """Whether increases were found exactly where the ranges end, on errors that attain them.

    Parameters
    ----------
    inside : bool
        No increase on the edges: of `sharp` and `restart` at both ends of the momentum, of `from_rest` where it is
        widest, of `nesterov` (of its energy) for the learning rate and for mu.
    outside : bool
        An increase a part of 2^-20 beyond each of these edges.
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


def hilltop_problem() -> Problem:
    """Return E(w) = (w^2 - 1)^2/2, whose second derivative 6 w^2 - 2 is between -2 and 2 within 1/2 of w = 0."""
    nodes = {
        "x": {"width": 1},
        "y": {"width": 1, "activation": {"expr": "x*x"}, "bias": False, "inputs": ["x"]},
    }
    return Problem(
        Architecture.from_data(nodes, output="y"),
        np.array([[1.0]]),
        np.array([[1.0]]),
        reduction="sum",
        initial_weights=np.array([0.0]),
        region=Ball(np.array([0.0]), 0.5),
        name="hilltop control",
    )


@certified_environment()
def run_sharpness_control() -> SharpnessControl:
    """Step on the edges of the ranges and just beyond them, on problems whose L is known.

    Examples
    --------
    >>> run_sharpness_control()
    SharpnessControl(inside=True, outside=True)
    """
    checks = (_sharp, _restart, _from_rest, _nesterov)
    found = [check() for check in checks]
    return SharpnessControl(all(inside for inside, _ in found), all(outside for _, outside in found))


def _sharp() -> tuple[bool, bool]:
    problem, leading = quadratic_problem(), _ONE
    eta_limit = RANGES["sharp"].eta_limit(_LIPSCHITZ)
    inside, outside = True, True
    for eta in (0.25 * eta_limit, 0.5 * eta_limit, 0.75 * eta_limit):
        tau = RANGES["sharp"].momentum_limit(_LIPSCHITZ, eta)
        for previous in ("with-gradient", "against-gradient"):
            edge = take_step(problem, StepCase(0, 0.0, previous, eta, tau), _LIPSCHITZ, leading)
            inside &= edge.decision.sign in _FALLS
        outside &= find_increase(problem, StepCase(0, 0.0, "none", eta, tau * _OUTSIDE), leading) is not None
    return inside, outside


def _restart() -> tuple[bool, bool]:
    """Momentum across the gradient is the limit for small eta, momentum against it for large ones."""
    problem, restart = quadratic_problem(), RANGES["restart"]
    across = np.array([1.0, -2.0])
    inside, outside = True, True
    ends: tuple[tuple[float, Previous], ...] = ((0.125, "curvature"), (0.75, "against-gradient"))
    for eta, previous in ends:
        tau = restart.momentum_limit(_LIPSCHITZ, eta)
        case = StepCase(0, 0.0, previous, eta, tau, "restart")
        inside &= _sign(problem, case.step(problem, problem.gradient(problem.initial_weights), across)) in _FALLS
        beyond = replace(case, momentum=tau * _OUTSIDE)
        outside &= _sign(problem, beyond.step(problem, problem.gradient(problem.initial_weights), across)) == 1
    return inside, outside


def _sign(problem: Problem, step: np.ndarray) -> int | None:
    w = problem.initial_weights
    return decide_decrease(problem, w, w + step).sign


def _from_rest() -> tuple[bool, bool]:
    """At eta = 1/(2 L) two steps lead to the minimum and no third one moves, or just past it and farther."""
    problem, eta = quadratic_problem(), 1 / (2 * _LIPSCHITZ)
    tau = RANGES["from_rest"].momentum_limit(_LIPSCHITZ, eta)
    runs = [
        [take_step_from_rest(problem, StepCase(0, 0.0, "none", eta, size, "from_rest", steps=steps), _LIPSCHITZ, _ONE)
         for steps in range(4)]
        for size in (tau, tau * _OUTSIDE)
    ]  # fmt: skip
    on_edge, beyond = ([outcome.decision.sign for outcome in run] for run in runs)
    return all(sign in _FALLS for sign in on_edge), 1 in beyond


def _nesterov() -> tuple[bool, bool]:
    """A quadratic error for the learning rate, the top of E = (w^2 - 1)^2/2 for mu, where the curvature is -2."""
    rate, mu = 1 / _LIPSCHITZ, RANGES["nesterov"].momentum_limit(_LIPSCHITZ, 0.25)
    bowl, top = quadratic_problem(), hilltop_problem()
    start, height = bowl.initial_weights, np.array([_NEAR])
    rises = [
        [nesterov_outcome(problem, StepCase(0, 0.0, "none", eta, size, "nesterov"), _LIPSCHITZ, before, w).decision.sign
         for problem, eta, size, before, w in (
             (bowl, rate * factor, 0.0, start, start),
             (top, 0.25, mu * factor, -height * (1 + mu * factor), -height * mu * factor),
         )]
        for factor in (1.0, _OUTSIDE)
    ]  # fmt: skip
    on_edge, beyond = rises
    return all(sign in _FALLS for sign in on_edge), all(sign == 1 for sign in beyond)
