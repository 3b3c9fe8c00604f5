"""One step of the algorithm as a replayable case: where it starts, what the previous step was, which (eta, tau)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from verify.arithmetic.lengths import length
from verify.calculus.problem import vertex_blocks
from verify.outcomes import InputError
from verify.training.momentum import Norm, adaptive_step, heavy_ball_step, restarted

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

Previous = Literal["none", "with-gradient", "against-gradient", "curvature", "random"]
MOST_STEPS = 10_000
PREVIOUS: tuple[Previous, ...] = get_args(Previous)
Rule = Literal["adaptive", "restart", "from_rest", "heavy_ball", "nesterov"]


@dataclass(frozen=True)
class StepCase:
    """A step from a point of the region, described by a few numbers so that it can be printed and replayed.

    Parameters
    ----------
    seed : int
        Of the direction in which the point lies from the region's centre, and of a random previous step.
    distance : float
        How far the point lies from the centre, as a part of the region's radius; 0 is the centre.
    previous : str
        Direction of the previous step: none, with or against the gradient, along the Hessian's leading
        eigenvector, or random.
    eta, momentum : float
        Learning rate, and tau (adaptive momentum) or mu (heavy ball, Nesterov's variant).
    rule : {"adaptive", "restart", "from_rest", "heavy_ball", "nesterov"}
        ``"restart"``: adaptive momentum that is dropped where g.D > 0; ``"from_rest"``: adaptive momentum, `steps`
        steps after a start at rest.
    norm : {"global", "vertex"}
        Norms of the adaptive momentum.
    length : float
        Of the previous step for mu, in units of eta |grad E|/(1 - mu): with 1, against the gradient and at the edge of
        the heavy ball's range, a quadratic error leaves V as it is.
    steps : int
        For ``"from_rest"``: how many steps lead from the start at rest to the one in question.
    """

    seed: int
    distance: float
    previous: Previous
    eta: float
    momentum: float
    rule: Rule = "adaptive"
    norm: Norm = "global"
    length: float = 1.0
    steps: int = 0

    @property
    def is_adaptive(self) -> bool:
        """Whether the momentum has the size tau |g|, so that of the previous step only its direction matters."""
        return self.rule not in ("heavy_ball", "nesterov")

    def to_json(self) -> str:
        """Return the case as one line of JSON; floats are exact."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> StepCase:
        """Read a case back.

        Raises
        ------
        InputError
            If the text is no case.
        """
        try:
            case = cls(**json.loads(text))
            numbers = (case.distance, case.eta, case.momentum, case.length)
            usable = (
                isinstance(case.seed, int)
                and case.seed >= 0
                and isinstance(case.steps, int)
                and 0 <= case.steps <= MOST_STEPS
                and case.previous in PREVIOUS
                and case.rule in get_args(Rule)
                and case.norm in ("global", "vertex")
                and all(np.isfinite(number) for number in numbers)
            )
        except (TypeError, ValueError) as error:
            raise InputError("not a case", remedy="give the JSON that a test printed", reason=str(error)) from None
        if not usable:
            raise InputError("not a case", remedy="give the JSON that a test printed", case=text)
        return case

    def start(self, problem: Objective) -> np.ndarray:
        """Return the weights, (P,), that the step starts from.

        Raises
        ------
        InputError
            If the problem has no region.
        """
        region = required_region(problem)
        rng = np.random.default_rng(self.seed)
        return region.point(rng.standard_normal(problem.size), self.distance)

    def step(self, problem: Objective, gradient: np.ndarray, leading: np.ndarray) -> np.ndarray:
        """Return D = w_next - w, (P,), before any scaling; `leading` is the Hessian's leading eigenvector.

        Raises
        ------
        InputError
            For the rules ``"from_rest"`` and ``"nesterov"``, whose steps take more than one gradient.
        """
        if self.rule in ("from_rest", "nesterov"):
            raise InputError("the rule takes more than one gradient", rule=self.rule, remedy="use its own function")
        previous = self.previous_step(gradient, leading)
        if not self.is_adaptive:
            return heavy_ball_step(gradient, previous, self.eta, self.momentum)
        previous = restarted(gradient, previous) if self.rule == "restart" else previous
        return adaptive_step(gradient, previous, self.eta, self.momentum, self.norm, vertex_blocks(problem, self.norm))

    def previous_step(self, gradient: np.ndarray, leading: np.ndarray) -> np.ndarray:
        """Return D_k; for adaptive momentum only its direction matters."""
        directions: dict[str, Any] = {
            "none": lambda: np.zeros_like(gradient),
            "with-gradient": lambda: gradient,
            "against-gradient": lambda: -gradient,
            "curvature": lambda: leading,
            "random": lambda: np.random.default_rng([self.seed, 1]).standard_normal(gradient.size),
        }
        direction: np.ndarray = directions[self.previous]()
        size = length(direction)
        if self.is_adaptive or size == 0.0:
            return direction
        unit = self.eta * length(gradient) / (1.0 - self.momentum)
        return direction * (self.length * unit / size)


def required_region(problem: Objective) -> Any:
    """Return the problem's region.

    Raises
    ------
    InputError
        If it has none.
    """
    if problem.region is None:
        raise InputError(
            "the problem has no region", where=problem.name, remedy="add [region] to the specification", region=None
        )
    return problem.region
