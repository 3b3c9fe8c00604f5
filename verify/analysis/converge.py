"""Train, refine by Newton steps, and prove that a minimum has been reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from verify.analysis.flat_directions import FlatDirections, flat_by_curvature, flat_by_data, needed_curvature
from verify.analysis.minimum import Minimum, Saddle
from verify.arithmetic import decompositions
from verify.arithmetic.decimals import at_least, at_most
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.intervals import Interval
from verify.arithmetic.lengths import length
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.local_curvature import LocalCurvature, check_provable, local_curvature, roomiest_radius
from verify.budget import OverBudgetError, check_time, time_limit
from verify.calculus.decide import decide_decrease
from verify.graph.local_curvature import is_smooth_near
from verify.graph.problem import GraphProblem
from verify.outcomes import Finding, InputError, Verdict
from verify.theorems.local_minimum import LocalMinimum, local_minimum
from verify.training.evaluation import error_range
from verify.training.newton import NewtonRule
from verify.training.quasi_newton import QuasiNewtonRule
from verify.training.rules import CertifiedRule, Rule
from verify.training.session import Session

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_CLOSE = 1e-5
"""Share of the first gradient's length at which Newton steps take over."""
_STEPS, _NEWTON_STEPS = 5000, 100
_SADDLE_HALVINGS = 60
_NEAR = 2.0**-16
"""Distance at which the growth of the Hessian is asked for where there is no minimum."""


@certified_environment()
def converge(
    problem: Objective,
    w0: Any = None,
    *,
    steps: int = _STEPS,
    newton_steps: int = _NEWTON_STEPS,
    rule: Literal["guarded", "certified"] = "guarded",
    time_limit_s: float | None = None,
    announce: Callable[[str], None] = lambda message: None,
    drive: Callable[[Session, int], None] | None = None,
) -> Minimum:
    """Train until the gradient is at its rounding floor, and prove that a strict minimiser of E is there.

    Every step's decrease is proved. Then the eigenvalues of the Hessian are bounded, at the weights from the whole
    matrix, around them by its growth, and theorem `local_minimum` is applied on the ball where it has the most room.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w0 : array, shape (P,), optional
        Default: the problem's initial weights.
    steps : int
        Budget of training.
    newton_steps : int
        Budget of Newton steps after it.
    rule : {"guarded", "certified"}
        Of training; guarded proposes by L-BFGS.
    time_limit_s : float, optional
        Processor time; what is not proved in it is undecided.
    announce : callable
        Told what is being done.
    drive : callable, optional
        Takes the training's session and `steps`, and trains, into a run folder for instance; default: step by step.

    Returns
    -------
    Minimum
        PROVED: the ball holds exactly one stationary point, a strict minimiser, and adaptive momentum from the stored
        weights converges to it. REFUTED: the weights are no local minimiser, by a direction of negative curvature and a
        step that lowers E. UNDECIDED: with the flat directions, where there are any, and the remedy.

    Raises
    ------
    InputError
        If a setting is out of range.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> architecture = verify.Architecture.from_data(nodes, output="y")
    >>> found = converge(verify.Problem(architecture, [[1.0], [-1.0]], [[0.5], [0.0]]))
    >>> found.verdict.value, found.proof.distance < 1e-12
    ('PROVED', True)
    """
    for name, count in (("steps", steps), ("newton_steps", newton_steps)):
        if not (isinstance(count, int) and not isinstance(count, bool) and count >= 0):
            raise InputError("must be a whole number, not negative", where=name, value=count, remedy="give 0 or more")
    if time_limit_s is not None:
        time_limit_s = exact_float(time_limit_s, "time_limit_s")
        if not time_limit_s >= 0:
            raise InputError(
                "a limit of time must not be negative", time_limit_s=time_limit_s, remedy="give 0 or more seconds"
            )
    if rule not in ("guarded", "certified"):
        raise InputError("unknown rule", rule=rule, remedy="use 'guarded' or 'certified'")
    announce, drive = as_users_code(announce), as_users_code(drive or _step_by_step)
    chosen = QuasiNewtonRule() if rule == "guarded" else CertifiedRule()
    search = _Search(problem, problem.check_weights(problem.initial_weights if w0 is None else w0), announce)
    try:
        with time_limit(time_limit_s, "the proof of a minimum"):
            return search.run(chosen, steps, newton_steps, drive)
    except (OverBudgetError, UndecidedHessianError, ArithmeticDomainError, np.linalg.LinAlgError) as error:
        return search.undecided(str(error), remedy=getattr(error, "remedy", None))


