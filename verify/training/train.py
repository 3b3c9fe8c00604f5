"""Training in which every step's decrease is proved, or the run says which was not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from verify.arithmetic.floats import exact_float
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError
from verify.theorems.ranges import range_of
from verify.training.clipped import ClippedRule
from verify.training.downhill import DownhillProof
from verify.training.epoch_rule import epoch_rule
from verify.training.momentum import Norm
from verify.training.quasi_newton import QuasiNewtonRule
from verify.training.rules import CertifiedRule, FixedRule, GuardedRule, Rule
from verify.training.secant_directions import SecantDirections
from verify.training.session import Session
from verify.training.trajectory import StepRecord, Trajectory

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

RuleName = Literal["certified", "guarded", "fixed", "restart", "clipped", "epoch"]
RULES: tuple[RuleName, ...] = get_args(RuleName)


def train(
    problem: Objective,
    w0: Any = None,
    *,
    steps: int = 100,
    rule: RuleName = "certified",
    eta: float | None = None,
    tau: float | None = None,
    norm: Norm = "global",
    mu: float | None = None,
    theorem: str = "sharp",
    batch: Any = None,
    epochs: Mapping[str, Any] | None = None,
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
        Budget; epochs for ``rule="epoch"``.
    rule : {"certified", "guarded", "fixed", "restart", "clipped", "epoch"}
        certified: the step's length is proved before it is taken, along -g combined with the previous direction;
        guarded: the same directions, decrease proved after the fact, with backtracking; for a `GraphProblem` several
        proposals of L-BFGS are one step;
        fixed: the theorem's adaptive momentum with constant (eta, tau); a step that increases the error is
        recorded as REFUTED and the run goes on;
        restart: the same, but momentum that points uphill (g.D_k > 0) is dropped, as in theorem `restart`;
        clipped: SGD with momentum mu from rest, whose momentum term is cut to tau |g| where it is longer;
        epoch: SGD with momentum mu on mini-batches; a step is a whole epoch, and one after which the error of all data
        did not provably fall is taken back and tried again with a smaller learning rate.
    eta, tau : float
        For the rules fixed, restart and clipped only, and needed there; for ``"clipped"`` tau may be left out: then
        it is the largest of theorem `from_rest` on the problem's region. For ``"epoch"`` eta, needed, is the first
        learning rate.
    norm : {"global", "vertex"}
        Norms of the adaptive momentum, for ``rule="fixed"``.
    mu : float
        For ``rule="clipped"``, and needed there; for ``"epoch"``, default 0.
    theorem : {"sharp", "from_rest"}
        For ``rule="fixed"``. With ``"from_rest"`` the setting has to be in its range for the bound of the Hessian over
        the problem's region, and a step in it is proved by its slope alone where that is enough.
    batch : int or sequence of problems
        For ``rule="epoch"``, and needed there: samples a batch, consecutive ones; or a problem of the same weights for
        each batch.
    epochs : dict, optional
        For ``rule="epoch"``: ``seed`` of the batches' order, ``shrink`` and ``recover`` of
        `verify.training.epoch_rule.EpochRule`.
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
        raise InputError("steps must be a whole number, not negative", steps=steps, remedy="give 0 or more")
    chosen = make_rule(rule, eta, tau, norm, problem, mu=mu, theorem=theorem, batch=batch, epochs=epochs)
    session = Session(problem, chosen, w0, gradient_tolerance=gradient_tolerance)
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
    *,
    mu: float | None = None,
    theorem: str = "sharp",
    batch: Any = None,
    epochs: Mapping[str, Any] | None = None,
) -> Rule:
    """Return a step rule by name.

    Parameters
    ----------
    name : {"certified", "guarded", "fixed", "restart", "clipped", "epoch"}
    eta, tau, norm, mu, theorem, batch, epochs
        As in `train`.
    problem : Objective, optional
        What it is for: ``"guarded"`` and ``"certified"`` propose by L-BFGS for a `GraphProblem`, else along conjugate
        directions; theorem `from_rest` needs its region.

    Raises
    ------
    InputError
        If the rule is unknown or its settings are missing or out of range.
    """
    if name not in RULES:
        raise InputError("unknown rule", remedy=f"use one of {', '.join(RULES)}", rule=name)
    if theorem not in ("sharp", "from_rest") or (theorem != "sharp" and name != "fixed"):
        remedy = "use theorem = 'from_rest' or 'sharp' with rule 'fixed', none with another"
        raise InputError("no such theorem for this rule", rule=name, theorem=theorem, remedy=remedy)
    if mu is not None and name not in ("clipped", "epoch"):
        raise InputError("mu is for rules 'clipped' and 'epoch' only", rule=name, mu=mu, remedy="leave it out")
    if name == "epoch":
        return _epoch(eta, tau, norm, problem, mu, batch, epochs or {})
    if batch is not None or epochs:
        remedy = "use rule='epoch', or leave out batch and epochs"
        raise InputError("batches are for rule 'epoch' only", rule=name, batch=batch, remedy=remedy)
    if name in ("fixed", "restart", "clipped"):
        numbers = {"eta": eta, "tau": tau, "mu": mu}
        eta, tau, mu = (None if each is None else exact_float(each, key) for key, each in numbers.items())
    if name == "fixed":
        return _fixed(eta, tau, norm, problem, theorem)
    if name == "restart":
        if norm != "global":
            raise InputError("rule 'restart' needs norms over all weights", norm=norm, remedy="use norm = 'global'")
        return replace(_fixed(eta, tau, norm, problem, theorem), restart=True)
    if name == "clipped":
        return _clipped(eta, tau, mu, norm, problem)
    if eta is not None or tau is not None:
        raise InputError(f"rule {name!r} chooses eta and tau itself", remedy="leave them out", eta=eta, tau=tau)
    if name == "certified":
        return CertifiedRule(directions=SecantDirections()) if isinstance(problem, GraphProblem) else CertifiedRule()
    return QuasiNewtonRule() if isinstance(problem, GraphProblem) else GuardedRule()


def _fixed(eta: float | None, tau: float | None, norm: str, problem: Objective | None, theorem: str) -> FixedRule:
    if eta is None or tau is None or not (np.isfinite(eta) and eta > 0 and np.isfinite(tau) and tau >= 0):
        remedy = "give finite eta > 0 and tau >= 0"
        raise InputError("constant momentum needs eta > 0 and tau >= 0", eta=eta, tau=tau, remedy=remedy)
    if norm not in ("global", "vertex"):
        raise InputError("unknown norm", remedy="use 'global' or 'vertex'", norm=norm)
    if theorem == "sharp":
        return FixedRule(eta, tau, "global" if norm == "global" else "vertex")
    if norm != "global":
        raise InputError("theorem from_rest needs norms over all weights", norm=norm, remedy="use norm = 'global'")
    proof = _proof(problem)
    range_of("from_rest").checked(proof.L, eta, tau)
    return FixedRule(eta, tau, proof=proof)


def _clipped(
    eta: float | None, tau: float | None, mu: float | None, norm: str, problem: Objective | None
) -> ClippedRule:
    if eta is None or mu is None or not (np.isfinite(eta) and eta > 0 and np.isfinite(mu) and mu >= 0):
        raise InputError(
            "rule 'clipped' needs eta > 0 and mu >= 0", eta=eta, mu=mu, remedy="give finite eta > 0 and mu >= 0"
        )
    if norm != "global":
        raise InputError("rule 'clipped' needs norms over all weights", norm=norm, remedy="use norm = 'global'")
    proof = _proof(problem)
    limit = range_of("from_rest").momentum_limit(proof.L, eta)
    if tau is not None:
        range_of("from_rest").checked(proof.L, eta, tau)
    return ClippedRule(eta, mu, limit if tau is None else tau, proof)


def _epoch(
    eta: float | None,
    tau: float | None,
    norm: str,
    problem: Objective | None,
    mu: float | None,
    batch: Any,
    settings: Mapping[str, Any],
) -> Rule:
    if tau is not None or norm != "global":
        raise InputError("rule 'epoch' has momentum mu", tau=tau, norm=norm, remedy="give mu, neither tau nor norm")
    if problem is None:
        raise InputError("rule 'epoch' needs the problem", remedy="give the problem to make_rule", problem=None)
    if unknown := sorted(set(settings) - {"seed", "shrink", "recover"}):
        raise InputError("unknown setting of epochs", setting=unknown[0], remedy="use seed, shrink and recover")
    return epoch_rule(problem, batch, eta, mu, **settings)


def _proof(problem: Objective | None) -> DownhillProof:
    if problem is None:
        raise InputError("theorem from_rest needs the problem", remedy="give the problem to make_rule", problem=None)
    return DownhillProof.of(problem)
