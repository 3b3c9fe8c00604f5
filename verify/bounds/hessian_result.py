"""What a Hessian bound is: the number, how it was found, and what an independent checker needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from verify.arithmetic.decimals import at_least
from verify.notebook import table
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.bounds.majorant.bound import MajorantPath
    from verify.bounds.regions import Region


class UndecidedHessianError(InputError):
    """No finite bound was proved: the curvature overflows float64, or a step of the proof failed."""


@dataclass(frozen=True)
class HessianBound:
    """A proved bound of the curvature: ``||Hess E(w)|| <= value`` for every w in the region.

    Parameters
    ----------
    value : float
        The bound, weight decay included, rounded upwards; on the sublevel set if a level was given.
    method : str
        ``"norms"`` or ``"majorant"``.
    region : Region
        Where it holds.
    contributions : dict of str to float
        How `whole` divides among the vertices with parameters: the share of each vertex's block in the
        direction of largest curvature that the bound allows for. Informative, not part of the proof; the shares
        sum to it without weight decay.
    weight_decay : float
        The part that weight decay adds.
    terms : dict of str to float
        What the value was assembled from, by name.
    trajectory : MajorantPath or None
        Knots of the majorants and the proved norms there (method ``"majorant"``).
    whole : float
        The bound on the whole region, weight decay included; equal to `value` without a level.
    """

    value: float
    method: str
    region: Region
    contributions: dict[str, float]
    weight_decay: float = 0.0
    terms: dict[str, float] = field(default_factory=dict)
    trajectory: MajorantPath | None = None
    whole: float = float("inf")

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        shares = sorted(self.contributions.items(), key=lambda item: -item[1])
        rows = [("|Hess E|", f"at most {at_least(self.value)}"), ("where", str(self.region)), ("method", self.method)]
        return table("Hessian bound", [*rows, *((f"from {name}", f"{part:.4g}") for name, part in shares)], "PROVED")
