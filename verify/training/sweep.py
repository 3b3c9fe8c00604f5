"""SGD with momentum at every pair of a grid of learning rates and momenta, each step of each run decided."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

from verify.arithmetic.decimals import at_least
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.calculus.objective import Objective
from verify.notebook import table
from verify.outcomes import InputError, Verdict
from verify.training.clipped import ClippedRule
from verify.training.session import UNDECIDED_STEP, Session
from verify.workers import Workers, check_workers, results

_UNCUT = sys.float_info.max
"""A momentum size that cuts no momentum term."""
MOST_PAIRS = 10_000


@dataclass(frozen=True)
class SweptRun:
    """What one pair of the grid did.

    Parameters
    ----------
    lr, momentum : float
        As `torch.optim.SGD` means them.
    decreased, increased : int
        Steps after which the error of the stored weights is proved to be lower or equal, and higher.
    first_increase : int or None
        Number of the first step, from 1, that is proved to have raised the error.
    error : float
        E at the last weights, in float64.
    error_upper : float
        Proved upper bound of it.
    stopped : str
        Why the run ended: ``"step budget"``, ``"overflow"``, ``"a step's decrease is undecided"``, ...
    """

    lr: float
    momentum: float
    decreased: int
    increased: int
    first_increase: int | None
    error: float
    error_upper: float
    stopped: str

    @property
    def verdict(self) -> Verdict:
        """Whether every step of this run decreased the error."""
        if self.increased:
            return Verdict.REFUTED
        return Verdict.PROVED if self.decreased and self.stopped != UNDECIDED_STEP else Verdict.UNDECIDED

    @property
    def words(self) -> str:
        """The run in one line."""
        steps = f"{self.decreased} steps down"
        if self.increased:
            steps += f", {self.increased} up, the first of them step {self.first_increase}"
        return f"{steps}; E = {self.error:.4g}, proved at most {at_least(self.error_upper)} ({self.stopped})"


@dataclass(frozen=True)
class SweptGrid:
    """The runs of a grid, in the order of its pairs.

    Parameters
    ----------
    name : str
        Of the problem.
    steps : int
        Budget of every run.
    runs : tuple of SweptRun
    """

    name: str
    steps: int
    runs: tuple[SweptRun, ...]

    @property
    def best(self) -> SweptRun | None:
        """The run of the lowest proved error among those whose every step decreased it, if there is one."""
        steady = [run for run in self.runs if run.verdict is Verdict.PROVED]
        return min(steady, key=lambda run: run.error_upper, default=None)

    @property
    def verdict(self) -> Verdict:
        """Whether there is a run whose every step decreased the error."""
        if self.best is not None:
            return Verdict.PROVED
        rose = all(run.verdict is Verdict.REFUTED for run in self.runs)
        return Verdict.REFUTED if rose else Verdict.UNDECIDED

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        runs = [{**asdict(run), "verdict": run.verdict.value} for run in self.runs]
        best = self.best
        return {
            "name": self.name,
            "steps": self.steps,
            "best": None if best is None else {"lr": best.lr, "momentum": best.momentum},
            "runs": runs,
        }

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        rows = [(f"lr={run.lr}, momentum={run.momentum}", f"{run.verdict.value}: {run.words}") for run in self.runs]
        return table(f"{self.name}: did every step, of at most {self.steps}, decrease the error?", rows)


@certified_environment()
def sweep(
    problem: Objective,
    lr: Sequence[float],
    momentum: Sequence[float] = (0.0,),
    *,
    steps: int = 100,
    workers: Workers = 1,
    progress: Callable[[SweptRun], None] = lambda run: None,
) -> SweptGrid:
    """Train at every pair of learning rate and momentum, and decide of every step whether it decreased the error.

    The rule is SGD with momentum on all samples, from the initial weights and from rest: nothing is cut or shortened.
    What is said of a run is said of its stored weights, not of other runs with the same setting; `verify.recommend` and
    `verify.check` speak of those.

    Parameters
    ----------
    problem : Problem or GraphProblem
    lr, momentum : sequence of float
        At most 10,000 pairs in all; lr > 0, 0 <= momentum < 1.
    steps : int
        Budget of every run, which also ends at overflow and where a step's decrease stays undecided.
    workers : int or str
        Processes of this machine (1: this one), or the address of a Dask scheduler; the runs are the same, bit for bit,
        on processors of one kind.
    progress : callable
        Called with every run, in order.

    Returns
    -------
    SweptGrid

    Raises
    ------
    InputError
        If a number is out of range, or workers cannot be had.

    Examples
    --------
    >>> import verify
    >>> found = sweep(verify.load_problem("examples/xor_skip.toml"), lr=[0.1, 100.0], momentum=[0.0, 0.9], steps=3)
    >>> [(run.lr, run.momentum, run.verdict.value) for run in found.runs][:2]
    [(0.1, 0.0, 'PROVED'), (0.1, 0.9, 'PROVED')]
    >>> found.best.momentum
    0.9
    """
    rates = _numbers(lr, "lr", lambda value: 0 < value < float("inf"), "give finite numbers > 0")
    momenta = _numbers(momentum, "momentum", lambda value: 0 <= value < 1, "give numbers in [0, 1)")
    if len(rates) * len(momenta) > MOST_PAIRS:
        raise InputError(
            "too many pairs", pairs=len(rates) * len(momenta), remedy=f"give at most {MOST_PAIRS} pairs in all"
        )
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError("steps must be a positive whole number", steps=steps, remedy="give steps=100")
    runs = []
    for run in _runs(problem, list(product(rates, momenta)), steps, check_workers(workers)):
        runs.append(run)
        progress(run)
    return SweptGrid(problem.name, steps, tuple(runs))


def _numbers(given: Sequence[float], name: str, is_allowed: Callable[[float], bool], remedy: str) -> tuple[float, ...]:
    named: dict[str, Any] = {name: given}
    if isinstance(given, str | bytes) or not hasattr(given, "__iter__"):
        raise InputError("a grid needs lists of numbers", **named, remedy=f"give {name}=[{given}]")
    numbers = tuple(exact_float(value, name) for value in given)
    if not numbers:
        raise InputError("a grid needs a number", **named, remedy=remedy)
    for value in numbers:
        if not is_allowed(value):
            raise InputError("out of range", remedy=remedy, **{name: value})  # type: ignore[arg-type]
    return numbers


def _runs(problem: Objective, pairs: list[tuple[float, float]], steps: int, workers: Workers) -> Iterator[SweptRun]:
    if workers == 1:
        yield from (swept(problem, pair, steps) for pair in pairs)
        return
    with results(_swept, pairs, workers=workers, chunksize=1, prepare=_prepare, arguments=(problem, steps)) as found:
        yield from found


_subject: list[tuple[Objective, int]] = []
"""What a process trains, and for how many steps."""


def _prepare(problem: Objective, steps: int) -> None:
    _subject[:] = [(problem, steps)]


def _swept(pair: tuple[float, float]) -> SweptRun:
    problem, steps = _subject[0]
    return swept(problem, pair, steps)


@certified_environment()
def swept(problem: Objective, pair: tuple[float, float], steps: int) -> SweptRun:
    """Return what SGD did at one learning rate and momentum."""
    lr, momentum = pair
    session = Session(problem, ClippedRule(lr, momentum, _UNCUT))
    counts = dict.fromkeys(Verdict, 0)
    first_increase = None
    while session.index < steps and (record := session.step()) is not None:
        counts[record.verdict] += 1
        if record.verdict is Verdict.REFUTED and first_increase is None:
            first_increase = session.index
    return SweptRun(
        lr,
        momentum,
        counts[Verdict.PROVED],
        counts[Verdict.REFUTED],
        first_increase,
        problem.error(session.weights),
        session.error_upper,
        session.stopped or "step budget",
    )
