"""Proof of a stored step's decrease from its slope alone: what theorem `from_rest` keeps true, step after step.

For the stored weights w, w' put D = w' - w exactly. Inside a region where the curvature is at most L the descent lemma
gives E(w') <= E(w) + g.D + L/2 |D|^2. Where L |D|^2 <= -g.D is proved from an enclosure of g = grad E(w), the error
falls by at least -g.D - L/2 |D|^2 >= L/2 |D|^2 with no evaluation of E; and g'.D <= 0 at w', so the next momentum does
not point uphill, whatever rounding made of the step.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.outcomes import InputError, Verdict
from verify.theorems.numbers import LEAST_CURVATURE

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.objective import Objective


@dataclass(frozen=True)
class DownhillProof:
    """A proved bound of the curvature, and the region where it holds.

    Parameters
    ----------
    L : float
        Upper bound of ||Hess E|| on the region, positive.
    region : Region
        Convex.
    """

    L: float
    region: Region

    @classmethod
    def of(cls, problem: Objective) -> DownhillProof:
        """Bound the Hessian over the problem's own region; of a graph of operations too.

        Raises
        ------
        InputError
            If the problem has no region, is not twice differentiable, or there is no bound.
        """
        if problem.region is None:
            raise InputError("theorem from_rest needs a region", remedy="give the problem a region", region=None)
        try:
            found = hessian_bound(problem, problem.region)
        except UndecidedHessianError as error:
            raise InputError("no bound L on the region", reason=error.what, remedy=error.remedy) from None
        return cls(max(found.value, LEAST_CURVATURE), problem.region)

    @certified_environment()
    def change(self, problem: Objective, w: np.ndarray, w_next: np.ndarray) -> Fraction | None:
        """Return a proved upper bound of E(w_next) - E(w), negative; None where L |D|^2 <= -g.D is not proved."""
        if any(self.region.contains(weights) is not Verdict.PROVED for weights in (w, w_next)):
            return None
        step = Interval.point(w_next) - Interval.point(w)
        slope = float(problem.gradient_enclosure(w).dot(step).upper)
        squared = float(step.square().sum().upper)
        if not (np.isfinite(slope) and np.isfinite(squared)):
            return None
        curved = Fraction(self.L) * Fraction(squared)
        return Fraction(slope) + curved / 2 if 0 < curved <= -Fraction(slope) else None
