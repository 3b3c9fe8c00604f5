"""A4: the learning rate and the momentum are small enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.outcomes import Finding, InputError, Verdict
from verify.theorems.optimizers import Optimizer, nothing_in_advance
from verify.theorems.ranges import AdmissibleRange, range_of

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

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
    nesterov : bool
        Nesterov's variant, for mu.
    rule : {"adaptive", "restart"}
        With ``"restart"`` adaptive momentum is dropped in every step in which it points uphill (g.D > 0); its norms are
        over all weights.
    optimizer : Optimizer, optional
        The numbers of the user that these are the theorem's for: answers lead with them.
    previous_step : float
        For mu: how long the step before the first one is at most, |D_0|; 0 is a start at rest. Horizons and weight
        decay start from V = E + mu/(2 eta) |D_0|^2.

    Examples
    --------
    >>> Setting(eta=0.1, mu=0.9).theorem, Setting.of(Optimizer(0.1, momentum=0.9)).words
    ('heavy_ball', 'lr=0.1, momentum=0.9 (eta=0.1, mu=0.9)')
    """

    eta: float
    tau: float | None = None
    mu: float | None = None
    norm: Literal["global", "vertex"] = "global"
    nesterov: bool = False
    optimizer: Optimizer | None = None
    rule: Literal["adaptive", "restart"] = "adaptive"
    previous_step: float = 0.0

    def __post_init__(self) -> None:
        if (self.tau is None) == (self.mu is None):
            raise InputError("exactly one of tau and mu is needed", tau=self.tau, mu=self.mu, remedy="give one of them")
        if self.nesterov and self.mu is None:
            raise InputError("Nesterov's variant has mu", tau=self.tau, remedy="give mu, or leave out nesterov")
        if self.rule not in ("adaptive", "restart"):
            raise InputError("unknown rule of the momentum", rule=self.rule, remedy="use 'adaptive' or 'restart'")
        if self.rule == "restart" and self.tau is None:
            raise InputError("rule 'restart' has tau", mu=self.mu, remedy="give tau, or leave out rule")
        if self.rule == "restart" and self.norm != "global":
            raise InputError("rule 'restart' needs norms over all weights", norm=self.norm, remedy="use norm='global'")
        object.__setattr__(self, "previous_step", exact_float(self.previous_step, "previous_step"))
        if not 0 <= self.previous_step < float("inf"):
            what = "a length must be finite and not negative"
            raise InputError(what, previous_step=self.previous_step, remedy="give |D_0|, 0 at rest")
        if self.previous_step > 0 and (self.mu is None or self.nesterov):
            raise InputError(
                "a previous step is for mu alone",
                previous_step=self.previous_step,
                remedy="leave it out: other theorems hold for every previous step, or start at rest",
            )
        for name in ("eta", "tau", "mu"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, exact_float(getattr(self, name), name))
        if (given := self.optimizer) is not None:
            own = (self.eta, self.momentum, self.theorem)
            if not given.is_proved or own != (given.eta, given.momentum, given.theorem):
                raise InputError("the optimizer takes other steps", setting=own, lr=given.lr, remedy="use Setting.of")

    @property
    def theorem(self) -> str:
        """Whose range the setting is judged by.

        More momentum than eta is outside `sharp` for every bound L, and asked from rest, where `from_rest` is wider; up
        to eta `sharp` is the wider one.
        """
        if self.nesterov:
            return "nesterov"
        if self.rule == "restart":
            return "restart"
        if self.mu is not None:
            return "heavy_ball"
        return "from_rest" if self.from_rest else "sharp"

    @property
    def from_rest(self) -> bool:
        """Whether the setting is asked of a training that starts at rest, and of no other."""
        adaptive = self.tau is not None and self.rule == "adaptive" and self.norm == "global"
        return adaptive and self.momentum > self.eta

    @property
    def momentum(self) -> float:
        """Tau or mu."""
        size = self.tau if self.mu is None else self.mu
        return 0.0 if size is None else size

    @classmethod
    def of(cls, optimizer: Optimizer) -> Setting:
        """Return the theorem's numbers of an optimizer.

        Raises
        ------
        InputError
            If no theorem speaks of its steps in advance.
        """
        if not optimizer.is_proved:
            raise InputError(nothing_in_advance(optimizer.kind), kind=optimizer.kind, remedy='use kind = "sgd"')
        eta, size = optimizer.eta, optimizer.momentum
        if size == 0:
            return cls(eta, tau=0.0, optimizer=optimizer)
        return cls(eta, mu=size, nesterov=optimizer.nesterov, optimizer=optimizer)

    @property
    def words(self) -> str:
        """The setting in words: what the user sets, if that is known, before the theorem's numbers."""
        if self.optimizer is not None:
            return self.optimizer.translation
        name = range_of(self.theorem).momentum_name
        rule = ", rule=restart" if self.rule == "restart" else ""
        return f"eta={self.eta!r}, {name}={self.momentum!r}{rule}"

    @certified_environment(products=False)
    def remedy(self, L: float) -> str:
        """Return what to change of a setting outside its theorem's range, in the numbers that were set."""
        if self.optimizer is not None:
            return self.optimizer.remedy(L)
        theorem = "sharp" if self.from_rest and 2 * L * self.eta > 1 else self.theorem  # the wider one of both there
        return range_of(theorem).remedy(L, self.eta, self.momentum)


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
        that the setting is judged by, REFUTED by an increase, else UNDECIDED.

    Examples
    --------
    >>> small_momentum(2.0, Setting(eta=0.25, tau=0.125)).verdict.value
    'PROVED'
    >>> small_momentum(2.0, Setting(eta=0.25, tau=0.5)).remedy
    'use tau <= 0.25 with eta=0.25'
    """
    asked = as_setting(setting)
    if isinstance(asked, Optimizer):
        return _not_in_advance(L, asked)
    finding = _decided(L, asked, increase, reason, remedy)
    return finding if asked is None or asked.mu is None else replace(finding, needed_for=needed_for(asked.theorem))


def as_setting(setting: Any) -> Setting | Optimizer | None:
    """Return what is asked as a `Setting`; an optimizer that no theorem speaks of in advance as it is.

    Parameters
    ----------
    setting : Setting, Optimizer, or anything with ``eta``, ``tau``, ``mu`` and ``norm``, optional
    """
    if setting is None or isinstance(setting, Setting):
        return setting
    if isinstance(setting, Optimizer):
        return Setting.of(setting) if setting.is_proved else setting
    rule: Any = getattr(setting, "rule", "adaptive")
    nesterov = getattr(setting, "nesterov", False)
    return Setting(setting.eta, setting.tau, setting.mu, setting.norm, nesterov, rule=rule)


def setting_for(problem: Objective, setting: Any) -> Setting | Optimizer | None:
    """Return what is asked as `as_setting` does; its steps must be those of the problem's error.

    Raises
    ------
    InputError
        If the optimizer adds a weight decay to the gradient that is no part of the error: it steps down another one.
    """
    asked = as_setting(setting)
    optimizer = asked.optimizer if isinstance(asked, Setting) else asked
    if optimizer is None or not optimizer.is_proved or not optimizer.weight_decay:
        return asked
    decay: Any = getattr(problem, "weight_decay", 0.0)
    factors = [decay.get(each.label, 0.0) for each in problem.blocks] if isinstance(decay, Mapping) else [decay]  # type: ignore[attr-defined]
    if any(factor != optimizer.weight_decay for factor in factors):
        raise InputError(
            "the optimizer's weight decay is no part of the error",
            where=problem.name,
            optimizer=optimizer.weight_decay,
            problem=decay,
            remedy=f"make the problem with weight_decay={optimizer.weight_decay!r}",
        )
    return asked


def needed_for(theorem: str) -> str:
    """Return what A4 is needed for: that the error decreases, or for mu the energy."""
    admissible = range_of(theorem)
    return NEEDED_FOR if admissible.momentum_name == "tau" else f"{NEEDED_FOR} of V = {admissible.decreasing}"


def _not_in_advance(L: float | None, optimizer: Optimizer) -> Finding:
    """Return the honest answer about an optimizer that is no gradient descent with momentum."""
    sgd = ""
    if L is not None:
        limit = Optimizer(1.0, momentum=0.9).largest_lr(L)
        sgd = f", or use sgd with lr <= {range_of('sharp').eta_limit(L)!r} (with momentum 0.9: lr <= {limit!r})"
    return Finding(
        id="A4",
        verdict=Verdict.UNDECIDED,
        statement=f"{optimizer.words}: {nothing_in_advance(optimizer.kind)}",
        numbers=optimizer.to_json(),
        needed_for=NEEDED_FOR,
        remedy="train certified (dagverify train SPEC --out RUN/), where every step is proved before it is taken and "
        f"no learning rate is needed{sgd}",
    )


def _decided(
    L: float | None, setting: Setting | None, increase: Mapping[str, Any] | None, reason: str, remedy: str
) -> Finding:
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
    words = setting.words
    if admissible.contains(L, setting.eta, setting.momentum) is Verdict.PROVED:
        numbers["gain"] = admissible.gain(L, setting.eta, setting.momentum)
        what = "E" if setting.mu is None else f"V = {admissible.decreasing}, not E itself,"
        ahead = " with w + mu D" if setting.nesterov else ""
        if setting.from_rest:
            ahead = f", from rest (D_0 = 0), as long as all steps are ({admissible.meaning})"
        statement = (
            f"{words} is in the range of theorem {admissible.name}: {what} does not increase at any step inside{ahead}"
        )
        hypotheses = _hypotheses(L, setting.from_rest)
        return Finding("A4", Verdict.PROVED, statement, admissible.name, hypotheses, numbers, needed_for=NEEDED_FOR)
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
        remedy=setting.remedy(L),
    )


def _refuted(L: float | None, setting: Setting | None, increase: Mapping[str, Any]) -> Finding:
    if setting is None:
        raise InputError(
            "an increase refutes a setting", where="A4", remedy="give the setting that it was found with", setting=None
        )
    admissible = range_of(setting.theorem)
    numbers = {} if L is None else _numbers(L, setting, admissible)
    remedy = "use a smaller learning rate and momentum"
    if L is not None:
        remedy = setting.remedy(L)
        if admissible.contains(L, setting.eta, setting.momentum) is Verdict.PROVED:
            remedy = "report this: a theorem proves that the step does not exist"
    return Finding(
        id="A4",
        verdict=Verdict.REFUTED,
        statement=f"a step inside the region with {setting.words} was found that increases "
        + ("E, from rest" if setting.from_rest else "E" if setting.mu is None else "E, from rest and so V too"),
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
    given = {} if setting.optimizer is None else setting.optimizer.to_json()
    return {
        **given,
        "L": L,
        "eta": setting.eta,
        symbol: setting.momentum,
        f"{symbol}_max": limit,
        "eta_max": admissible.eta_limit(L),
        "norm": setting.norm,
    }


def _hypotheses(L: float, from_rest: bool = False) -> tuple[Finding, ...]:
    bound = Finding("L", Verdict.PROVED, f"||Hess E|| <= {L!r} on the region", numbers={"L": L})
    before = ", as those of all steps before it" if from_rest else ""
    stays = f"the step's segment is in the region{before} (A2)"
    found = bound, Finding("stays", Verdict.UNDECIDED, stays, counted=False, assumed=True)
    if not from_rest:
        return found
    start = "the training starts at rest, and its momentum is a multiple of the whole previous step"
    return *found, Finding("rest", Verdict.UNDECIDED, start, counted=False, assumed=True)
