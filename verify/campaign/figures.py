"""The figures of a campaign: failures with their confidence limits, and how far it was from being vacuous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from scipy.stats import beta

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Figures:
    """Totals over the networks of a campaign; the fields follow `Trial`.

    Parameters
    ----------
    networks, certified : int
    steps, covered, violations, undecided, arb : int
    broken_bounds : int
        Hessian bounds that an attack broke.
    failure_rate : float
        Upper 95 % confidence limit of the rate of violations among covered steps (Clopper-Pearson).
    bound_failure_rate : float
        The same for the Hessian bounds.
    margin : float or None
        Median of the smallest failing over the certified learning rate, over networks with both.
    tightness : float or None
        Median of L over the curvature that the attack proved.
    """

    networks: int
    certified: int
    steps: int
    covered: int
    violations: int
    undecided: int
    arb: int
    broken_bounds: int
    failure_rate: float
    bound_failure_rate: float
    margin: float | None
    tightness: float | None

    @property
    def clean(self) -> bool:
        """Whether nothing was falsified and nothing stayed open."""
        return not (self.violations or self.undecided or self.broken_bounds)


def figures_of(trials: Sequence[dict[str, Any]]) -> Figures:
    """Add up the lines of a campaign."""
    certified = [trial for trial in trials if trial["certified"]]
    total = {
        name: sum(trial[name] for trial in trials) for name in ("steps", "covered", "violations", "undecided", "arb")
    }
    broken = sum(trial["bound_broken"] for trial in certified)
    margins = [trial["failing_eta"] / trial["eta"] for trial in certified if trial["failing_eta"] is not None]
    ratios = [trial["lipschitz"] / trial["attack"] for trial in certified if trial["attack"] > 0]
    return Figures(
        networks=len(trials),
        certified=len(certified),
        **total,
        broken_bounds=broken,
        failure_rate=rate_limit(total["violations"], total["covered"]),
        bound_failure_rate=rate_limit(broken, len(certified)),
        margin=median(margins) if margins else None,
        tightness=median(ratios) if ratios else None,
    )


def rate_limit(failures: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Upper one-sided confidence limit of a rate (Clopper-Pearson); about 3/n at 95 % without failures.

    Examples
    --------
    >>> round(rate_limit(0, 1000), 6), rate_limit(1, 1), rate_limit(0, 0)
    (0.002991, 1.0, 1.0)
    """
    if failures >= trials:
        return 1.0
    if failures == 0:
        return -math.expm1(math.log1p(-confidence) / trials)
    return float(beta.ppf(confidence, failures + 1, trials - failures))
