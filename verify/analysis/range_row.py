"""What one theorem admits for a problem, as one row of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from verify.notebook import table
from verify.outcomes import Verdict


@dataclass(frozen=True)
class RangeRow:
    """What one theorem admits.

    Parameters
    ----------
    theorem : str
        Its name in ``proofs_notes/``.
    verdict : Verdict
        PROVED if the setting in question is admissible.
    statement : str
        The range in words.
    eta : float or None
        The learning rate in question: the one asked, else the recommended one; None without a bound L.
    tau_max, mu_max : float or None
        Largest admissible momentum with this `eta`; None where it does not apply or is unbounded. 0 where `eta`
        itself is not admissible.
    eta_max : float or None
        Largest admissible learning rate.
    remedy : str or None
        What to change when it is not proved.
    numbers : dict
        Further figures of the theorem.
    """

    theorem: str
    verdict: Verdict
    statement: str
    eta: float | None = None
    tau_max: float | None = None
    eta_max: float | None = None
    mu_max: float | None = None
    remedy: str | None = None
    numbers: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the row as plain data."""
        row = {
            **self.numbers,
            "theorem": self.theorem,
            "eta": self.eta,
            "tau_max": self.tau_max,
            "eta_max": self.eta_max,
            "verdict": self.verdict.value,
            "statement": self.statement,
            "remedy": self.remedy,
        }
        of_mu = self.theorem in ("heavy_ball", "nesterov")
        return {**row, "mu_max": self.mu_max} if of_mu or self.mu_max is not None else row

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        rows = [("statement", self.statement)]
        if self.remedy is not None and self.verdict is not Verdict.PROVED:
            rows.append(("remedy", self.remedy))
        return table(f"range {self.theorem}", rows, self.verdict.value)
