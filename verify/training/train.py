"""Training in which every step's decrease is proved, or the run says which was not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from verify.outcomes import InputError, Verdict
from verify.training.momentum import Norm
from verify.training.rules import CertifiedRule, FixedRule, GuardedRule, Rule
from verify.training.trajectory import StepRecord, Trajectory

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

RuleName = Literal["certified", "guarded", "fixed"]


def train(
    problem: Problem,
    w0: Any = None,
    *,
    steps: int = 100,
    rule: RuleName = "certified",
    eta: float | None = None,
    tau: float | None = None,
    norm: Norm = "global",
    gradient_tolerance: float = 0.0,
    callback: Callable[[int, float, StepRecord], None] = lambda index, error, record: None,
) -> Trajectory:
    """Train with a proof of decrease for every step.

    Parameters
    ----------
    problem : Problem
    w0 : array, shape (P,), optional
        Default: the problem's initial weights.
    steps : int
        Budget.
    rule : {"certified", "guarded", "fixed"}
        certified: the step's length is proved before it is taken, along -g combined with the previous direction;
        guarded: the same directions, decrease proved after the fact, with backtracking;
        fixed: the theorem's adaptive momentum with constant (eta, tau); a step that increases the error is
        recorded as REFUTED and the run goes on.
    eta, tau : float
        For ``rule="fixed"`` only, and needed there.
    norm : {"global", "vertex"}
        Norms of the adaptive momentum, for ``rule="fixed"``.
    gradient_tolerance : float
        Stop when |grad E| is proved to be at most this.
    callback : callable
        Called with (step number from 1, E after the step, record).

    Returns
    -------
    Trajectory

    Raises
    ------
    InputError
        If the rule is unknown or its settings are missing or out of range.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0], [-1.0]], [[0.5], [0.0]])
    >>> run = train(problem, steps=5)
    >>> {verdict.name for verdict in run.verdicts}, bool(run.errors[-1] < run.errors[0])
    ({'PROVED'}, True)
    """
    if not (isinstance(steps, int) and steps >= 0):
        raise InputError("steps must be a whole number, not negative", steps=steps)
    chosen = _rule(rule, eta, tau, norm)
    w = problem.check_weights(problem.initial_weights if w0 is None else w0)
    errors = []
    records: list[StepRecord] = []
    stopped = "step budget"
    for index in range(1, steps + 1):
        error, gradient = problem.error_and_gradient(w)
        errors.append(error)
        if not (np.isfinite(error) and np.all(np.isfinite(gradient))):
            stopped = "overflow"
            break
        if gradient_tolerance > 0 and float(np.linalg.norm(gradient)) <= gradient_tolerance:
            bound = float(problem.gradient_enclosure(w).norm().upper)
            if bound <= gradient_tolerance:
                stopped = "gradient tolerance"
                break
        taken = chosen.step(problem, w, gradient)
        if taken is None:
            stopped = "no decrease can be proved any more"
            break
        w, record = taken
        records.append(record)
        callback(index, error, record)
        if record.verdict is Verdict.UNDECIDED:
            stopped = "a step's decrease is undecided"
            break
    if len(errors) == len(records):
        errors.append(problem.error(w))
    return Trajectory(np.array(errors), w, stopped, records)


def _rule(name: str, eta: float | None, tau: float | None, norm: Norm) -> Rule:
    if name == "fixed":
        if eta is None or tau is None or not (np.isfinite(eta) and eta > 0 and np.isfinite(tau) and tau >= 0):
            raise InputError("rule 'fixed' needs eta > 0 and tau >= 0", eta=eta, tau=tau)
        return FixedRule(eta, tau, norm)
    if eta is not None or tau is not None:
        raise InputError(f"rule {name!r} chooses eta and tau itself", remedy="leave them out", eta=eta, tau=tau)
    if name == "guarded":
        return GuardedRule()
    if name == "certified":
        return CertifiedRule()
    raise InputError("unknown rule", remedy="use 'certified', 'guarded' or 'fixed'", rule=name)
