"""One network of the campaign: its bounds are attacked, its steps are taken at the edge of the range."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.bounds.hessian import hessian_bound
from verify.campaign.attacks import attack_bound
from verify.campaign.margin import smallest_failing_eta
from verify.campaign.segments import Segments, attack_segments
from verify.campaign.vocabulary import Drawn, Kind, kind_of, problem_of
from verify.outcomes import InputError, Verdict
from verify.properties.cases import PREVIOUS, StepCase
from verify.properties.lyapunov import LyapunovOutcome, take_heavy_ball_step
from verify.properties.step import StepOutcome, take_step
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

SHARP = RANGES["sharp"]
HEAVY_BALL = RANGES["heavy_ball"]
EDGE = 1 - 2.0**-20
NEAR_THE_SPHERE = 0.98
STARTS = 6
SINCE_FORMAT_3 = ("segment_attacks", "vocabulary")
"""Of a plan."""


@dataclass
class Steps:
    """What was seen of the steps of one rule.

    Parameters
    ----------
    steps : int
        Steps taken.
    covered : int
        For which the theorem speaks of the stored weights.
    violations : int
        Of these, that increased what the theorem says decreases.
    undecided : int
        Whose sign stayed open.
    arb : int
        Whose sign needed Arb.
    """

    steps: int = 0
    covered: int = 0
    violations: int = 0
    undecided: int = 0
    arb: int = 0

    def count(self, outcome: StepOutcome | LyapunovOutcome) -> bool:
        """Count a step; whether it is a case to be shown."""
        undecided = outcome.decision.decreases is Verdict.UNDECIDED
        self.steps += 1
        self.covered += outcome.covered
        self.violations += outcome.violates
        self.undecided += undecided
        self.arb += outcome.decision.precision > 53
        return undecided or outcome.violates


@dataclass(frozen=True)
class Plan:
    """What is done to each network.

    Parameters
    ----------
    steps, heavy_ball_steps, attacks : int
    method : {"auto", "norms", "majorant"}
        How the Hessian is bounded.
    segment_attacks : int
        On bounds along segments.
    vocabulary : {"classical", "graphs", "all"}
        What the networks are drawn of.
    """

    steps: int
    heavy_ball_steps: int = 0
    attacks: int = 2
    method: str = "auto"
    segment_attacks: int = 0
    vocabulary: Drawn = "classical"

    @property
    def format(self) -> int:
        """Number of the form of the lines: 2 knows neither segments nor graphs."""
        return 3 if self.segment_attacks or self.vocabulary != "classical" else 2

    def to_json(self) -> dict[str, Any]:
        """Return plain data, in format 2 without what it does not know."""
        known = asdict(self)
        return known if self.format > 2 else {name: known[name] for name in known if name not in SINCE_FORMAT_3}


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
        The bound, and the largest curvature that the attacks proved.
    attacks, successes : int
        Attacks compared with the bound, and those that proved a curvature above it.
    eta : float
        The largest certified learning rate without momentum.
    failing_eta : float or None
        The smallest learning rate at which an increase was found.
    adaptive, heavy_ball : Steps
        Of theorem ``sharp``, where E decreases, and of theorem ``heavy_ball``, where V does.
    cases : list of str
        Violating and undecided cases, as JSON that replays them.
    kind : {"", "classical", "graphs"}
        What the network is drawn of; empty in lines of format 2, all of which are classical.
    segments : Segments or None
        Of bounds along segments; None in lines of format 2.
    """

    seed: int
    parameters: int = 0
    certified: bool = False
    reason: str = ""
    lipschitz: float = 0.0
    attack: float = 0.0
    attacks: int = 0
    successes: int = 0
    eta: float = 0.0
    failing_eta: float | None = None
    adaptive: Steps = field(default_factory=Steps)
    heavy_ball: Steps = field(default_factory=Steps)
    cases: list[str] = field(default_factory=list)
    kind: Kind | Literal[""] = ""
    segments: Segments | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        known = asdict(self)
        return known if self.kind else {name: known[name] for name in known if name not in ("kind", "segments")}


