"""A training run that can be driven step by step, saved and restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.lengths import length
from verify.arithmetic.rational import round_up
from verify.bounds.start import StartPass
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.outcomes import InputError, Verdict
from verify.training.evaluation import error_range
from verify.training.rules import NoStepError, Rule, State
from verify.training.state import SavedState
from verify.training.trajectory import StepRecord

UNDECIDED_STEP = "a step's decrease is undecided"
"""Why a run stopped."""


class Session:
    """Weights, rule and proved error bound of a run, advanced by `step` until `stopped` says why not.

    Parameters
    ----------
    problem : Objective
    rule : Rule
    w0 : array, shape (P,), optional
        Default: the problem's initial weights.
    gradient_tolerance : float
        Stop when |grad E| is proved to be at most this.

    Attributes
    ----------
    index : int
        Steps taken.
    weights, start : array, shape (P,)
        Now and before the first step; read-only, what is proved is proved of them.
    error, gradient_norm : float
        In float64, before the step taken last; the latter is no number where neither the rule nor a tolerance needs it.
    error_range : (float, float)
        Proved bounds of E before the step taken last.
    error_upper : float
        Proved upper bound of E at `weights`, from the evaluation of E before the last step and its proved decrease.
    stopped : str or None
    """

    @certified_environment()
    def __init__(self, problem: Objective, rule: Rule, w0: Any = None, *, gradient_tolerance: float = 0.0) -> None:
        gradient_tolerance = exact_float(gradient_tolerance, "gradient_tolerance")
        if not (np.isfinite(gradient_tolerance) and gradient_tolerance >= 0):
            raise InputError(
                "the tolerance must be finite, not negative",
                gradient_tolerance=gradient_tolerance,
                remedy="give a finite number >= 0",
            )
        self.problem = problem
        self.rule, self.gradient_tolerance = rule, gradient_tolerance
        self.start = _own(problem.check_weights(problem.initial_weights if w0 is None else w0))
        self.weights = self.start
        self.index = 0
        self.error = self.gradient_norm = np.inf
        self.error_range = (0.0, np.inf)
        self.error_upper = error_range(self.problem, self.weights)[1]
        self.stopped: str | None = None
        self._pass = StartPass(problem) if rule.bounds_segments and isinstance(problem, Problem) else None

    @certified_environment()
    def step(self) -> StepRecord | None:
        """Take one step and return its record, or None when the run has stopped."""
        if self.stopped is not None:
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            gradient = self._evaluated()
            self.stopped = self._reason_to_stop(gradient)
            if self.stopped is not None:
                return None
            self.error_range = self._range()
            try:
                w_next, record = self.rule.step(self.problem, self.weights, gradient, self._pass)
            except NoStepError as reason:
                self.stopped = str(reason)
                return None
            self.weights = _own(w_next)
        self.index += 1
        self._follow(record)
        if record.verdict is Verdict.UNDECIDED:
            self.stopped = UNDECIDED_STEP
        return record

    def _evaluated(self) -> np.ndarray:
        """Evaluate E in float64 and return its gradient: no numbers where nobody asks for it."""
        if not (self.rule.uses_gradients or self.gradient_tolerance):
            self.error, self.gradient_norm = self.problem.error(self.weights), np.nan
            return np.zeros(0)
        evaluated = self.problem if self._pass is None else self._pass
        self.error, gradient = evaluated.error_and_gradient(self.weights)
        self.gradient_norm = length(gradient)
        return gradient

    def _reason_to_stop(self, gradient: np.ndarray) -> str | None:
        if not np.isfinite(self.error) or (gradient.size and not np.isfinite(self.gradient_norm)):
            return "overflow"
        if 0 < self.gradient_tolerance >= self.gradient_norm:
            proved = float(self.problem.gradient_enclosure(self.weights).norm().upper)
            if proved <= self.gradient_tolerance:
                return "gradient tolerance"
        return "the computed gradient is zero" if gradient.size and not np.any(gradient) else None

    def _range(self) -> tuple[float, float]:
        known = None if self._pass is None else self._pass.range
        return self.rule.error_range(self.problem, self.weights) if known is None else known

    def _follow(self, record: StepRecord) -> None:
        before = self.error_range[1]
        if not (np.isfinite(before) and np.isfinite(record.decrease)):
            self.error_upper = self.rule.error_range(self.problem, self.weights)[1]
            return
        self.error_upper = round_up(Fraction(before) - Fraction(record.decrease))

    def state(self) -> State:
        """Return everything that later steps depend on; what can be computed from the weights is not among it."""
        own = {"w": self.weights, "index": np.array(self.index), "undecided": np.array(self.stopped == UNDECIDED_STEP)}
        return {**own, **{f"rule_{name}": value for name, value in self.rule.state().items()}}

    @certified_environment()
    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from what `state` returned, to the same results bit for bit.

        Nothing that is claimed of the weights is taken from the state: E is enclosed again.

        Raises
        ------
        InputError
            If a field is missing, unknown, of another form, not finite or out of range.
        """
        saved = SavedState(state, self.start.size)
        saved.expect(("w", "index", "undecided"), [name for name in state if name.startswith("rule_")])
        weights, index, undecided = saved.vector("w"), saved.count("index"), saved.flag("undecided")
        self.rule.restore(replace(saved.part("rule_"), steps=index))
        self.weights, self.index = _own(weights), index
        self.error_upper = error_range(self.problem, self.weights)[1]
        self.stopped = UNDECIDED_STEP if undecided else None


def _own(weights: np.ndarray) -> np.ndarray:
    """Return a copy that nobody can write to."""
    copy = np.array(weights)
    copy.flags.writeable = False
    return copy
