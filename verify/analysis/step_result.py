"""What is proved about the settings of one concrete step, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from verify.notebook import table
from verify.outcomes import Verdict


@dataclass(frozen=True)
class Ray:
    """What is proved for all steps with one momentum ratio.

    Parameters
    ----------
    direction : str
        The direction in words.
    ratio : float or None
        tau/eta; None for the heavy ball, where mu/eta is fixed instead.
    verdict : Verdict
        PROVED if the step asked decreases the error, or, when none is asked, if some step does.
    eta_max, tau_max : float
        Every eta up to eta_max, with tau = ratio eta, is proved not to increase the error; rounded inward.
    best_eta, best_tau, decrease : float
        The setting with the largest proved decrease.
    stored : (float, float) or None
        Learning rates for which the decrease also holds for the weights as a program stores them; None if unknown.
    rises_at : float or None
        The smallest learning rate found that is proved to increase the error.
    tightness : float or None
        eta_max/rises_at.
    exact : bool
        Whether the ray is about the exact gradient; else about the stored float64 direction.
    remedy : str or None
        What to change.
    statement : str
        The same in words.
    """

    direction: str
    ratio: float | None
    verdict: Verdict
    eta_max: float
    tau_max: float
    best_eta: float
    best_tau: float
    decrease: float
    stored: tuple[float, float] | None
    rises_at: float | None
    tightness: float | None
    exact: bool
    remedy: str | None
    statement: str


@dataclass(frozen=True)
class MomentumLine:
    """What is proved for one learning rate and varying momentum.

    Parameters
    ----------
    eta : float
    verdict : Verdict
        PROVED if the momentum asked decreases the error, or, when none is asked, if some does.
    tau_min, tau_max : float or None
        Every tau between them is proved not to increase the error; rounded inward. None if none was found.
    best_tau, decrease : float
        The momentum with the largest proved decrease.
    rises_at : float or None
        The smallest tau found beyond that is proved to increase the error.
    tightness : float or None
        tau_max/rises_at.
    exact : bool
        As for rays.
    statement : str
    remedy : str or None
    """

    eta: float
    verdict: Verdict
    tau_min: float | None
    tau_max: float | None
    best_tau: float
    decrease: float
    rises_at: float | None
    tightness: float | None
    exact: bool
    statement: str
    remedy: str | None


@dataclass(frozen=True)
class StepRanges:
    """The admissible settings of one step.

    Parameters
    ----------
    error, gradient_norm : float
        E(w) and |grad E(w)|, in float64.
    cosine : float or None
        Of the angle between the previous step and -grad E(w); None without a previous step.
    norm : {"global", "vertex"}
        Over which weights the momentum's norms are taken.
    rays : tuple of Ray
        Ascending in their ratio.
    lines : tuple of MomentumLine
        Ascending in eta.
    """

    error: float
    gradient_norm: float
    cosine: float | None
    norm: str
    rays: tuple[Ray, ...]
    lines: tuple[MomentumLine, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            **asdict(self),
            "rays": [{**asdict(ray), "verdict": ray.verdict.value} for ray in self.rays],
            "lines": [{**asdict(line), "verdict": line.verdict.value} for line in self.lines],
        }

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        rays = [(each.direction, f"{each.verdict.value}: {each.statement}") for each in self.rays]
        lines = [(f"eta = {each.eta!r}", f"{each.verdict.value}: {each.statement}") for each in self.lines]
        return table("Admissible settings of this step", [*rays, *lines])
