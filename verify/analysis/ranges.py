"""The admissible range of each theorem for a problem: one row each, with the setting asked or the recommended one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from verify.analysis.lasting import horizon_row, weight_decay_row
from verify.analysis.range_row import RangeRow
from verify.arithmetic.decimals import at_most
from verify.arithmetic.environment import certified_environment
from verify.assumptions.small_momentum import setting_for
from verify.bounds.curvature import Curvature
from verify.budget import OverBudgetError, remaining, time_limit
from verify.calculus.objective import Objective
from verify.outcomes import InputError, Verdict
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.ranges import RANGES, AdmissibleRange

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting


@certified_environment()
def admissible_ranges(problem: Objective, curvature: Curvature, setting: Setting | None = None) -> tuple[RangeRow, ...]:
    """Return one row for each theorem that applies.

    Parameters
    ----------
    problem : Problem or GraphProblem
        With a region.
    curvature : Curvature
        The Hessian bound over that region.
    setting : Setting, optional
        The setting to be judged; without it the rows recommend one.
    """
    setting_for(problem, setting)
    if curvature.value is None:
        return tuple(
            RangeRow(name, Verdict.UNDECIDED, f"no bound L: {curvature.reason}", remedy=curvature.remedy)
            for name in RANGES
        )
    L = max(curvature.value, LEAST_CURVATURE)
    rows = [_row(admissible, L, setting) for admissible in RANGES.values()]
    sublevel = None if curvature.sublevel is None else max(curvature.sublevel, LEAST_CURVATURE)
    for name, lasting in (("horizon", horizon_row), ("weight_decay", weight_decay_row)):
        try:
            with time_limit(remaining() / 2, f"the row of theorem {name}"):
                row = lasting(problem, L, setting, sublevel)
        except OverBudgetError as error:
            row = RangeRow(name, Verdict.UNDECIDED, error.reason, remedy=error.remedy)
        rows += [] if row is None else [row]
    return tuple(rows)


def overall(rows: Sequence[RangeRow], setting: Setting | None) -> Verdict:
    """Return the verdict on the setting: of theorem `heavy_ball` for mu, else of theorem `sharp`."""
    theorem = "sharp" if setting is None else setting.theorem
    return next(row.verdict for row in rows if row.theorem == theorem)


def largest_momentum(L: float | None, setting: Setting | None) -> dict[str, Any] | None:
    """Return the largest tau of each theorem with one learning rate, and whose is the widest.

    The rule of theorem `restart` is another algorithm; it is listed, but not compared.

    Parameters
    ----------
    L : float or None
        The Hessian bound; None if there is none.
    setting : Setting or None
        Whose learning rate and norm are meant; without it the learning rate is 1/(2L), where `from_rest` and `sharp`
        meet.

    Returns
    -------
    dict or None
        ``eta``; ``tau_max`` by theorem, 0 where the learning rate itself is too large; ``widest``, a theorem, with its
        ``meaning``. None without L.
    """
    if L is None:
        return None
    L = max(L, LEAST_CURVATURE)
    eta = RANGES["from_rest"].recommended(L)[0] if setting is None else setting.eta
    limits = {
        name: admissible.momentum_limit(L, eta) if eta <= admissible.eta_limit(L) else 0.0
        for name, admissible in RANGES.items()
        if admissible.momentum_name == "tau"
        and not (admissible.global_norm and setting is not None and setting.norm != "global")
    }
    widest = max((name for name in limits if name != "restart"), key=limits.__getitem__)
    widest = "sharp" if limits[widest] == limits["sharp"] else widest
    return {"eta": eta, "tau_max": limits, "widest": widest, "meaning": RANGES[widest].meaning}


def _row(admissible: AdmissibleRange, L: float, setting: Setting | None) -> RangeRow:
    eta_max = admissible.eta_limit(L)
    eta = admissible.recommended(L)[0] if setting is None else setting.eta
    symbol = admissible.momentum_name
    asked = None if setting is None else getattr(setting, symbol)
    if asked is not None and admissible.global_norm and setting is not None and setting.norm != "global":
        statement = f"{admissible.meaning}; the setting's norms are per vertex"
        return RangeRow(admissible.name, Verdict.UNDECIDED, statement, eta, 0.0, eta_max, remedy="use norm = 'global'")
    try:
        largest = admissible.momentum_limit(L, eta)
    except InputError as error:
        return RangeRow(
            admissible.name,
            Verdict.UNDECIDED,
            f"{error.what}: eta={at_most(eta)} ({admissible.meaning})",
            eta=eta,
            tau_max=None if symbol == "mu" else 0.0,
            mu_max=0.0 if symbol == "mu" else None,
            eta_max=eta_max,
            remedy=_remedy(admissible, L, eta, 0.0 if asked is None else asked, setting),
        )
    verdict = Verdict.PROVED if asked is None else admissible.contains(L, eta, asked)
    numbers: dict[str, Any] = {}
    optimizer = None if setting is None or setting.theorem != admissible.name else setting.optimizer
    given = "" if optimizer is None else f"{optimizer.words}: "
    if optimizer is not None:
        numbers |= {"lr": optimizer.lr, "momentum": optimizer.momentum, "lr_max": optimizer.largest_lr(L)}
    if asked is not None:
        numbers[symbol] = asked
        if verdict is Verdict.PROVED:
            numbers["gain"] = admissible.gain(L, eta, asked)
    question = (
        "" if asked is None else f"; {symbol}={at_most(asked)} is {'in' if verdict is Verdict.PROVED else 'outside'}"
    )
    return RangeRow(
        admissible.name,
        verdict,
        f"{given}{admissible.decreasing} decreases for eta={at_most(eta)} and 0 <= {symbol} <= {at_most(largest)} "
        f"(eta <= {at_most(eta_max)}){question} ({admissible.meaning})",
        eta=eta,
        tau_max=None if symbol == "mu" else largest,
        mu_max=largest if symbol == "mu" else None,
        eta_max=eta_max,
        remedy=None if asked is None or verdict is Verdict.PROVED else _remedy(admissible, L, eta, asked, setting),
        numbers=numbers,
    )


def _remedy(admissible: AdmissibleRange, L: float, eta: float, momentum: float, setting: Setting | None) -> str:
    """Return what to change, in the numbers that were set if the theorem is the setting's own."""
    if setting is not None and setting.theorem == admissible.name:
        return setting.remedy(L)
    return admissible.remedy(L, eta, momentum)
