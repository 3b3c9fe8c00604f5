"""Which learning rate and momentum are safe: proved for numbers of steps without a region, beside what fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from verify.analysis.lines import Surroundings, Vector, reach
from verify.analysis.proved_balls import Balls, Effort, ProvedBall
from verify.analysis.safe_setting import RULES, SEGMENT, Rule, SafeSetting, proved_in
from verify.analysis.seen_increases import Runs
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.lengths import length
from verify.bounds.hessian import check_smooth
from verify.budget import OverBudgetError, remaining, time_limit
from verify.notebook import table
from verify.outcomes import InputError, Verdict
from verify.sharing import sharing
from verify.theorems.numbers import steps_count
from verify.theorems.optimizers import CONVENTIONS, ConventionName, lr_of

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

STEPS = (1, 10, 100, 1000)
MOMENTA = (0.0, 0.5, 0.9)
DEFAULT_SECONDS = 180.0
CERTIFIED = (
    "or train certified: no lr is needed, every step is proved before it is taken "
    '(dagverify train SPEC --out RUN/, verify.train(problem, rule="certified"))'
)
_PROOFS = 0.6
"""Part of the time for proofs; the rest is for runs."""
_WITHOUT: tuple[Rule, ...] = ("plain",)
_WITH_MOMENTUM: tuple[Rule, ...] = ("classical", "clipped")


@dataclass(frozen=True, repr=False)
class Recommendation:
    """Safe learning rates, one setting for each number of steps, rule and momentum.

    Parameters
    ----------
    name : str
        Of the problem.
    settings : tuple of SafeSetting
    convention : str
        What lr and momentum mean, see `verify.theorems.optimizers.CONVENTIONS`.
    radii : int
        How many radii were tried.
    complete : bool
        False where the time was up before everything was tried.
    reason, remedy : str or None
        Why nothing is proved, and what to do.
    """

    name: str
    settings: tuple[SafeSetting, ...]
    convention: ConventionName = "torch"
    radii: int = 0
    complete: bool = True
    reason: str | None = None
    remedy: str | None = None

    @property
    def verdict(self) -> Verdict:
        """PROVED if some learning rate is proved for every number of steps."""
        counts = {each.steps for each in self.settings}
        proved = {each.steps for each in self.settings if each.lr is not None}
        return Verdict.PROVED if counts and proved == counts else Verdict.UNDECIDED

    def best(self, steps: int, momentum: float = 0.0, rule: str | None = None) -> SafeSetting:
        """Return the setting with the largest proved learning rate.

        Raises
        ------
        InputError
            If there is none for that number of steps, momentum and rule.
        """
        fitting = [
            each
            for each in self.settings
            if each.steps == steps and each.momentum == momentum and rule in (None, each.rule) and each.lr is not None
        ]
        if not fitting:
            raise InputError("nothing is proved for it", steps=steps, momentum=momentum, rule=rule, remedy=CERTIFIED)
        return max(fitting, key=lambda each: each.lr or 0.0)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "convention": self.convention,
            "settings": [each.to_json() for each in self.settings],
            "rules": RULES,
            "radii": self.radii,
            "complete": self.complete,
            "reason": self.reason,
            "remedy": self.remedy,
            "otherwise": CERTIFIED,
        }

    @property
    def rows(self) -> tuple[tuple[str, SafeSetting], ...]:
        """Each question in words with its answer; the first step is one question, whatever the momentum."""
        found: list[tuple[str, SafeSetting]] = []
        for each in self.settings:
            if each.theorem == SEGMENT and not CONVENTIONS[self.convention].averages:
                found += [] if any(other.theorem == SEGMENT for _, other in found) else [("1 step, any momentum", each)]
            else:
                found.append((each.question, each))
        return tuple(found)

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        rows = [(question, each.words) for question, each in self.rows]
        notes = [("why not", self.reason)] if self.reason else []
        return table(f"{self.name}: learning rates that are safe", [*rows, *notes], self.verdict.value)

    def __repr__(self) -> str:
        rows = [f"{question}: {each.words}" for question, each in self.rows]
        head = f"{self.name}: learning rates that are safe ({self.verdict.value})"
        return "\n".join([head, *rows, *([self.reason] if self.reason else []), CERTIFIED])


@certified_environment()
@sharing()
def recommend(
    problem: Objective,
    *,
    steps: Sequence[int] = STEPS,
    momenta: Sequence[float] = MOMENTA,
    convention: ConventionName = "torch",
    seconds: float = DEFAULT_SECONDS,
    progress: Callable[[str], None] = lambda message: None,
) -> Recommendation:
    """Find learning rates that are proved to be safe from the initial weights on, and ones that are seen to fail.

    No region is needed: radii are tried, and the one that proves most is named. One step is proved along its own line.
    Every number that is called proved was admitted by the exact test of its theorem.

    Parameters
    ----------
    problem : Problem or GraphProblem
        Its region, if it has one, is not used.
    steps : sequence of int
        Numbers of steps, from rest.
    momenta : sequence of float
        Of the classical rule and the clipped one; 0 is plain descent.
    convention : {"torch", "keras", "ema", "sutskever"}
        What lr means for the classical rule.
    seconds : float
        Processor time; what is not tried by then is left out.
    progress : callable
        Called with what is being done and how much time is left.

    Returns
    -------
    Recommendation

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    The error (w - 1)^2/2 from w = 0: any lr below 2 is safe, and 1000 steps are proved for all of them.

    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> architecture = verify.Architecture.from_data(nodes, "y")
    >>> problem = verify.Problem(architecture, [[1.0]], [[1.0]], initial_weights=[0.0])
    >>> found = recommend(problem, steps=(1, 10), momenta=(0.0,))
    >>> found.verdict.value, 1.9 < found.best(1).lr <= 2.0, found.best(1).seen.lr > 2.0
    ('PROVED', True, True)
    """
    if not (isinstance(seconds, int | float) and seconds > 0):
        raise InputError("the time must be a number of seconds", seconds=seconds, remedy="use seconds = 180")
    if convention not in CONVENTIONS:
        remedy = f"use one of {', '.join(CONVENTIONS)}"
        raise InputError("unknown convention", convention=convention, remedy=remedy)
    counts = sorted({steps_count(count) for count in steps})
    sizes = sorted({exact_float(momentum, "momenta") for momentum in momenta})
    for size in sizes:
        if not 0 <= size < 1:
            raise InputError("a momentum must be in [0, 1)", momentum=size, remedy="use momenta = (0, 0.5, 0.9)")
    if not counts or not sizes:
        raise InputError(
            "nothing is asked", steps=counts, momenta=sizes, remedy="give a number of steps and a momentum"
        )
    asked = [
        SafeSetting(count, rule, size)
        for count in counts
        for size in sizes
        for rule in (_WITHOUT if size == 0 else _WITH_MOMENTUM)
    ]
    search = _Search(problem, asked, convention, as_users_code(progress))
    with time_limit(seconds, "the recommendation"):
        search.prove(_PROOFS * seconds)
        search.look()
    return search.answer()


class _Search:
    """Fills in the settings that are asked, as far as the time allows."""

    def __init__(
        self,
        problem: Objective,
        asked: Sequence[SafeSetting],
        convention: ConventionName,
        progress: Callable[[str], None],
    ) -> None:
        self.problem, self.convention, self.announce = problem, convention, progress
        self.settings = list(asked)
        self.radii = 0
        self.complete = True
        self.reason: str | None = None
        self.remedy: str | None = None

    def progress(self, what: str) -> None:
        self.announce(f"{what}; at most {remaining():.0f} s left")

    def prove(self, seconds: float) -> None:
        """Prove learning rates within a time."""
        balls: Balls | None = None
        try:
            with time_limit(seconds, "the choice of a radius"):
                check_smooth(self.problem)
                balls = Balls(self.problem)
                with suppress(OverBudgetError), time_limit(seconds / 4, "the first step"):
                    self._first_step(balls.unit)
                self._coarse(balls)
                self._fine(balls)
        except OverBudgetError:
            self.complete = False
        except InputError as error:
            if balls is not None:
                raise
            self.reason, self.remedy = (f"{error.where}: {error.what}" if error.where else error.what), error.remedy
        self.radii = 0 if balls is None else len({ball.radius for ball in balls.proved})

    def _first_step(self, distance: float) -> None:
        """Prove the first step along its own line: from rest it is -lr grad E whatever the momentum is."""
        gradient = self.problem.gradient(self.problem.initial_weights)
        if not gradient.any() or all(each.steps > 1 for each in self.settings):
            return
        self.progress("proving the first step along its line")
        around = Surroundings(self.problem, self.problem.initial_weights)
        found = reach(around, Vector.of(-around.gradient, -gradient), distance / length(gradient))
        if not found.exact or found.until <= 0:
            return
        eta = found.until if found.stored is None else min(found.until, found.stored[1])
        for index, each in enumerate(self.settings):
            lr = lr_of(eta, each.momentum, self.convention) if each.rule == "classical" else eta
            if each.steps == 1 and lr is not None:
                self.settings[index] = replace(each, lr=lr, eta=eta, theorem=SEGMENT)

    def _coarse(self, balls: Balls) -> None:
        self.progress("trying radii by cheap bounds")
        for _, ball in balls.coarse():
            self._take(ball)

    def _fine(self, balls: Balls) -> None:
        """Try radii around the best of each number of steps: one each, then more, then the best method at the best."""
        counts = sorted({each.steps for each in self.settings if each.theorem != SEGMENT}, reverse=True)
        best = {count: self._best_coarse(balls, count) for count in counts}
        for stride in (0, 4, 2):
            for count in counts:
                best[count] = self._climbed(balls, count, best[count], stride)
        for count in counts:
            self._tried(balls, count, best[count], "best")

    def _best_coarse(self, balls: Balls, count: int) -> int:
        scores = {quarter: self._score(ball, count) for quarter, ball in balls.coarse()}
        return max(scores, key=scores.__getitem__, default=0)

    def _climbed(self, balls: Balls, count: int, best: int, stride: int) -> int:
        """Return where most is proved, going from `best` in strides as long as it grows."""
        value = self._tried(balls, count, best, "good")
        for direction in (stride, -stride) if stride else ():
            while (following := self._tried(balls, count, best + direction, "good")) > value:
                best, value = best + direction, following
        return best

    def _tried(self, balls: Balls, count: int, quarter: int, effort: Effort) -> float:
        if not balls.is_known(quarter, effort):
            self.progress(f"{count} steps: trying radius {balls.radius(quarter):.3g}")
        ball = balls.at(quarter, effort)
        if ball is None:
            return 0.0
        self._take(ball)
        return self._score(ball, count)

    def _score(self, ball: ProvedBall, count: int) -> float:
        """Return the smallest eta that a ball proves with one of the momenta asked: in any convention the same."""
        asked = (each for each in self.settings if each.steps == count)
        return min(proved_in(ball, each.empty, self.convention).eta or 0.0 for each in asked)

    def _take(self, ball: ProvedBall) -> None:
        self.settings = [each.better(proved_in(ball, each.empty, self.convention)) for each in self.settings]

    def look(self) -> None:
        """Look for increases by running the algorithms, within the time that is left."""
        runs: dict[tuple[str, float], Runs] = {}
        try:
            for index, each in sorted(enumerate(self.settings), key=lambda item: item[1].steps):
                key = (each.rule, each.momentum)
                runs.setdefault(key, Runs(self.problem, each.rule, each.momentum, self.convention))
                self.progress(f"{each.question}: looking for an increase")
                error = runs[key].smallest(each, "error")
                seen = error if each.decreasing == "E" else runs[key].smallest(each, "energy")
                self.settings[index] = replace(each, seen=seen, error_seen=error, searched=True)
        except OverBudgetError:
            self.complete = False

    def answer(self) -> Recommendation:
        if self.reason is None and not self.complete:
            self.remedy = "allow more time (--time-limit)"
        return Recommendation(
            self.problem.name,
            tuple(self.settings),
            self.convention,
            self.radii,
            self.complete,
            self.reason,
            self.remedy,
        )
