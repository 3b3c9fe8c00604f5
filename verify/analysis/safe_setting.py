"""One learning rate that is proved to be safe for a number of steps, beside one at which an increase was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from verify.analysis.proved_balls import ProvedBall
from verify.arithmetic.decimals import at_most
from verify.theorems.optimizers import ConventionName, lr_of
from verify.theorems.ranges import RANGES

Rule = Literal["plain", "classical", "clipped"]
SEGMENT = "segment_bound"
RULES: dict[str, str] = {
    "plain": "without momentum",
    "classical": "as in common SGD, from rest",
    "clipped": "from rest, the momentum term cut to momentum times lr |grad E|",
}
_THEOREMS: dict[str, tuple[str, ...]] = {
    "plain": ("sharp",),
    "classical": ("heavy_ball",),
    "clipped": ("sharp", "from_rest"),
}


@dataclass(frozen=True)
class Seen:
    """An increase that was found by running the algorithm.

    Parameters
    ----------
    lr : float
        The smallest tried at which it was found; larger ones need not show it, smaller ones may.
    step : int
        At which step of the run from the initial weights.
    """

    lr: float
    step: int

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"lr": self.lr, "step": self.step}


@dataclass(frozen=True)
class SafeSetting:
    """The largest learning rate found that is proved for a number of steps with a momentum.

    Parameters
    ----------
    steps : int
    rule : {"plain", "classical", "clipped"}
        See `RULES`.
    momentum : float
    lr : float or None
        Proved, in the user's convention; None if none was found. Smaller ones are proved too.
    eta : float or None
        The theorem's learning rate.
    tau : float or None
        What the momentum term is cut to, in units of |grad E|: momentum times lr, rounded down; None where it is not.
    theorem : str or None
        Which proves it: `horizon` with this range, or ``"segment_bound"``.
    decreasing : str
        What is proved not to increase in any of the steps.
    radius, L : float or None
        The ball around the initial weights that was chosen, and the bound of the curvature there; None where a bound
        along the first step itself proves it.
    seen, error_seen : Seen or None
        Increases of what is proved to decrease, and of E itself.
    searched : bool
        Whether increases were looked for: False where time was up.
    """

    steps: int
    rule: Rule
    momentum: float
    lr: float | None = None
    eta: float | None = None
    tau: float | None = None
    theorem: str | None = None
    decreasing: str = "E"
    radius: float | None = None
    L: float | None = None
    seen: Seen | None = None
    error_seen: Seen | None = None
    searched: bool = False

    @property
    def empty(self) -> SafeSetting:
        """The same question without an answer."""
        return SafeSetting(self.steps, self.rule, self.momentum)

    @property
    def question(self) -> str:
        """What is asked, in words."""
        momentum = f", momentum {self.momentum:g} {self.rule}" if self.momentum else ", no momentum"
        return f"{self.steps} step{'s' if self.steps > 1 else ''}{momentum}"

    def better(self, other: SafeSetting) -> SafeSetting:
        """Return the one with the larger proved learning rate."""
        return other if (other.lr or 0.0) > (self.lr or 0.0) else self

    @property
    def words(self) -> str:
        """What is proved and what was seen, in one sentence; decimals are rounded down."""
        if self.lr is None:
            proved = "no lr was proved"
        else:
            what = "E" if self.decreasing == "E" else f"V = {self.decreasing}"
            cut = "" if self.tau is None else f", momentum term at most {self.momentum!r} lr |grad E|"
            where = "" if self.radius is None else f" (radius {at_most(self.radius)})"
            proved = f"lr <= {at_most(self.lr)}{cut}{where}: {what} falls"
        kinds = {"E": self.error_seen} if self.decreasing == "E" else {"V": self.seen, "E": self.error_seen}
        found = [
            f"{what} was seen to rise at lr={each.lr:.4g} (step {each.step})"
            for what, each in kinds.items()
            if each is not None
        ]
        unseen = "no increase was found" if self.searched else "increases were not looked for: time was up"
        return f"{proved}; {', '.join(found) or unseen}"

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "steps": self.steps,
            "rule": self.rule,
            "momentum": self.momentum,
            "lr": self.lr,
            "eta": self.eta,
            "tau": self.tau,
            "theorem": self.theorem,
            "verdict": "UNDECIDED" if self.lr is None else "PROVED",
            "decreasing": self.decreasing,
            "radius": self.radius,
            "lipschitz": self.L,
            "increase": None if self.seen is None else self.seen.to_json(),
            "error_increase": None if self.error_seen is None else self.error_seen.to_json(),
            "searched": self.searched,
        }


def proved_in(ball: ProvedBall, empty: SafeSetting, convention: ConventionName) -> SafeSetting:
    """Return the largest learning rate that theorem `horizon` proves on a ball.

    Parameters
    ----------
    ball : ProvedBall
    empty : SafeSetting
        What is asked: steps, rule and momentum.
    convention : str
        Of the classical rule.
    """
    best = empty
    for theorem in _THEOREMS[empty.rule]:
        found = ball.largest_eta(empty.steps, empty.momentum, theorem)
        if found is None:
            continue
        eta, size = found
        lr = lr_of(eta, empty.momentum, convention) if empty.rule == "classical" else eta
        tau = size if empty.rule == "clipped" else None
        if lr is not None:
            setting = replace(empty, lr=lr, eta=eta, tau=tau, theorem=theorem, radius=ball.radius, L=ball.L)
            best = best.better(replace(setting, decreasing=RANGES[theorem].decreasing))
    return best