class _Search:
    """Weights, the steps that led to them, and what is proved there."""

    def __init__(self, problem: Objective, w: np.ndarray, announce: Callable[[str], None]) -> None:
        self.problem, self.weights, self.announce = problem, w, announce
        self.steps = {"training": 0, "newton": 0}
        self.gradient = np.inf

    def run(self, rule: Rule, steps: int, newton_steps: int, drive: Callable[[Session, int], None]) -> Minimum:
        """Train and examine where training ended; what cannot be proved whatever the weights needs no training."""
        check_provable(self.problem)
        if (flat := flat_by_data(self.problem)) is not None:
            self._measure()
            return self._flat(flat)
        self.announce("training")
        self._train(rule, steps, drive)
        self.announce("Newton steps")
        self._refine(newton_steps)
        self._measure()
        if not np.isfinite(self.gradient):
            return self.undecided("numbers overflow", "use smaller weights or data")
        self.announce("bounding the eigenvalues of the Hessian")
        curvature = local_curvature(self.problem, self.weights)
        if not (np.isfinite(curvature.least) and np.isfinite(curvature.largest)):
            return self.undecided("no bounds of the eigenvalues were found", "use smaller weights or data")
        if curvature.least > 0:
            return self._minimum(curvature)
        return self._no_minimum(curvature)

    def _train(self, rule: Rule, steps: int, drive: Callable[[Session, int], None]) -> None:
        tolerance = _CLOSE * length(self.problem.gradient(self.weights))
        session = Session(self.problem, rule, self.weights, gradient_tolerance=tolerance if tolerance < np.inf else 0.0)
        try:
            drive(session, steps)
        finally:
            self.weights, self.steps["training"] = session.weights, session.index

    def _refine(self, steps: int) -> None:
        session = Session(self.problem, NewtonRule(), self.weights)
        while session.index < steps and not self._at_the_floor() and session.step() is not None:
            self.weights, self.steps["newton"] = session.weights, session.index

    def _at_the_floor(self) -> bool:
        """Whether the gradient's enclosure is no longer than its own radius: nothing more can be proved of it."""
        gradient = self.problem.gradient_enclosure(self.weights)
        return bool(np.linalg.norm(gradient.mid) <= np.linalg.norm(gradient.rad))

    def _measure(self) -> None:
        self.gradient = float(self.problem.gradient_enclosure(self.weights).norm().upper)

    def _minimum(self, curvature: LocalCurvature) -> Minimum:
        radius, growth = roomiest_radius(curvature.least, curvature.growth)
        least, largest = curvature.over(radius) if radius else (-np.inf, np.inf)
        if not (least > 0 and largest < np.inf):
            return self.undecided("no ball was found on which the curvature stays positive")
        proof = local_minimum(least, largest, radius, self.gradient)
        hypotheses = self._hypotheses(curvature, proof)
        if proof.verdict is Verdict.PROVED:
            return self._answer(Verdict.PROVED, _words(proof), proof=proof, hypotheses=hypotheses)
        if not self._at_the_floor():
            words = f"the gradient is not small enough yet: |grad E| <= {at_least(self.gradient)}"
            return self.undecided(words, proof.remedy)
        flat = flat_by_curvature(self.problem, curvature, self.gradient, growth / radius)
        return self._flat(flat, hypotheses)

    def _no_minimum(self, curvature: LocalCurvature) -> Minimum:
        values, vectors = decompositions.eigh(curvature.hessian())
        grown = curvature.growth(_NEAR)
        slope = max(grown / _NEAR, 1.0) if grown < np.inf else 1.0
        if values[0] >= -needed_curvature(curvature, self.gradient, slope):  # no more than a valley's rounding
            return self._flat(flat_by_curvature(self.problem, curvature, self.gradient, slope))
        saddle = find_saddle(self.problem, self.weights, vectors[:, 0])
        if saddle is not None and (self._at_the_floor() or not np.any(self.problem.gradient(self.weights))):
            size = length(saddle.following - self.weights)
            words = (
                f"the weights are no local minimiser: along a direction E has a curvature of at most "
                f"{at_least(saddle.curvature)}, and a step of a length of about {size:.3g} "
                f"lowers E by at least {at_most(saddle.decrease)}"
            )
            return self._answer(Verdict.REFUTED, words, saddle=saddle, remedy="train on from the step (w0 = next)")
        if saddle is not None:
            words = f"training has not converged: |grad E| <= {at_least(self.gradient)}, and E still curves downwards"
            return self.undecided(words, "allow more steps")
        return self._flat(flat_by_curvature(self.problem, curvature, self.gradient, slope))

    def _flat(self, flat: FlatDirections, hypotheses: tuple[Finding, ...] = ()) -> Minimum:
        words = f"no strict minimiser can be proved: {flat.words()}"
        return self._answer(Verdict.UNDECIDED, words, flat=flat, hypotheses=hypotheses, remedy=flat.remedy)

    def undecided(self, words: str, remedy: str | None = None) -> Minimum:
        """Return an answer that proves nothing."""
        return self._answer(Verdict.UNDECIDED, words, remedy=remedy)

    def _hypotheses(self, curvature: LocalCurvature, proof: LocalMinimum) -> tuple[Finding, ...]:
        """What theorem `local_minimum` needs, in its order."""
        room = f"(eta + tau) |grad E| < radius c m, with a factor of {at_most(proof.room)} to spare"
        numbers = {"least_at_weights": curvature.least, "largest_at_weights": curvature.largest}
        both = f"{at_most(proof.m)} <= Hess E <= {at_least(proof.L)} within {at_most(proof.radius)} of the weights"
        return (
            Finding("curvature", Verdict.PROVED, both, "second_derivative_descent", numbers=numbers),
            Finding("gradient", Verdict.PROVED, f"|grad E| <= {at_least(proof.gradient_norm)} at the weights"),
            Finding("room", proof.verdict, room, remedy=proof.remedy),
            Finding(
                "momentum",
                Verdict.UNDECIDED,
                f"every step is -{proof.eta!r} grad E + m with |m| <= {at_most(proof.tau)} |grad E|",
                needed_for="convergence from here; not for the minimum itself",
                counted=False,
                assumed=True,
            ),
        )

    def _answer(self, verdict: Verdict, statement: str, **more: Any) -> Minimum:
        error = error_range(self.problem, self.weights)
        steps = dict(self.steps)
        return Minimum(verdict, statement, self.weights, error, self.gradient, steps, **more, name=self.problem.name)


