"""Assert that no step of a training run increased the error."""

from __future__ import annotations

from typing import Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import float64_array
from verify.calculus.decide import decide_decrease
from verify.calculus.objective import Objective
from verify.outcomes import InputError, Verdict
from verify.testing.counterexample import CounterexampleError
from verify.training.trajectory import Trajectory

_REMEDY = "use a smaller learning rate or momentum: assert_admissible says which"


@certified_environment()
def assert_monotone_decrease(trajectory: Trajectory | Any, problem: Objective | None = None) -> int:
    """Fail unless the error did not increase at any step.

    Parameters
    ----------
    trajectory : Trajectory or array
        A run of `verify.train`, whose steps carry their proofs; or your own run: the weights before the first and
        after every step, (steps + 1, P), with `problem`; or the errors alone, (steps + 1,), which are compared as the
        floating-point numbers they are, without slack.
    problem : Problem or GraphProblem, optional
        Whose error is decided rigorously at the weights given.

    Returns
    -------
    int
        Number of steps looked at, at least 1.

    Raises
    ------
    CounterexampleError
        With the first step that increased the error, or whose sign stayed open.
    InputError
        If there is no step, or the array is neither weights nor errors.

    Examples
    --------
    >>> assert_monotone_decrease([0.5, 0.25, 0.25])
    2
    >>> assert_monotone_decrease([0.5, 0.25, 0.26])
    Traceback (most recent call last):
        ...
    verify.testing.counterexample.CounterexampleError: REFUTED: step 2 raised the error from 0.25 to 0.26
    remedy: use a smaller learning rate or momentum: assert_admissible says which
    """
    __tracebackhide__ = True
    if isinstance(trajectory, Trajectory):
        return _run(trajectory)
    values = float64_array(trajectory, "trajectory")
    if values.ndim not in (1, 2) or (values.ndim == 2) != (problem is not None):
        raise InputError(
            "neither errors nor weights of a run",
            where="trajectory",
            shape=values.shape,
            remedy="give errors (steps + 1,), or weights (steps + 1, P) together with the problem",
        )
    if len(values) < 2:
        raise InputError("a run without a step", where="trajectory", length=len(values), remedy="take a step")
    return _errors(values) if problem is None else _weights(values, problem)


def _run(trajectory: Trajectory) -> int:
    if not trajectory.steps:
        raise InputError("a run without a step", where="trajectory", stopped=trajectory.stopped, remedy="take a step")
    for index, step in enumerate(trajectory.steps, start=1):
        if step.verdict is not Verdict.PROVED:
            before, after = (float(error) for error in trajectory.errors[index - 1 : index + 1])
            example = {"step": index, "eta": step.eta, "tau": step.tau, "error": before, "next_error": after}
            statement = (
                f"step {index} with eta={step.eta!r}, tau={step.tau!r}: error {before!r}, then {after!r} "
                f"({step.evidence})"
            )
            replay = f"verify.train with the same arguments and steps={index}"
            raise CounterexampleError(statement, step.verdict, _REMEDY, replay, example)
    return len(trajectory.steps)


def _errors(errors: np.ndarray) -> int:
    for index in range(1, len(errors)):
        before, after = float(errors[index - 1]), float(errors[index])
        if not after <= before or not np.isfinite(before):
            finite = bool(np.isfinite(before) and np.isfinite(after))
            verdict = Verdict.REFUTED if finite else Verdict.UNDECIDED
            example = {"step": index, "error": before, "next_error": after} if finite else None
            verb = "raised" if finite else "changed"
            raise CounterexampleError(
                f"step {index} {verb} the error from {before!r} to {after!r}", verdict, _REMEDY, None, example
            )
    return len(errors) - 1


def _weights(weights: np.ndarray, problem: Objective) -> int:
    for index in range(1, len(weights)):
        w, w_next = weights[index - 1], weights[index]
        decision = decide_decrease(problem, w, w_next)
        if decision.decreases is not Verdict.PROVED:
            statement = f"step {index}: E(w_next) - E(w) lies in [{decision.lower!r}, {decision.upper!r}]"
            replay = f"assert verify.decide_decrease(problem, {w.tolist()!r}, {w_next.tolist()!r}).sign in (-1, 0)"
            example = {"step": index, "w": w.tolist(), "w_next": w_next.tolist()}
            raise CounterexampleError(statement, decision.decreases, _REMEDY, replay, example)
    return len(weights) - 1
