"""Which learning rates and momenta are proved to decrease the error of all data over an epoch of mini-batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any, cast

import numpy as np

from verify.analysis.range_row import RangeRow
from verify.arithmetic.decimals import at_most
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rational import round_up
from verify.assumptions.small_momentum import Setting, setting_for
from verify.bounds.hessian import check_smooth, hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.budget import OverBudgetError, check_time
from verify.calculus.batches import batches_of
from verify.calculus.objective import Objective
from verify.outcomes import InputError, Verdict
from verify.properties.cases import required_region
from verify.theorems.epoch import Epoch
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.optimizers import Optimizer, lr_of

NAME = "epoch"
SCOPE = "one epoch from the initial weights and from rest, the same batches in any order"


@certified_environment()
def epoch_range(
    problem: Objective,
    batch: int | Sequence[Objective] = 64,
    setting: Setting | Optimizer | None = None,
) -> RangeRow:
    """Return for which learning rates the error of all data does not increase over the next epoch of mini-batches.

    Theorem `epoch`: the lengths of the batches' gradients at the initial weights, that of the whole gradient, and a
    bound of every batch's Hessian over the region admit settings of SGD, whatever the order of the batches.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region around the initial weights.
    batch : int or sequence of problems
        Samples a batch: the first batch holds the first ones, and so on; the last may be smaller. For problems that are
        no `Problem`: the errors that the steps use, one problem of the same weights for each batch.
    setting : Setting or Optimizer, optional
        To be judged; without it the row says which are admissible.

    Returns
    -------
    RangeRow
        ``eta`` the learning rate in question, ``eta_max`` the largest with the same mu or the same ratio tau/eta,
        ``tau_max`` and ``mu_max`` the largest momentum with this learning rate; what was measured in ``numbers``.

    Raises
    ------
    InputError
        If there is no region, or the batches do not fit the problem.

    Examples
    --------
    >>> import numpy as np, verify
    >>> architecture = verify.Architecture.from_data(
    ...     {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}, output="y"
    ... )
    >>> x = np.linspace(0.5, 1.0, 8).reshape(8, 1)
    >>> problem = verify.Problem(architecture, x, x / 2, initial_weights=[1.0, 1.0])
    >>> problem.region = verify.Ball(problem.initial_weights, 0.5)
    >>> row = epoch_range(problem, batch=2)
    >>> row.verdict.name, 0 < row.eta < row.eta_max
    ('PROVED', True)
    """
    asked = setting_for(problem, setting)
    if isinstance(asked, Optimizer):
        return _undecided(f"{asked.words}: theorem epoch speaks of SGD", "use kind = 'sgd'")
    given = isinstance(batch, Sequence) and not isinstance(batch, str)
    parts: Sequence[Any] = tuple(cast("Sequence[Any]", batch)) if given else batches_of(problem, batch)
    room = required_region(problem).room(problem.initial_weights)
    if room <= 0:
        return _undecided("the region has no room around the initial weights", "use a larger region")
    if not parts:
        raise InputError("an epoch needs a batch", batch=batch, remedy="give at least one problem")
    for part in parts:
        if not isinstance(part, Objective):
            raise InputError(
                "a batch is no problem", type=type(part).__name__, remedy="give one problem for each batch"
            )
        if part.size != problem.size:
            raise InputError(
                "a batch has other weights",
                where=part.name,
                size=part.size,
                expected=problem.size,
                remedy="give every batch the network of the whole problem",
            )
        setting_for(part, asked)
    try:
        check_smooth(problem)
    except InputError as error:
        return _undecided(f"no bound L: {error.where}: {error.what}", error.remedy)
    try:
        measured = _measured(problem, parts, room)
    except OverBudgetError as error:
        return _undecided(error.reason, error.remedy)
    except UndecidedHessianError as error:
        return _undecided(f"no bound L: {error}", "use a smaller region")
    if isinstance(measured, str):
        return _undecided(measured, "use larger batches, or weights where the gradient is not zero")
    row = _recommended(measured) if asked is None else _judged(measured, asked)
    return replace(row, numbers={**_numbers(measured, None if given else batch), **row.numbers})


def _measured(problem: Objective, parts: Sequence[Objective], room: float) -> Epoch | str:
    """Return what is known at the initial weights, or why theorem `epoch` cannot be applied."""
    w = problem.initial_weights
    whole, pulled, lengths, L = problem.gradient_enclosure(w), [], [], LEAST_CURVATURE
    for part in parts:
        check_time()
        pulled.append(part.gradient_enclosure(w))
        lengths.append(float(pulled[-1].norm().upper))
        L = max(L, hessian_bound(part, problem.region).value)
    bound = max(LEAST_CURVATURE, hessian_bound(problem, problem.region).value)
    length = float(whole.norm().lower)
    if not (length > 0 and all(map(math.isfinite, [*lengths, L, bound]))):
        return "the gradient of all data is not proved to be different from zero, or a batch's is not finite"
    kappa, skew = _share(reduce(add, pulled), whole)
    if not (kappa > 0 and math.isfinite(skew)):
        return "the batches' gradients do not add up to a multiple of the gradient of all data"
    return Epoch(tuple(lengths), length, L, room, bound, kappa, skew)


def _share(total: Interval, whole: Interval) -> tuple[float, float]:
    """Return kappa, and an upper bound of |total - kappa whole|: any kappa is right, the best is a projection."""
    length = float(np.dot(whole.mid, whole.mid))
    kappa = float(np.dot(total.mid, whole.mid)) / length if length > 0 else 0.0
    return kappa, float((total - whole * kappa).norm().upper) if math.isfinite(kappa) else math.inf


def _recommended(epoch: Epoch) -> RangeRow:
    """Return the largest learning rate without momentum, half of it, and the momenta that go with that."""
    largest = epoch.largest_eta()
    if largest is None:
        return _outside(epoch, "no learning rate is admitted, even without momentum")
    eta = largest / 2
    mu, tau = epoch.largest_mu(eta) or 0.0, epoch.largest_tau(eta) or 0.0
    statement = (
        f"E decreases over the epoch with SGD for lr <= {at_most(largest)} without momentum, and for lr={at_most(eta)} "
        f"and momentum <= {at_most(mu)} ({SCOPE})"
    )
    numbers = {"lr": eta, "lr_max": largest, "decrease": epoch.decrease(eta)}
    return RangeRow(NAME, Verdict.PROVED, statement, eta, tau, largest, mu, numbers=numbers)


def _judged(epoch: Epoch, setting: Setting) -> RangeRow:
    if setting.nesterov:
        return _undecided(f"{setting.words}: theorem epoch does not speak of Nesterov's variant", "leave out nesterov")
    eta, tau, mu = setting.eta, setting.tau or 0.0, setting.mu or 0.0
    ratio = round_up(Fraction(tau) / Fraction(eta))
    eta_max = epoch.largest_eta(ratio, mu)
    verdict = epoch.admits(eta, tau, mu)
    largest_tau, largest_mu = epoch.largest_tau(eta, mu), epoch.largest_mu(eta, tau)
    lr, lr_max, converted = eta, eta_max, False
    if (optimizer := setting.optimizer) is not None:
        lr, converted = optimizer.lr, optimizer.lr != eta
        lr_max = None if eta_max is None else lr_of(eta_max, optimizer.momentum, optimizer.convention)
    name, size, most = ("tau", tau, largest_tau) if tau else ("momentum", mu, largest_mu)
    plain = f"with momentum <= {mu!r}" if mu else "without momentum"
    beside = f"with tau <= {at_most(tau / eta)} lr" if tau else plain
    ranges = [] if lr_max is None else [f"lr <= {at_most(lr_max)} {beside}"]
    ranges += [] if most is None or converted else [f"{name} <= {at_most(most)} with lr={lr!r}"]
    place = "in" if verdict is Verdict.PROVED else "outside"
    admitted = ", and for ".join(ranges) or f"no lr {beside}"
    statement = f"lr={lr!r}, {name}={size!r} is {place}: E decreases over the epoch for {admitted} ({SCOPE})"
    exact = eta if optimizer is None else optimizer.exact_eta
    numbers = {"lr": lr, "momentum": mu, "lr_max": lr_max, "decrease": epoch.decrease(exact, tau, mu)}
    remedy = None if verdict is Verdict.PROVED else _remedy(epoch, ranges)
    return RangeRow(NAME, verdict, statement, eta, largest_tau, eta_max, largest_mu, remedy, numbers)


def _outside(epoch: Epoch, reason: str) -> RangeRow:
    return RangeRow(NAME, Verdict.UNDECIDED, f"{reason} ({SCOPE})", remedy=_remedy(epoch, []))


def _remedy(epoch: Epoch, ranges: Sequence[str]) -> str:
    if ranges:
        return f"use {', or '.join(ranges)}"
    if (largest := epoch.largest_eta()) is not None:
        return f"use lr <= {at_most(largest)} without momentum"
    return "use larger batches: their gradients pull in too many directions"


def _undecided(statement: str, remedy: str | None) -> RangeRow:
    return RangeRow(NAME, Verdict.UNDECIDED, statement, remedy=remedy)


def _numbers(epoch: Epoch, batch: Any) -> dict[str, Any]:
    return {
        "batch": batch,
        "steps": epoch.steps,
        "gradient": epoch.gradient,
        "batch_gradients": {"largest": epoch.gradients[0], "sum": math.fsum(epoch.gradients)},
        "L": epoch.L,
        "L_of_all_data": epoch.whole,
        "radius": epoch.radius,
        "kappa": epoch.kappa,
        "skew": epoch.skew,
    }
