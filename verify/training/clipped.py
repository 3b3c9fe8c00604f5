"""SGD with a constant coefficient whose momentum term is cut only where it must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np

from verify.training.momentum import heavy_ball_step
from verify.training.rules import KnownError, Rule, State, decide_stored_step, decided_record, momentum_size

if TYPE_CHECKING:
    from verify.bounds.start import StartPass
    from verify.calculus.objective import Objective
    from verify.training.downhill import DownhillProof
    from verify.training.state import SavedState
    from verify.training.trajectory import StepRecord


@final
@dataclass
class ClippedRule(Rule):
    """D_{k+1} = -eta g_k + m_k, m_k = min(mu, tau |g_k|/|D_k|) D_k with norms over all weights, from rest.

    With (eta, tau) in the range of theorem `from_rest` the error decreases at every step inside the region, however
    large mu is: the rule is SGD with momentum mu wherever |mu D_k| <= tau |g_k|. Each stored step is proved by
    `DownhillProof` where it can be, else decided.
    """

    name = "clipped"
    eta: float
    mu: float
    tau: float
    proof: DownhillProof | None = None
    previous: np.ndarray | None = None
    known: KnownError = field(default_factory=KnownError)

    def step(
        self, problem: Objective, w: np.ndarray, gradient: np.ndarray, start: StartPass | None = None
    ) -> tuple[np.ndarray, StepRecord]:
        previous = np.zeros_like(w) if self.previous is None else self.previous
        coefficient = self._coefficient(gradient, previous)
        w_next = w + heavy_ball_step(gradient, previous, self.eta, coefficient)
        decision, evidence = decide_stored_step(problem, w, w_next, self.known, self.proof)
        self.previous = w_next - w
        size = momentum_size(coefficient * previous, gradient)
        return w_next, decided_record(decision, evidence, self.eta, size)

    def _coefficient(self, gradient: np.ndarray, previous: np.ndarray) -> float:
        length = float(np.linalg.norm(previous))
        limit = self.tau * float(np.linalg.norm(gradient))
        return self.mu if self.mu * length <= limit else limit / length

    def state(self) -> State:
        return {} if self.previous is None else {"previous": self.previous}

    def restore(self, saved: SavedState) -> None:
        saved.expect((), ("previous",))
        self.previous = saved.vector("previous") if "previous" in saved.content else None
