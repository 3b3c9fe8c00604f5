"""A4: the learning rate and the momentum are small enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.outcomes import Finding, InputError, Verdict
from verify.theorems.ranges import AdmissibleRange, range_of

NEEDED_FOR = "monotone decrease"


@dataclass(frozen=True)
class Setting:
    """A learning rate with adaptive momentum (tau) or the classical heavy ball (mu).

    Parameters
    ----------
    eta : float
    tau, mu : float or None
        Exactly one of them; 0 is plain descent.
    norm : {"global", "vertex"}
        Over which weights the norms of adaptive momentum are taken; the theorems hold for both.

    Examples
    --------
    >>> Setting(eta=0.1, mu=0.9).theorem
    'heavy_ball'
    """

    eta: float
    tau: float | None = None
    mu: float | None = None
    norm: Literal["global", "vertex"] = "global"

    def __post_init__(self) -> None:
        if (self.tau is None) == (self.mu is None):
            raise InputError("exactly one of tau and mu is needed", tau=self.tau, mu=self.mu)
        for name in ("eta", "tau", "mu"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, exact_float(getattr(self, name), name))

    @property
    def theorem(self) -> str:
        """Whose range the setting is judged by."""
        return "sharp" if self.mu is None else "heavy_ball"

    @property
    def momentum(self) -> float:
        """Tau or mu."""
        size = self.tau if self.mu is None else self.mu
        return 0.0 if size is None else size


@certified_environment(products=False)
def small_momentum(
    L: float | None,
    setting: Any = None,
    increase: Mapping[str, Any] | None = None,
    *,
    reason: str = "no bound L was proved",
    remedy: str = "use a smaller region",
) -> Finding:
    """Decide A4.

    Parameters
    ----------
    L : float or None
        Proved upper bound of the curvature over the region, positive; None if there is none.
    setting : Setting, optional
        Or anything with its attributes. Without it the question is whether any setting is admissible.
    increase : mapping, optional
        A step with the setting, inside the region, that was proved to increase what the theorem says decreases (E, or V
        for mu), as data that replay it.
    reason, remedy : str
        Why there is no bound L, and what to do about it.

    Returns
    -------
    Finding
        ``"A4"``. Without a setting PROVED, since the range is not empty; with it PROVED inside the range of theorem
        `sharp` (`heavy_ball` for mu), REFUTED by an increase, else UNDECIDED.

    Examples
    --------
    >>> small_momentum(2.0, Setting(eta=0.25, tau=0.125)).verdict.value
    'PROVED'
    >>> small_momentum(2.0, Setting(eta=0.25, tau=0.5)).remedy
    'use tau <= 0.25 with eta=0.25'
    """
    finding = _decided(L, setting, increase, reason, remedy)
    mu = None if setting is None else setting.mu
    return finding if mu is None else replace(finding, needed_for=f"{NEEDED_FOR} of V = E + mu/(2 eta) |D|^2")


def _decided(L: float | None, setting: Any, increase: Mapping[str, Any] | None, reason: str, remedy: str) -> Finding:
    if setting is not None and not isinstance(setting, Setting):
        setting = Setting(setting.eta, setting.tau, setting.mu, setting.norm)
    if increase is not None:
        return _refuted(L, setting, increase)
    if L is None:
        statement = f"the range of admissible settings is not known: {reason}"
        return Finding("A4", Verdict.UNDECIDED, statement, needed_for=NEEDED_FOR, remedy=remedy)
    if setting is None:
        return _not_empty(L)
    return _asked(L, setting)


def _not_empty(L: float) -> Finding:
    admissible = range_of("sharp")
    eta, tau = admissible.recommended(L)
    statement = (
        f"the range of theorem sharp is not empty: 0 < eta <= {admissible.eta_limit(L)!r}, "
        f"tau up to {admissible.largest(L)[1]!r}"
    )
    numbers = {"L": L, "eta": eta, "tau": tau, "eta_max": admissible.eta_limit(L), "gain": admissible.gain(L, eta, tau)}
    return Finding("A4", Verdict.PROVED, statement, "sharp", _hypotheses(L), numbers, needed_for=NEEDED_FOR)


def _asked(L: float, setting: Setting) -> Finding:
    admissible = range_of(setting.theorem)
    numbers = _numbers(L, setting, admissible)
    words = _words(setting, admissible)
    if admissible.contains(L, setting.eta, setting.momentum) is Verdict.PROVED:
        numbers["gain"] = admissible.gain(L, setting.eta, setting.momentum)
        what = "E" if setting.mu is None else "V = E + mu/(2 eta) |D|^2, not E itself,"
        statement = f"{words} is in the range of theorem {admissible.name}: {what} does not increase at any step inside"
        return Finding("A4", Verdict.PROVED, statement, admissible.name, _hypotheses(L), numbers, needed_for=NEEDED_FOR)
    symbol, limit = admissible.momentum_name, numbers[f"{admissible.momentum_name}_max"]
    if limit is None:
        excess = f"eta is {setting.eta / numbers['eta_max']:.4g} times the largest"
    else:
        factor = f"{setting.momentum / limit:.4g}" if limit > 0 else "any number of"
        excess = f"{symbol} is {factor} times the largest"
    return Finding(
        id="A4",
        verdict=Verdict.UNDECIDED,
        statement=f"{words} is outside the range of theorem {admissible.name}: {excess}; no increase is known",
        theorem=admissible.name,
        numbers=numbers,
        needed_for=NEEDED_FOR,
        remedy=admissible.remedy(L, setting.eta, setting.momentum) + _from_rest(L, setting),
    )


def _from_rest(L: float, setting: Setting) -> str:
    """Return what theorem `from_rest` proves of a setting that is too large for every previous step."""
    if setting.tau is None or setting.norm != "global":
        return ""
    proved = range_of("from_rest").contains(L, setting.eta, setting.tau) is Verdict.PROVED
    return "; from rest (D_0 = 0) theorem from_rest proves each step that stays inside" if proved else ""


def _refuted(L: float | None, setting: Setting | None, increase: Mapping[str, Any]) -> Finding:
    if setting is None:
        raise InputError("an increase refutes a setting", where="A4", remedy="give the setting that it was found with")
    admissible = range_of(setting.theorem)
    numbers = {} if L is None else _numbers(L, setting, admissible)
    remedy = "use a smaller learning rate and momentum"
    if L is not None:
        eta, size = admissible.recommended(L)
        remedy = f"use eta={eta!r} with {admissible.momentum_name} <= {size!r}"
        if setting.mu:
            remedy = admissible.remedy(L, setting.eta, setting.mu)
        remedy += _from_rest(L, setting)
        if admissible.contains(L, setting.eta, setting.momentum) is Verdict.PROVED:
            remedy = "report this: a theorem proves that the step does not exist"
    return Finding(
        id="A4",
        verdict=Verdict.REFUTED,
        statement=f"a step inside the region with {_words(setting, admissible)} was found that increases "
        + ("E" if setting.mu is None else "E, from rest and so V too"),
        theorem=admissible.name,
        numbers=numbers,
        needed_for=NEEDED_FOR,
        counterexample=dict(increase),
        remedy=remedy,
    )


def _numbers(L: float, setting: Setting, admissible: AdmissibleRange) -> dict[str, Any]:
    """Figures of a setting; the largest momentum is None where the learning rate itself is too large."""
    try:
        limit: float | None = admissible.momentum_limit(L, setting.eta)
    except InputError:
        limit = None
    symbol = admissible.momentum_name
    return {
        "L": L,
        "eta": setting.eta,
        symbol: setting.momentum,
        f"{symbol}_max": limit,
        "eta_max": admissible.eta_limit(L),
        "norm": setting.norm,
    }


def _hypotheses(L: float) -> tuple[Finding, ...]:
    return (
        Finding("L", Verdict.PROVED, f"||Hess E|| <= {L!r} on the region", numbers={"L": L}),
        Finding("stays", Verdict.UNDECIDED, "the step's segment is in the region (A2)", counted=False, assumed=True),
    )


def _words(setting: Setting, admissible: AdmissibleRange) -> str:
    return f"eta={setting.eta!r}, {admissible.momentum_name}={setting.momentum!r}"
