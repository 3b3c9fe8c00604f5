"""Which hypotheses of the theorems a problem meets: what a change that is proposed must not lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.assumptions.boundedness import prove_boundedness
from verify.assumptions.operation_regularity import regularity
from verify.bounds.regions import BoundedWeights
from verify.outcomes import InputError, Verdict
from verify.theorems.weight_decay import sublevel_radius

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.calculus.objective import Objective


@dataclass(frozen=True)
class Hypotheses:
    """Hypotheses that hold.

    Parameters
    ----------
    smooth : bool
        A1 is proved.
    holds_sublevel : bool
        The region |w| <= radius reaches beyond the sublevel set of E(w0), so that weight decay proves A2 for ever.
    stays : bool
        A2 is proved for the setting asked, for one step at least.
    """

    smooth: bool
    holds_sublevel: bool
    stays: bool

    @classmethod
    def of(cls, problem: Objective, L: float | None, setting: Setting | None) -> Hypotheses:
        """Find what holds.

        Parameters
        ----------
        problem : Problem or GraphProblem
            With a region.
        L : float or None
            Hessian bound over the region.
        setting : Setting or None
            The setting asked.
        """
        smooth = regularity(problem, L).verdict is Verdict.PROVED
        stays = False
        if L is not None and setting is not None and problem.region is not None:
            asked = (setting.eta, setting.momentum, setting.theorem, setting.previous_step)
            stays = prove_boundedness(problem, problem.region, L, *asked) is not None
        return cls(smooth, _holds_sublevel(problem), stays)

    def lost(self, after: Hypotheses) -> str | None:
        """Return which hypothesis holds here and not there, in words; None if there is none."""
        if self.smooth and not after.smooth:
            return "A1, smooth activations, would fail"
        if self.holds_sublevel and not after.holds_sublevel:
            return "weight decay would no longer prove A2: the region would not hold the sublevel set of E(w0)"
        if self.stays and not after.stays:
            return "the setting's first step would no longer be proved to stay in the region (A2)"
        return None


def _holds_sublevel(problem: Objective) -> bool:
    if not isinstance(problem.region, BoundedWeights) or problem.quadratic_growth <= 0:
        return False
    try:
        level = sublevel_radius(problem.error_enclosure(problem.initial_weights)[1], problem.quadratic_growth)
    except InputError:
        return False
    return problem.region.radius > level