@certified_environment()
def run_trial(seed: int, plan: Plan) -> Trial:
    """Attack one network.

    Parameters
    ----------
    seed : int
    plan : Plan
        Each of its steps starts at another point of the region.

    Returns
    -------
    Trial
    """
    kind = kind_of(seed, plan.vocabulary)
    problem = problem_of(seed, kind)
    trial = Trial(seed, parameters=problem.size)
    leading = _attack_bound_and_steps(problem, trial, plan, kind)
    if plan.format > 2:
        trial.kind = kind
        if leading is None:
            leading = np.random.default_rng([seed, 7]).standard_normal(problem.size)
        trial.segments = attack_segments(problem, plan.segment_attacks, seed, leading)
        if trial.segments.successes:
            trial.cases.append("a bound along a segment is below a proved change of the error")
    return trial


def _attack_bound_and_steps(problem: Objective, trial: Trial, plan: Plan, kind: Kind) -> np.ndarray | None:
    """Return the leading direction that the attacks found; None where there is no bound to attack."""
    seed = trial.seed
    try:
        bound = hessian_bound(problem, method=plan.method).value  # type: ignore[arg-type]
        eta = SHARP.eta_limit(bound)
    except InputError as error:
        trial.reason = str(error)
        return None
    trial.certified, trial.lipschitz, trial.eta = True, bound, eta
    found = attack_bound(problem, bound, plan.attacks, seed)
    trial.attack, trial.attacks, trial.successes = found.strongest, found.count, found.successes
    if found.successes:
        trial.cases.append("the Hessian bound is below a proved curvature")
    for index in range(plan.steps):
        case = edge_case(seed, index, bound)
        if kind == "graphs":
            case = replace(case, norm="global")
        if trial.adaptive.count(take_step(problem, case, bound, found.direction)):
            trial.cases.append(case.to_json())
    for index in range(plan.heavy_ball_steps):
        case = heavy_ball_case(seed, index, bound)
        if trial.heavy_ball.count(take_heavy_ball_step(problem, case, bound, found.direction)):
            trial.cases.append(case.to_json())
    trial.failing_eta = smallest_failing_eta(problem, eta, starting_points(problem, seed, found.point))
    return found.direction


def edge_case(seed: int, index: int, lipschitz: float) -> StepCase:
    """Return a step whose setting is at, or a hair inside, the edge of the sharp range.

    The hair is what rounding of the stored step needs, so that the theorem speaks of most of them.
    """
    rng = np.random.default_rng([seed, index])
    eta = SHARP.eta_limit(lipschitz) * float(rng.choice([0.5, EDGE, rng.uniform(0.02, 1)]))
    tau = SHARP.momentum_limit(lipschitz, eta) * float(rng.choice([1.0, EDGE, EDGE, rng.uniform(0, 1)]))
    norm: Any = "vertex" if rng.random() < 0.25 else "global"
    return StepCase(*_start(rng), eta, tau, norm=norm)


def heavy_ball_case(seed: int, index: int, lipschitz: float) -> StepCase:
    """Return a step whose setting is at, or a hair inside, the edge of the heavy ball's range."""
    rng = np.random.default_rng([seed, 2, index])
    mu = float(rng.choice([0.0, 0.9, rng.uniform(0, 1)]))
    eta = HEAVY_BALL.eta_limit(lipschitz) * (1 - mu) * float(rng.choice([EDGE, EDGE, rng.uniform(0.02, 1)]))
    length = float(rng.choice([1.0, 10.0 ** rng.uniform(-1, 1)]))
    return StepCase(*_start(rng), eta, mu, rule="heavy_ball", length=length)


def _start(rng: np.random.Generator) -> tuple[int, float, Any]:
    """Seed of the start, its distance from the centre, and the kind of previous step."""
    distance = float(rng.choice([0.0, NEAR_THE_SPHERE, rng.uniform(0, NEAR_THE_SPHERE)]))
    return int(rng.integers(2**32)), distance, PREVIOUS[int(rng.integers(len(PREVIOUS)))]


def starting_points(problem: Objective, seed: int, attacked: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the attacked point, the centre, and random points of the region."""
    region: Any = problem.region
    rng = np.random.default_rng([seed, 3])
    yield attacked
    yield problem.initial_weights
    for _ in range(STARTS):
        yield region.sample(rng, attacked.size)
