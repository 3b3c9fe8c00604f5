"""The numbers that people set for an optimizer, in each library's convention, as the numbers of the theorems."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Literal, get_args

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.rational import round_down, round_up
from verify.outcomes import InputError
from verify.theorems.admissible_range import AdmissibleRange
from verify.theorems.numbers import curvature
from verify.theorems.ranges import RANGES

Kind = Literal["sgd", "adam", "adamw", "rmsprop"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ConventionName = Literal["torch", "keras", "ema", "sutskever"]


@dataclass(frozen=True)
class Convention:
    """How a library writes momentum, v being its buffer and g the gradient; v = 0 at the start.

    Parameters
    ----------
    update : str
        One step without Nesterov's variant.
    averages : bool
        Whether v is an average of gradients: eta = lr (1 - momentum), else eta = lr.
    stores_ahead : bool
        Whether Nesterov's variant stores w + mu D, where its gradient is taken, and not the theorem's w.
    varying : str
        What the steps are where lr changes; the theorems about a constant coefficient need constant eta and mu.
    """

    update: str
    averages: bool
    stores_ahead: bool
    varying: str


CONVENTIONS: MappingProxyType[str, Convention] = MappingProxyType(
    {
        "torch": Convention(
            "v <- momentum v + g, w <- w - lr v", False, True, "mu D is scaled by the new lr over the old one"
        ),
        "keras": Convention("v <- momentum v - lr g, w <- w + v", False, True, "mu stays, and eta is the new lr"),
        "ema": Convention(
            "v <- momentum v + (1 - momentum) g, w <- w - lr v",
            True,
            True,
            "mu D is scaled by the new lr over the old one",
        ),
        "sutskever": Convention("v <- momentum v - lr g, w <- w + v", False, False, "mu stays, and eta is the new lr"),
    }
)


@dataclass(frozen=True)
class Optimizer:
    """An optimizer as its user sets it.

    Parameters
    ----------
    lr : float
        Learning rate.
    momentum : float
        0 is plain descent.
    dampening : float
        As torch.optim.SGD means it.
    nesterov : bool
        Nesterov's variant.
    weight_decay : float
        Coupled, so a part of the gradient: the error is then E + weight_decay/2 |w|^2.
    kind : {"sgd", "adam", "adamw", "rmsprop"}
        Of the others than sgd nothing is proved before a step is taken.
    convention : {"torch", "keras", "ema", "sutskever"}
        What lr and momentum mean, see `CONVENTIONS`.

    Raises
    ------
    InputError
        If no theorem's numbers mean the same steps.

    Examples
    --------
    >>> Optimizer(0.5, momentum=0.75).numbers, Optimizer(0.5, momentum=0.75, convention="ema").numbers
    (('eta', 0.5, 'mu', 0.75), ('eta', 0.125, 'mu', 0.75))
    >>> Optimizer(0.1).numbers, Optimizer(0.1, momentum=0.9, nesterov=True).theorem
    (('eta', 0.1, 'tau', 0.0), 'nesterov')
    >>> Optimizer(0.1, momentum=0.9, dampening=0.5)
    Traceback (most recent call last):
        ...
    verify.outcomes.InputError: the first step has no dampening, the later ones have: lr=0.1, momentum=0.9,
        dampening=0.5; use dampening = 0 and lr = 0.05, which differs in the first step only
    """

    lr: float
    momentum: float = 0.0
    dampening: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    kind: Kind = "sgd"
    convention: ConventionName = "torch"

    def __post_init__(self) -> None:
        for name in ("lr", "momentum", "dampening", "weight_decay"):
            number = exact_float(getattr(self, name), name)
            if not 0 <= number < math.inf or (name == "lr" and number == 0):
                given: dict[str, Any] = {name: number}
                raise InputError("not a number that an optimizer can have", **given, remedy=f"use {name} > 0")
            object.__setattr__(self, name, number)
        if self.kind not in KINDS:
            raise InputError("unknown optimizer", kind=self.kind, remedy=f"use one of {', '.join(KINDS)}")
        if self.convention not in CONVENTIONS:
            remedy = f"use one of {', '.join(CONVENTIONS)}"
            raise InputError("unknown convention", convention=self.convention, remedy=remedy)
        if self.kind == "sgd":
            self._refuse_other_steps()

    def _refuse_other_steps(self) -> None:
        shown: dict[str, Any] = {"lr": self.lr, "momentum": self.momentum}
        if self.momentum >= 1:
            raise InputError("the momentum must be below 1", momentum=self.momentum, remedy="use momentum = 0.9")
        if self.nesterov and self.convention == "ema":
            remedy = 'use convention = "torch", or nesterov = false'
            raise InputError("no average of gradients is Nesterov's variant", **shown, remedy=remedy)
        if self.weight_decay and self.momentum and self.convention == "keras":
            remedy = "use kernel_regularizer=L2(c) in Keras, and the problem's own weight_decay = 2 c"
            raise InputError(
                "Keras takes weight_decay off the weights beside the momentum, so no error has these steps",
                **shown,
                weight_decay=self.weight_decay,
                remedy=remedy,
            )
        if self.nesterov and self.momentum == 0:
            raise InputError("Nesterov's variant needs momentum", **shown, remedy="leave out nesterov")
        if self.dampening == 0 or self.momentum == 0:
            return
        if self.convention != "torch" or self.nesterov:
            where = "Nesterov's variant" if self.nesterov else f'convention = "{self.convention}"'
            raise InputError(f"{where} has no dampening", dampening=self.dampening, remedy="leave out dampening")
        if self.dampening >= 1:
            remedy = "use dampening = 0"
            raise InputError("dampening leaves no gradient in the steps", dampening=self.dampening, remedy=remedy)
        other = float(Fraction(self.lr) * (1 - Fraction(self.dampening)))
        raise InputError(
            "the first step has no dampening, the later ones have",
            **shown,
            dampening=self.dampening,
            remedy=f"use dampening = 0 and lr = {float(f'{other:.12g}')!r}, which differs in the first step only",
        )

    @property
    def is_proved(self) -> bool:
        """Whether a theorem speaks of its steps before they are taken."""
        return self.kind == "sgd"

    @property
    def theorem(self) -> str:
        """Whose range it is judged by."""
        if self.nesterov:
            return "nesterov"
        return "heavy_ball" if self.momentum else "sharp"

    @property
    def exact_eta(self) -> Fraction:
        """The learning rate eta of the theorems."""
        lr = Fraction(self.lr)
        return lr * (1 - Fraction(self.momentum)) if CONVENTIONS[self.convention].averages else lr

    @property
    def eta(self) -> float:
        """The learning rate of the theorems, rounded up where it is no float64: their ranges of mu hold smaller ones.

        For mu the ranges of `heavy_ball` and `nesterov`, the horizon and weight decay admit with an eta every smaller.
        """
        return round_up(self.exact_eta)

    @property
    def numbers(self) -> tuple[str, float, str, float]:
        """The theorem's numbers with their names: eta, and mu, or tau = 0 without momentum."""
        return ("eta", self.eta, "mu", self.momentum) if self.momentum else ("eta", self.eta, "tau", 0.0)

    @property
    def words(self) -> str:
        """The numbers as the user sets them."""
        momentum = f", momentum={self.momentum!r}" if self.momentum or self.kind == "sgd" else ""
        return f"lr={self.lr!r}{momentum}{', nesterov' if self.nesterov else ''}"

    @property
    def translation(self) -> str:
        """The user's numbers, then the theorem's."""
        eta, rate, name, size = self.numbers
        return f"{self.words} ({eta}={rate!r}, {name}={size!r})"

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said of the conversion."""
        convention = CONVENTIONS[self.convention]
        found = []
        if not self.is_proved:
            return (nothing_in_advance(self.kind),)
        if self.momentum:
            found.append(
                f"exact while lr and momentum are constant ({convention.update}; where lr changes, "
                f"{convention.varying})"
            )
        if Fraction(self.eta) != self.exact_eta:
            found.append("eta = lr (1 - momentum) is rounded up, which proves all smaller ones too")
        if self.nesterov and convention.stores_ahead:
            found.append(
                "the weights that are stored are w + mu D, where the gradient is taken; V = E(w) + |D|^2/(2 eta) "
                "falls, and both must stay in the region"
            )
        if self.weight_decay:
            found.append(f"weight_decay={self.weight_decay!r} is a part of the gradient, so E includes it")
        return tuple(found)

    @certified_environment(products=False)
    def largest_lr(self, L: Any) -> float | None:
        """Return the largest lr that is proved with this momentum, rounded down; None if there is none."""
        limit = self._range.eta_limit_with(curvature(L), self.momentum)
        return None if limit is None else lr_of(limit, self.momentum, self.convention)

    @certified_environment(products=False)
    def largest_momentum(self, L: Any) -> float | None:
        """Return the largest momentum that is proved with this lr, rounded down; None if it is none, not even 0."""
        bound = curvature(L)
        admissible = self._range if self.momentum else RANGES["heavy_ball"]
        if not admissible.admits(bound, Fraction(self.lr), Fraction(0)):
            return None
        if CONVENTIONS[self.convention].averages:
            return math.nextafter(1.0, 0.0)  # (1 - mu) cancels in mu <= 1 - L lr (1 - mu)/2
        return min(admissible.momentum_limit(bound, self.lr), math.nextafter(1.0, 0.0))

    @certified_environment(products=False)
    def remedy(self, L: Any) -> str:
        """Return what to change so that a theorem proves the steps, in the user's numbers.

        Examples
        --------
        >>> Optimizer(0.5, momentum=0.75).remedy(2.0), Optimizer(2.0, momentum=0.75, convention="ema").remedy(2.0)
        ('use lr <= 0.25 with momentum=0.75, or momentum <= 0.5 with lr=0.5', 'use lr <= 1.0 with momentum=0.75')
        """
        options = []
        if (rate := self.largest_lr(L)) is not None and rate < self.lr:
            options.append(f"lr <= {rate!r} with momentum={self.momentum!r}")
        size = self.largest_momentum(L)
        if size is not None and 0 < size < self.momentum:
            options.append(f"momentum <= {size!r} with lr={self.lr!r}")
        return f"use {', or '.join(options)}" if options else "use a smaller region"

    @property
    def _range(self) -> AdmissibleRange:
        return RANGES[self.theorem]

    def to_json(self) -> dict[str, Any]:
        """Return the user's numbers, then the theorem's, as plain data."""
        given: dict[str, Any] = {
            "kind": self.kind,
            "convention": self.convention,
            "lr": self.lr,
            "momentum": self.momentum,
            "dampening": self.dampening,
            "nesterov": self.nesterov,
            "weight_decay": self.weight_decay,
        }
        if self.is_proved:
            eta, rate, name, size = self.numbers
            given |= {eta: rate, name: size, "theorem": self.theorem}
        return {**given, "notes": list(self.notes)}


def lr_of(eta: float, momentum: float, convention: ConventionName) -> float | None:
    """Return the largest lr whose eta, rounded up, is at most this one; None if it underflows or overflows.

    Examples
    --------
    >>> lr_of(0.25, 0.5, "torch"), lr_of(0.25, 0.5, "ema")
    (0.25, 0.5)
    """
    if not CONVENTIONS[convention].averages:
        return eta
    lr = round_down(Fraction(eta) / (1 - Fraction(momentum)))
    while lr > 0 and Optimizer(lr, momentum, convention=convention).eta > eta:
        lr = math.nextafter(lr, 0.0)
    return lr if 0 < lr < math.inf else None


def nothing_in_advance(kind: str) -> str:
    """Return what is proved of an optimizer that divides by a running size of the gradient."""
    return (
        f"nothing is proved of {kind}'s steps in advance: each weight has its own learning rate, which no theorem here "
        "bounds; verify.torch.Monitor decides of every executed step whether it decreased the error"
    )
