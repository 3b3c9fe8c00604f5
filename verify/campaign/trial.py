"""One network of the campaign: its Hessian bound is attacked, its steps are taken at the edge of the range."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.campaign.networks import random_problem
from verify.outcomes import InputError, Verdict
from verify.properties.cases import PREVIOUS, StepCase
from verify.properties.increase import smallest_increasing_factor
from verify.properties.step import take_step
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

SHARP = RANGES["sharp"]
EDGE = 1 - 2.0**-20
NEAR_THE_SPHERE = 0.98


@dataclass
class Trial:
    """What was seen of one network; a line of the campaign's output.

    Parameters
    ----------
    seed : int
        Of the network and of everything random.
    parameters : int
    certified : bool
        Whether a finite Hessian bound and a setting were found.
    reason : str
        Why not.
    lipschitz, attack : float
        The bound, and the largest curvature that the attack proved.
    bound_broken : bool
        attack > lipschitz.
    eta : float
        The largest certified learning rate without momentum.
    failing_eta : float or None
        The smallest learning rate at which an increase was found.
    steps, covered, violations, undecided, arb : int
        Steps taken; for which the theorem speaks of the stored weights; of these, that increased the error; whose sign
        stayed open; whose sign needed Arb.
    cases : list of str
        Violating and undecided cases, as JSON that replays them.
    """

    seed: int
    parameters: int = 0
    certified: bool = False
    reason: str = ""
    lipschitz: float = 0.0
    attack: float = 0.0
    bound_broken: bool = False
    eta: float = 0.0
    failing_eta: float | None = None
    steps: int = 0
    covered: int = 0
    violations: int = 0
    undecided: int = 0
    arb: int = 0
    cases: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def run_trial(seed: int, steps: int, method: str = "auto") -> Trial:
    """Attack one network.

    Parameters
    ----------
    seed : int
    steps : int
        Steps to take, each from another point of the region.
    method : {"auto", "norms", "majorant"}
        How the Hessian is bounded.

    Returns
    -------
    Trial
    """
    problem = random_problem(seed)
    trial = Trial(seed, parameters=problem.architecture.size)
    try:
        bound = hessian_bound(problem, method=method).value  # type: ignore[arg-type]
        eta = SHARP.eta_limit(bound)
    except InputError as error:
        trial.reason = str(error)
        return trial
    trial.certified, trial.lipschitz, trial.eta = True, bound, eta
    found = attack_hessian(problem, points=2, seed=seed, ascents=3)
    trial.attack, trial.bound_broken = found.value, bool(found.value > bound)
    if trial.bound_broken:
        trial.cases.append("the Hessian bound is below a proved curvature")
    for index in range(steps):
        _take(problem, trial, edge_case(seed, index, bound), bound, found.direction)
    trial.failing_eta = smallest_failing_eta(problem, eta, found.direction, seed)
    return trial


def edge_case(seed: int, index: int, lipschitz: float) -> StepCase:
    """Return a step whose setting is at, or a hair inside, the edge of the sharp range.

    The hair is what rounding of the stored step needs, so that the theorem speaks of most of them.
    """
    rng = np.random.default_rng([seed, index])
    eta = SHARP.eta_limit(lipschitz) * float(rng.choice([0.5, EDGE, rng.uniform(0.02, 1)]))
    tau = SHARP.momentum_limit(lipschitz, eta) * float(rng.choice([1.0, EDGE, EDGE, rng.uniform(0, 1)]))
    previous = PREVIOUS[int(rng.integers(len(PREVIOUS)))]
    distance = float(rng.choice([0.0, NEAR_THE_SPHERE, rng.uniform(0, NEAR_THE_SPHERE)]))
    norm: Any = "vertex" if rng.random() < 0.25 else "global"
    return StepCase(int(rng.integers(2**32)), distance, previous, eta, tau, norm=norm)


def _take(problem: Problem, trial: Trial, case: StepCase, lipschitz: float, leading: np.ndarray) -> None:
    outcome = take_step(problem, case, lipschitz, leading)
    trial.steps += 1
    trial.covered += outcome.covered
    trial.arb += outcome.decision.precision > 53
    undecided = outcome.decision.decreases is Verdict.UNDECIDED
    trial.undecided += undecided
    trial.violations += outcome.violates
    if undecided or outcome.violates:
        trial.cases.append(case.to_json())


def smallest_failing_eta(problem: Problem, eta: float, leading: np.ndarray, seed: int) -> float | None:
    """Return the smallest learning rate found, from eta upwards, at which plain descent increases the error."""
    found = smallest_increasing_factor(problem, StepCase(seed, 0.0, "none", eta, 0.0), leading, starts=2, seed=seed)
    return None if found is None else found[0] * eta
