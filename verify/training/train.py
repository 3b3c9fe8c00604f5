"""Training in which every step's decrease is proved, or the run says which was not."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from verify.arithmetic.floats import exact_float
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError
from verify.training.momentum import Norm
from verify.training.quasi_newton import QuasiNewtonRule
from verify.training.rules import CertifiedRule, FixedRule, GuardedRule, Rule
from verify.training.session import Session
from verify.training.trajectory import StepRecord, Trajectory

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

RuleName = Literal["certified", "guarded", "fixed"]


def train(
    problem: Objective,
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
    problem : Objective
    w0 : array, shape (P,), optional
        Default: the problem's initial weights.
    steps : int
        Budget.
    rule : {"certified", "guarded", "fixed"}
        certified: the step's length is proved before it is taken, along -g combined with the previous direction;
        guarded: the same directions, decrease proved after the fact, with backtracking; for a `GraphProblem` several
        proposals of L-BFGS are one step;
        fixed: the theorem's adaptive momentum with constant (eta, tau); a step that increases the error is
        recorded as REFUTED and the run goes on.
    eta, tau : float
        For ``rule="fixed"`` only, and needed there.
    norm : {"global", "vertex"}
        Norms of the adaptive momentum, for ``rule="fixed"``.
    gradient_tolerance : float
        Stop when |grad E| is proved to be at most this.
    callback : callable
        Called with (step number from 1, E before the step, record).

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
    if not (isinstance(steps, int) and not isinstance(steps, bool) and steps >= 0):
        raise InputError("steps must be a whole number, not negative", steps=steps)
    session = Session(problem, make_rule(rule, eta, tau, norm, problem), w0, gradient_tolerance=gradient_tolerance)
    errors: list[float] = []
    records: list[StepRecord] = []
    while len(records) < steps and (record := session.step()) is not None:
        errors.append(session.error)
        records.append(record)
        callback(session.index, session.error, record)
    errors.append(problem.error(session.weights))
    stopped = session.stopped or "step budget"
    return Trajectory(np.array(errors), session.weights.copy(), stopped, records, session.error_upper)


def make_rule(
    name: str,
    eta: float | None = None,
    tau: float | None = None,
    norm: str = "global",
    problem: Objective | None = None,
) -> Rule:
    """Return a step rule by name.

    Parameters
    ----------
    name : {"certified", "guarded", "fixed"}
    eta, tau, norm
        For ``"fixed"`` only.
    problem : Objective, optional
        What it is for: ``"guarded"`` proposes by L-BFGS for a `GraphProblem`, else along conjugate directions.

    Raises
    ------
    InputError
        If the rule is unknown or its settings are missing or out of range.
    """
    if name not in ("certified", "guarded", "fixed"):
        raise InputError("unknown rule", remedy="use 'certified', 'guarded' or 'fixed'", rule=name)
    if name == "fixed":
        eta, tau = (
            None if number is None else exact_float(number, name) for name, number in (("eta", eta), ("tau", tau))
        )
        if eta is None or tau is None or not (np.isfinite(eta) and eta > 0 and np.isfinite(tau) and tau >= 0):
            raise InputError("rule 'fixed' needs eta > 0 and tau >= 0", eta=eta, tau=tau)
        if norm not in ("global", "vertex"):
            raise InputError("unknown norm", remedy="use 'global' or 'vertex'", norm=norm)
        return FixedRule(eta, tau, "global" if norm == "global" else "vertex")
    if eta is not None or tau is not None:
        raise InputError(f"rule {name!r} chooses eta and tau itself", remedy="leave them out", eta=eta, tau=tau)
    if name == "certified":
        return CertifiedRule()
    return QuasiNewtonRule() if isinstance(problem, GraphProblem) else GuardedRule()
