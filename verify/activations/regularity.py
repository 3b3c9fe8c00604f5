"""Which form of assumption A1 an activation meets.

A1 asks that g, g' and g'' are bounded on the whole line. The relaxed form A1' asks for a continuous g' that is locally
Lipschitz: enough where the weights stay bounded, because every pre-activation then stays in a known interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from verify.activations.activation_function import Activation
from verify.activations.arb_numbers import rational_ball
from verify.activations.builtin import BUILTINS
from verify.activations.pieces import split
from verify.activations.profile import BITS, FormulaPiece, profile
from verify.activations.symbols import Smoothness
from verify.arithmetic import arb, upward
from verify.outcomes import Verdict


@dataclass(frozen=True)
class Kink:
    """A point where the first derivative jumps.

    Parameters
    ----------
    point : Fraction
    left, right : float
        The slopes on both sides, rounded.
    jump : float
        Upper bound of their difference.
    proved : bool
        Whether they are proved to differ.
    """

    point: Fraction
    left: float
    right: float
    jump: float
    proved: bool


@dataclass(frozen=True)
class Regularity:
    """What `classify` found.

    Parameters
    ----------
    verdict : Verdict
        PROVED if `form` is met; REFUTED if a kink rules out both forms.
    form : {"A1", "A1'"} or None
        The stronger form that is met.
    bounds : tuple of float
        Upper bounds of |g|, |g'| and |g''| on the line; ``inf`` where none is proved.
    witness : Kink or None
        What refutes both forms.
    remedy : str or None
        What to use instead.
    """

    verdict: Verdict
    form: Literal["A1", "A1'"] | None
    bounds: tuple[float, float, float]
    witness: Kink | None = None
    remedy: str | None = None


def classify(activation: Activation) -> Regularity:
    """Decide which form of A1 an activation meets.

    Examples
    --------
    >>> from verify.activations import activation
    >>> classify(activation("tanh")).form, classify(activation("softplus")).form
    ('A1', "A1'")
    >>> classify(activation("relu")).witness
    Kink(point=Fraction(0, 1), left=0.0, right=1.0, jump=1.0, proved=True)
    """
    bounds = (activation.supremum(0), activation.supremum(1), activation.supremum(2))
    kinks = [_kink(activation, point) for point in activation.kinks]
    if not kinks:
        twice = activation.smoothness in (Smoothness.ANALYTIC, Smoothness.C2)
        return Regularity(Verdict.PROVED, "A1" if twice and np.all(np.isfinite(bounds)) else "A1'", bounds)
    proved = [kink for kink in kinks if kink.proved]
    verdict = Verdict.REFUTED if proved else Verdict.UNDECIDED
    return Regularity(verdict, None, bounds, (proved or kinks)[0], _remedy(kinks))


def _kink(activation: Activation, point: Fraction) -> Kink:
    with arb.precision(BITS):
        left, right = activation.one_sided(rational_ball(point), 1)
        jump = arb.upper_float(abs(right - left))
        return Kink(point, float(left.mid()), float(right.mid()), jump, not left.overlaps(right))


def _remedy(kinks: list[Kink]) -> str:
    change = float(upward.mul(upward.add(0.0, *(kink.jump for kink in kinks)), softplus_excess()))
    return (
        "replace relu(u) by softplus(beta*u)/beta (max, min and abs are sums of relu), "
        f"which changes the activation by at most {change!r}/beta"
    )


def softplus_excess() -> float:
    """Return an upper bound of ``|softplus(x) - relu(x)|`` for all x: log 2, and by scaling of ``beta`` times
    ``|softplus(beta x)/beta - relu(x)|``.

    Examples
    --------
    >>> round(softplus_excess(), 12)
    0.69314718056
    """
    pieces = split(BUILTINS["softplus"] - BUILTINS["relu"])
    found = profile(pieces, tuple(FormulaPiece(formula) for formula in pieces.formulas), 0)
    return max(abs(found.low), abs(found.high))
