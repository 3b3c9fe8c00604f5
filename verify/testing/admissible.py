"""Assert that a learning rate and a momentum never increase the error inside the problem's region."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

import numpy as np

from verify.analysis.range_row import RangeRow
from verify.analysis.ranges import admissible_ranges
from verify.arithmetic.environment import certified_environment
from verify.assumptions.small_momentum import Setting
from verify.bounds.curvature import Curvature, examine_curvature
from verify.calculus.objective import Objective
from verify.outcomes import InputError, Verdict
from verify.properties.increase import find_counterexample
from verify.testing.counterexample import CounterexampleError


@certified_environment()
def assert_admissible(
    problem: Objective,
    eta: float,
    tau: float | None = None,
    *,
    mu: float | None = None,
    norm: Literal["global", "vertex"] = "global",
    rule: Literal["adaptive", "restart"] = "adaptive",
    nesterov: bool = False,
    seed: int = 0,
) -> RangeRow:
    """Fail unless (eta, tau) is in the range of theorem `sharp`, or (eta, mu) in that of `heavy_ball`.

    A tau above eta is asked from rest, of theorem `from_rest`; with ``rule="restart"`` tau is asked of theorem
    `restart`, with ``nesterov=True`` mu of theorem `nesterov`.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    eta : float
        Learning rate.
    tau : float, optional
        Size of adaptive momentum; 0 if neither it nor `mu` is given.
    mu : float, optional
        Factor of the classical heavy ball, instead of `tau`.
    norm : {"global", "vertex"}
    rule : {"adaptive", "restart"}
        Whether adaptive momentum is dropped where it points uphill.
    nesterov : bool
        Whether `mu` is that of Nesterov's variant.
    seed : int
        Of the search for an increase.

    Returns
    -------
    RangeRow
        The range that the setting lies in.

    Raises
    ------
    CounterexampleError
        REFUTED with a step inside the region that was proved to increase the error; UNDECIDED if the setting is outside
        the range, or there is none, and no increase was found.
    InputError
        If the problem has no region, or the setting is no setting.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> architecture = verify.Architecture.from_data(nodes, "y")
    >>> region = verify.Ball(architecture.initial_weights(), 0.1)
    >>> problem = verify.Problem(architecture, [[1.0]], [[0.5]], region=region)
    >>> assert_admissible(problem, eta=0.01, tau=0.005).verdict.value
    'PROVED'
    """
    __tracebackhide__ = True
    size = 0.0 if tau is None and mu is None else tau
    setting = Setting(eta, size, mu, norm, nesterov, rule=rule)
    curvature = examine_curvature(problem, seed=seed)
    row = next(row for row in admissible_ranges(problem, curvature, setting) if row.theorem == setting.theorem)
    if row.verdict is not Verdict.PROVED:
        raise _counterexample(problem, setting, curvature, row, seed)
    return row


def _counterexample(
    problem: Objective, setting: Setting, curvature: Curvature, row: RangeRow, seed: int
) -> CounterexampleError:
    momentum = f"mu={setting.mu!r}" if setting.mu is not None else f"tau={setting.tau!r}"
    rule = "" if setting.rule == "adaptive" else f"rule={setting.rule!r}, "
    rule += "nesterov=True, " if setting.nesterov else ""
    call = f"assert_admissible(problem, eta={setting.eta!r}, {momentum}, norm={setting.norm!r}, {rule}seed={seed})"
    outside = CounterexampleError(row.statement, Verdict.UNDECIDED, row.remedy, call)
    leading = np.ones(problem.size) if curvature.leading is None else curvature.leading
    try:
        found = find_counterexample(problem, setting, leading, seed=seed)
    except InputError:
        return outside
    if found is None:
        return outside
    w = found.case.start(problem)
    w_next = w + found.case.step(problem, problem.gradient(w), leading)
    statement = f"a step with eta={setting.eta!r}, {momentum} raises E by at least {found.decision.lower!r}"
    replay = f"assert verify.decide_decrease(problem, {w.tolist()!r}, {w_next.tolist()!r}).sign != 1"
    example = {"case": asdict(found.case), "w": w.tolist(), "w_next": w_next.tolist()}
    return CounterexampleError(statement, Verdict.REFUTED, row.remedy, replay, example)
