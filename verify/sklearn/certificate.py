"""What a fit has proved."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from verify.arithmetic.decimals import at_least, at_most
from verify.notebook import table
from verify.outcomes import Verdict

ARITHMETIC = "exact reals on the float64 weights and data of the fit"


@dataclass(frozen=True)
class TrainingCertificate:
    """What was proved of a fit, for the weights stored after every step and the data given, and no more.

    Parameters
    ----------
    verdict : Verdict
        On: at least one step was taken, and each decreased the error E. A fit without a step is UNDECIDED.
    steps : int
        Steps taken, each with a proof that E fell.
    evidence : dict of str to int
        How many of them were proved by what: ``"error enclosures"``, ``"segment bound"``, ``"Arb at ... bits"``. No
        theorem is needed: the change of E between the two stored weights was bounded itself.
    start, end : (float, float)
        Proved bounds of E at the first weights and at those fitted.
    decrease : float
        Proved lower bound of ``E(start) - E(end)``.
    gradient_bound : float
        Proved upper bound of |grad E| at the weights fitted; infinite if none was found.
    converged : bool
        Whether that bound is at most ``tol``. It says nothing of a minimum: see `verify.converge`.
    stopped : str
        Why the training ended.
    arithmetic : str
        What the numbers are about.
    """

    verdict: Verdict
    steps: int
    evidence: dict[str, int]
    start: tuple[float, float]
    end: tuple[float, float]
    decrease: float
    gradient_bound: float
    converged: bool
    stopped: str
    arithmetic: str = ARITHMETIC

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data; what is not finite is None."""
        finite = self.gradient_bound < float("inf")
        return {
            **asdict(self),
            "verdict": self.verdict.value,
            "gradient_bound": self.gradient_bound if finite else None,
        }

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        counted = ", ".join(f"{count} by {name}" for name, count in Counter(self.evidence).most_common())
        rows = [
            ("steps", f"{self.steps}: {counted}" if counted else str(self.steps)),
            ("E", f"fell by at least {at_most(self.decrease)}, to at most {at_least(self.end[1])}"),
            ("|grad E|", f"at most {at_least(self.gradient_bound)}"),
            ("stopped", self.stopped),
        ]
        return table("Fit: did every step decrease the error?", rows, self.verdict.value)
