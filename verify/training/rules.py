"""The three rules of training: how a step is chosen and how its decrease is proved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np

from verify.bounds.segment import SegmentBound, segment_bound
from verify.calculus.decide import Decision, decide_decrease
from verify.outcomes import Verdict
from verify.training.directions import PolakRibiere
from verify.training.momentum import Norm, adaptive_step
from verify.training.trajectory import StepRecord

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

_TRIES = 30


class Rule(ABC):
    """Chooses and proves one step after the other."""

    @abstractmethod
    def step(self, problem: Problem, w: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, StepRecord] | None:
        """Return the next stored weights and the record of the step, or None when no step can be proved."""


@final
@dataclass
class FixedRule(Rule):
    """Adaptive momentum with constant (eta, tau), the algorithm of the theorem; every step is decided afterwards."""

    eta: float
    tau: float
    norm: Norm = "global"
    previous: np.ndarray | None = None

    def step(self, problem: Problem, w: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, StepRecord]:
        previous = np.zeros_like(w) if self.previous is None else self.previous
        step = adaptive_step(gradient, previous, self.eta, self.tau, self.norm, problem.architecture)
        w_next = w + step
        self.previous = w_next - w
        decision = decide_decrease(problem, w, w_next)
        return w_next, _decided(decision, self.eta, self.tau if np.any(previous) else 0.0)


@final
@dataclass
class GuardedRule(Rule):
    """Conjugate directions with an adapting length; a step is halved until its decrease is proved."""

    length: float = 1.0
    directions: PolakRibiere = field(default_factory=PolakRibiere)

    def step(self, problem: Problem, w: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, StepRecord] | None:
        direction, momentum = self.directions.next(gradient)
        length = _newton_length(problem, w, gradient, direction) or self.length
        for _ in range(_TRIES):
            w_next = w + length * direction
            if np.array_equal(w, w_next):
                return None
            decision = decide_decrease(problem, w, w_next, maximal_precision=53)
            if decision.sign == -1:
                self.length = length
                return w_next, _decided(decision, length, _size(length * momentum, gradient))
            length *= 0.5
        return None


@final
@dataclass
class CertifiedRule(Rule):
    """Conjugate directions; the length of each step is proved by the segment bound before it is taken."""

    displacement: float = np.inf
    trust: float = 1.0
    directions: PolakRibiere = field(default_factory=PolakRibiere)

    def step(self, problem: Problem, w: np.ndarray, gradient: np.ndarray) -> tuple[np.ndarray, StepRecord] | None:
        direction, momentum = self.directions.next(gradient)
        length = self._trusted_length(problem, w, gradient, direction)
        for _ in range(_TRIES):
            bound = segment_bound(problem, w, direction, length)
            t = bound.best_step
            self._adapt(t, length)
            w_next = w + t * direction
            if t > 0 and (record := self._proved(problem, w, w_next, bound, t, momentum, gradient)):
                self.displacement = t * float(np.linalg.norm(direction))
                return w_next, record
            length *= 0.25
        return None

    def _trusted_length(self, problem: Problem, w: np.ndarray, gradient: np.ndarray, direction: np.ndarray) -> float:
        newton = _newton_length(problem, w, gradient, direction)
        limit = 4 * self.displacement / float(np.linalg.norm(direction))
        length = min(self.trust * newton, limit) if newton else limit
        return length if np.isfinite(length) and length > 0 else 1.0

    def _adapt(self, t: float, length: float) -> None:
        if t == length:
            self.trust = min(4.0, 1.5 * self.trust)
        elif t < 0.4 * length:
            self.trust *= 0.6
        elif t < 0.6 * length:
            self.trust *= 0.85

    def _proved(
        self,
        problem: Problem,
        w: np.ndarray,
        w_next: np.ndarray,
        bound: SegmentBound,
        t: float,
        momentum: np.ndarray,
        gradient: np.ndarray,
    ) -> StepRecord | None:
        tau = _size(t * momentum, gradient)
        change = bound.stored_change(t)
        if change is not None and change < 0:
            decrease = float(np.nextafter(float(-change), -np.inf))
            return StepRecord(t, tau, Verdict.PROVED, decrease, "segment bound")
        decision = decide_decrease(problem, w, w_next)
        return _decided(decision, t, tau) if decision.sign == -1 else None


def _decided(decision: Decision, eta: float, tau: float) -> StepRecord:
    evidence = "difference enclosure" if decision.precision == 53 else f"Arb at {decision.precision} bits"
    return StepRecord(eta, tau, decision.decreases, -decision.upper, evidence)


def _newton_length(problem: Problem, w: np.ndarray, gradient: np.ndarray, direction: np.ndarray) -> float | None:
    """Length to the minimum of the quadratic model along the direction; None where it is not convex."""
    curvature = float(direction @ problem.hessian_vector(w, direction))
    return -float(gradient @ direction) / curvature if curvature > 0 else None


def _size(momentum: np.ndarray, gradient: np.ndarray) -> float:
    norm = float(np.linalg.norm(gradient))
    return float(np.linalg.norm(momentum)) / norm if norm > 0 else 0.0
