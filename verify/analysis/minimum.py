"""What is proved of the weights at which training ended: a minimum, a saddle, or neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.analysis.flat_directions import FlatDirections
from verify.arithmetic.decimals import at_least, at_most
from verify.notebook import table
from verify.outcomes import Finding, Verdict
from verify.theorems.local_minimum import LocalMinimum

QUESTION = "has training converged to a strict minimiser of E?"
ARITHMETIC = "exact reals on the float64 data and weights given"


@dataclass(frozen=True)
class Saddle:
    """A direction along which E curves downwards, and a step that lowers E.

    Parameters
    ----------
    curvature : float
        Upper bound of ``d . Hess E(w) d / |d|^2``, negative.
    direction : array, shape (P,)
        d.
    following : array, shape (P,)
        Stored weights after the step.
    decrease : float
        Proved lower bound of E(w) - E(following).
    """

    curvature: float
    direction: np.ndarray
    following: np.ndarray
    decrease: float


@dataclass(frozen=True)
class Minimum:
    """The answer of `verify.converge`.

    Parameters
    ----------
    verdict : Verdict
        PROVED: `proof` holds; REFUTED: the weights are no local minimiser, by `saddle`; else UNDECIDED.
    statement : str
    weights : array, shape (P,)
        Where training ended.
    error : (float, float)
        Proved bounds of E there.
    gradient_norm : float
        Proved upper bound of |grad E| there.
    steps : dict of str to int
        Steps taken, each with a proved decrease: ``"training"`` and ``"newton"``.
    proof : LocalMinimum or None
        m, L, radius, distance, excess, rate, (eta, tau).
    hypotheses : tuple of Finding
        What the theorem needs, each with its own verdict.
    saddle : Saddle or None
    flat : FlatDirections or None
    remedy : str or None
    name : str
        Of the problem.
    """

    verdict: Verdict
    statement: str
    weights: np.ndarray
    error: tuple[float, float]
    gradient_norm: float
    steps: dict[str, int]
    proof: LocalMinimum | None = None
    hypotheses: tuple[Finding, ...] = ()
    saddle: Saddle | None = None
    flat: FlatDirections | None = None
    remedy: str | None = None
    name: str = "problem"

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        rows = [("statement", self.statement)]
        rows += [(f"needs {each.id}", f"{each.verdict.value}: {each.statement}") for each in self.hypotheses]
        rows += [
            ("E", f"in [{at_most(self.error[0])}, {at_least(self.error[1])}] at the weights"),
            ("|grad E|", f"at most {at_least(self.gradient_norm)}"),
            ("steps", ", ".join(f"{count} {kind}" for kind, count in self.steps.items())),
        ]
        return table(f"{self.name}: {QUESTION}", rows, self.verdict.value)

    def __repr__(self) -> str:
        return f"Minimum({self.verdict.value}: {self.statement})"

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain data for ``--json``; weights as numbers."""
        proof = self.proof
        return {
            "name": self.name,
            "question": QUESTION,
            "verdict": self.verdict.value,
            "statement": self.statement,
            "theorem": "local_minimum" if proof is not None else None,
            "arithmetic": ARITHMETIC,
            "hypotheses": [hypothesis.to_json() for hypothesis in self.hypotheses],
            "error": list(self.error),
            "gradient_norm": self.gradient_norm,
            "steps": self.steps,
            "claim": None
            if proof is None
            else {
                "least": proof.m,
                "lipschitz": proof.L,
                "radius": proof.radius,
                "eta": proof.eta,
                "tau": proof.tau,
                "gain": proof.gain,
                "gradient_norm": proof.gradient_norm,
                "distance": proof.distance,
                "excess": proof.excess,
                "rate": proof.rate,
                "room": proof.room,
            },
            "flat": None if self.flat is None else self.flat.to_json(),
            "saddle": None
            if self.saddle is None
            else {
                "curvature": self.saddle.curvature,
                "direction": self.saddle.direction.tolist(),
                "next": self.saddle.following.tolist(),
                "decrease": self.saddle.decrease,
                "replay": "verify.decide_decrease(problem, weights, next)",
            },
            "weights": self.weights.tolist(),
            "remedy": self.remedy,
        }
