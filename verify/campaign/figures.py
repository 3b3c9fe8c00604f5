"""The figures of a campaign: failures with their confidence limits, and how far it was from being vacuous."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from scipy.special import betaincinv

from verify.outcomes import Verdict

CONFIDENCE = 0.95


@dataclass(frozen=True)
class StepFigures:
    """Totals of the steps of one rule; the fields follow `Steps`.

    Parameters
    ----------
    steps, covered, violations, undecided, arb : int
    failure_rate : float
        Upper 95 % confidence limit of the rate of violations among covered steps (Clopper-Pearson).
    """

    steps: int
    covered: int
    violations: int
    undecided: int
    arb: int
    failure_rate: float


@dataclass(frozen=True)
class SegmentFigures:
    """Totals of the bounds along segments; the fields follow `Segments`.

    Parameters
    ----------
    bounds, finite, attacks, successes : int
    failure_rate : float
        Upper 95 % confidence limit of the rate of successes among attacks.
    """

    bounds: int
    finite: int
    attacks: int
    successes: int
    failure_rate: float


@dataclass(frozen=True)
class Figures:
    """Totals over the networks of a campaign; the fields follow `Trial`.

    Parameters
    ----------
    networks, certified : int
    attacks, successes : int
    attack_rate : float
        Upper 95 % confidence limit of the rate of successes among attacks.
    adaptive, heavy_ball : StepFigures
    margin : float or None
        Median of the certified over the smallest failing learning rate, over networks with both: near 1, the certified
        one is the best possible.
    failing : int
        Networks with a failing learning rate.
    tightness : float or None
        Median of L over the curvature that the attacks proved.
    segments : SegmentFigures
    graphs : int
        Networks of the whole vocabulary; the others are of the classical class.
    """

    networks: int
    certified: int
    attacks: int
    successes: int
    attack_rate: float
    adaptive: StepFigures
    heavy_ball: StepFigures
    margin: float | None
    failing: int
    tightness: float | None
    segments: SegmentFigures
    graphs: int

    @property
    def falsified(self) -> int:
        """Successes and violations."""
        return self.successes + self.segments.successes + self.adaptive.violations + self.heavy_ball.violations

    @property
    def undecided(self) -> int:
        """Steps whose sign stayed open."""
        return self.adaptive.undecided + self.heavy_ball.undecided

    @property
    def verdict(self) -> Verdict:
        """REFUTED if anything was falsified; PROVED if nothing was and nothing stayed open."""
        if self.falsified:
            return Verdict.REFUTED
        return Verdict.PROVED if self.adaptive.covered and not self.undecided else Verdict.UNDECIDED


def figures_of(trials: Sequence[dict[str, Any]]) -> Figures:
    """Add up the lines of a campaign."""
    certified = [trial for trial in trials if trial["certified"]]
    attacks, successes = (sum(trial[name] for trial in certified) for name in ("attacks", "successes"))
    margins = [trial["eta"] / trial["failing_eta"] for trial in certified if trial["failing_eta"] is not None]
    ratios = [trial["lipschitz"] / trial["attack"] for trial in certified if trial["attack"] > 0]
    return Figures(
        networks=len(trials),
        certified=len(certified),
        attacks=attacks,
        successes=successes,
        attack_rate=rate_limit(successes, attacks),
        adaptive=_steps([trial["adaptive"] for trial in certified]),
        heavy_ball=_steps([trial["heavy_ball"] for trial in certified]),
        margin=median(margins) if margins else None,
        failing=len(margins),
        tightness=median(ratios) if ratios else None,
        segments=_segments([trial["segments"] for trial in trials if trial.get("segments")]),
        graphs=sum(trial.get("kind") == "graphs" for trial in trials),
    )


def _segments(counts: Sequence[dict[str, int]]) -> SegmentFigures:
    total = {name: sum(each[name] for each in counts) for name in ("bounds", "finite", "attacks", "successes")}
    return SegmentFigures(**total, failure_rate=rate_limit(total["successes"], total["attacks"]))


def _steps(counts: Sequence[dict[str, int]]) -> StepFigures:
    names = ("steps", "covered", "violations", "undecided", "arb")
    total = {name: sum(each[name] for each in counts) for name in names}
    return StepFigures(**total, failure_rate=rate_limit(total["violations"], total["covered"]))


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
    return float(betaincinv(failures + 1, trials - failures, confidence))
