"""What a training run did, step by step."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from verify.arithmetic.decimals import at_least
from verify.notebook import table
from verify.outcomes import Verdict


@dataclass(frozen=True)
class StepRecord:
    """One step from w to w_next.

    Parameters
    ----------
    eta, tau : float
        The pair used: w_next = w - eta g + m with |m| = tau |g|, up to rounding. Of an epoch of mini-batches: their
        learning rate, and 0.
    verdict : Verdict
        On E(w_next) <= E(w), for the stored weights.
    decrease : float
        Proved lower bound of E(w) - E(w_next); negative where only an increase can be bounded.
    evidence : str
        ``"segment bound"``, ``"error enclosures"``, ``"difference enclosure"`` or ``"Arb at ... bits"``.
    """

    eta: float
    tau: float
    verdict: Verdict
    decrease: float
    evidence: str
    eta_until: float | None = None


@dataclass
class Trajectory:
    """A run of `train`.

    Attributes
    ----------
    errors : array, shape (steps taken + 1,)
        E in float64 before the first and after every step.
    steps : list of StepRecord
    weights : array, shape (P,)
        The last weights.
    stopped : str
        Why the run ended.
    error_upper : float
        Proved upper bound of E at the last weights.

    Examples
    --------
    >>> import verify
    >>> run = verify.train(verify.load_problem("examples/xor_skip.toml"), steps=2)
    >>> [verdict.name for verdict in run.verdicts], bool(run.errors[2] < run.errors[0]), run.stopped
    (['PROVED', 'PROVED'], True, 'step budget')
    """

    errors: np.ndarray
    weights: np.ndarray
    stopped: str
    steps: list[StepRecord] = field(default_factory=list)
    error_upper: float = np.inf

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        found = self.verdicts
        counts = ", ".join(f"{found.count(each)} {each.value}" for each in Verdict if each in found) or "none"
        rows = [
            ("steps", f"{len(found)}: {counts}"),
            (
                "E",
                f"{self.errors[0]:.6g} to {self.errors[-1]:.6g}, which is proved at most {at_least(self.error_upper)}",
            ),
            ("stopped", self.stopped),
        ]
        verdict = Verdict.weakest(found).value if found else None
        return table("Training: did every step decrease the error?", rows, verdict)

    @property
    def verdicts(self) -> list[Verdict]:
        """One verdict per step."""
        return [step.verdict for step in self.steps]

    @property
    def eta(self) -> np.ndarray:
        """Learning rate of every step."""
        return np.array([step.eta for step in self.steps])

    @property
    def tau(self) -> np.ndarray:
        """Momentum size of every step."""
        return np.array([step.tau for step in self.steps])