def _step_by_step(session: Session, steps: int) -> None:
    while session.index < steps and session.step() is not None:
        check_time()


@certified_environment()
def find_saddle(problem: Objective, w: np.ndarray, direction: np.ndarray) -> Saddle | None:
    """Prove negative curvature along a direction and a step of one of its two senses that lowers E; None without proof.

    Where E has a kink there is no curvature.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w, direction : array, shape (P,)
    """
    along = Interval.point(direction)
    image = problem.hessian_vector_enclosure(w, direction)
    curvature = (image * along).sum() / along.square().sum()
    upper = float(curvature.upper)
    if not upper < 0 or (isinstance(problem, GraphProblem) and not is_smooth_near(problem, w)):
        return None
    downhill = -direction if float(problem.gradient(w) @ direction) > 0 else direction
    size = max(1.0, length(w)) / length(direction)
    for _ in range(_SADDLE_HALVINGS):
        for sense in (downhill, -downhill):
            following = w + size * sense
            if np.array_equal(following, w) or not np.all(np.isfinite(following)):
                continue
            if problem.error(following) <= problem.error(w):
                decision = decide_decrease(problem, w, following, maximal_precision=256)
                if decision.sign == -1:
                    return Saddle(upper, direction, following, -decision.upper)
        size *= 0.5
    return None


def _words(proof: LocalMinimum) -> str:
    return (
        f"E has exactly one stationary point within {at_most(proof.radius)} of the weights, a strict minimiser, at "
        f"most {at_least(proof.distance)} away and at most {at_least(proof.excess)} lower; adaptive momentum with "
        f"eta={proof.eta!r}, tau <= {at_most(proof.tau)} converges to it from here, E minus its minimum by a factor "
        f"of at most 1 - {at_most(proof.rate)} a step"
    )
