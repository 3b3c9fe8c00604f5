"""The rules of training: how a step is chosen and how its decrease is proved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic.lengths import length as euclidean
from verify.bounds.segment import segment_bound
from verify.calculus.decide import Decision
from verify.calculus.problem import vertex_blocks
from verify.training.curvature import estimated_curvature
from verify.training.directions import ConjugateDirections, Directions, hager_zhang, polak_ribiere
from verify.training.evaluation import decide_by_errors, decide_by_ranges, error_range
from verify.training.momentum import Norm, adaptive_step, restarted
from verify.training.state import SavedState
from verify.training.trajectory import StepRecord

if TYPE_CHECKING:
    from verify.bounds.start import StartPass
    from verify.calculus.objective import Objective
    from verify.training.downhill import DownhillProof

_TRIES = 30
_HIDDEN_TRIES = 3
"""Tries at proving a change that rounding hides: a shorter step makes the change smaller, not the rounding."""
_MOST_TRUST = 4.0
DOWNHILL = "theorem from_rest"
_NOTHING_PROVABLE = "no decrease can be proved any more"
State = dict[str, np.ndarray]
Range = tuple[float, float]


class NoStepError(Exception):
    """The rule has no step to take; the text says why."""


class Rule(ABC):
    """Chooses and proves one step after the other."""

    name: ClassVar[str]
    bounds_segments: ClassVar[bool] = False
    """Whether a segment bound from w follows every gradient at w, so that they should share a forward pass."""
    uses_gradients: ClassVar[bool] = True
    """Whether a step needs the gradient of all data at its start."""
    known: KnownError

    @abstractmethod
    def step(
        self, problem: Objective, w: np.ndarray, gradient: np.ndarray, start: StartPass | None = None
    ) -> tuple[np.ndarray, StepRecord]:
        """Return the next stored weights and the record of the step.

        Parameters
        ----------
        problem : Objective
        w, gradient : array, shape (P,)
        start : StartPass, optional
            Holds the forward pass that the gradient came from.

        Raises
        ------
        NoStepError
            When there is none.
        """

    def error_range(self, problem: Objective, w: np.ndarray) -> Range:
        """Return proved bounds of E(w), without cost where the rule knows them from the step to w."""
        return self.known.at(problem, w)

    @abstractmethod
    def state(self) -> State:
        """Return everything that later steps depend on."""

    @abstractmethod
    def restore(self, saved: SavedState) -> None:
        """Take over what `state` returned.

        Raises
        ------
        InputError
            If it cannot be the state of such a rule.
        """


@dataclass
class KnownError:
    """Proved range of E at the weights asked last: the end of one step is the start of the next."""

    weights: np.ndarray | None = None
    range: Range = (0.0, np.inf)

    def at(self, problem: Objective, w: np.ndarray) -> Range:
        if self.weights is None or not np.array_equal(self.weights, w):
            self.keep(w, error_range(problem, w))
        return self.range

    def keep(self, w: np.ndarray, known: Range) -> None:
        self.weights, self.range = w, known


@final
@dataclass
class FixedRule(Rule):
    """Adaptive momentum with constant (eta, tau), the algorithm of the theorem; every step is decided afterwards.

    With a proof of theorem `from_rest` a step is decided by its slope where that is enough. With `restart` momentum
    that points uphill is dropped, as in theorem `restart`, whose norms are over all weights.
    """

    name = "fixed"
    eta: float
    tau: float
    norm: Norm = "global"
    previous: np.ndarray | None = None
    known: KnownError = field(default_factory=KnownError)
    proof: DownhillProof | None = None
    restart: bool = False

    def step(
        self, problem: Objective, w: np.ndarray, gradient: np.ndarray, start: StartPass | None = None
    ) -> tuple[np.ndarray, StepRecord]:
        previous = np.zeros_like(w) if self.previous is None else self.previous
        previous = restarted(gradient, previous) if self.restart else previous
        w_next = w + adaptive_step(gradient, previous, self.eta, self.tau, self.norm, vertex_blocks(problem, self.norm))
        decision, evidence = decide_stored_step(problem, w, w_next, self.known, self.proof)
        self.previous = w_next - w
        return w_next, decided_record(decision, evidence, self.eta, self.tau if np.any(previous) else 0.0)

    def state(self) -> State:
        return {} if self.previous is None else {"previous": self.previous}

    def restore(self, saved: SavedState) -> None:
        saved.expect((), ("previous",))
        self.previous = saved.vector("previous") if "previous" in saved.content else None


def decide_stored_step(
    problem: Objective, w: np.ndarray, w_next: np.ndarray, known: KnownError, proof: DownhillProof | None
) -> tuple[Decision, str]:
    """Decide a step that is taken whatever it does: by its slope where theorem `from_rest` speaks of it, else by E.

    Raises
    ------
    NoStepError
        If the weights overflow or do not change.
    """
    if not np.all(np.isfinite(w_next)):
        raise NoStepError("overflow")
    if np.array_equal(w, w_next):
        raise NoStepError("the step is too small to change the stored weights")
    if proof is not None and (decision := _decrease_at_most(proof.change(problem, w, w_next))) is not None:
        return decision, DOWNHILL
    before, after = known.at(problem, w), error_range(problem, w_next)
    known.keep(w_next, after)
    return decide_by_errors(problem, w, w_next, before, after)


@final
@dataclass
class GuardedRule(Rule):
    """Conjugate directions with Newton's length; a step is halved until its decrease is proved."""

    name = "guarded"
    length: float = 1.0
    turn: int = 0
    directions: Directions = field(default_factory=lambda: ConjugateDirections(hager_zhang))
    known: KnownError = field(default_factory=KnownError)

    def step(
        self, problem: Objective, w: np.ndarray, gradient: np.ndarray, start: StartPass | None = None
    ) -> tuple[np.ndarray, StepRecord]:
        direction, momentum = self.directions.next(w, gradient)
        length = _newton_length(problem, w, gradient, direction, self.turn) or 2 * self.length
        self.turn += 1
        before = self.known.at(problem, w)
        hidden = 0
        for _ in range(_TRIES):
            w_next = w + length * direction
            if np.array_equal(w, w_next) or hidden == _HIDDEN_TRIES:
                break
            if np.all(np.isfinite(w_next)) and (after := error_range(problem, w_next))[0] <= before[1]:
                t, decision, evidence = length, decide_by_ranges(before, after), "error enclosures"
                if decision is None:
                    hidden += 1
                    t, decision, evidence = _hidden_decrease(problem, w, direction, length, (before, after))
                if decision.sign == -1:
                    self.length = t
                    if t == length:
                        self.known.keep(w_next, after)
                    return w + t * direction, decided_record(
                        decision, evidence, t, momentum_size(t * momentum, gradient)
                    )
            length *= 0.5
        raise NoStepError(_NOTHING_PROVABLE)

    def state(self) -> State:
        return {"length": np.array(self.length), "turn": np.array(self.turn), **self.directions.state()}

    def restore(self, saved: SavedState) -> None:
        saved.expect(("length", "turn"), self.directions.history)
        self.length, self.turn = saved.number("length"), saved.count("turn")
        self.directions.restore(saved)


@final
@dataclass
class CertifiedRule(Rule):
    """The length of each step is proved by the segment bound before it is taken.

    Parameters
    ----------
    directions : Directions
        By default conjugate ones.
    """

    name = "certified"
    bounds_segments = True
    displacement: float = np.inf
    trust: float = 1.0
    turn: int = 0
    directions: Directions = field(default_factory=lambda: ConjugateDirections(polak_ribiere))
    known: KnownError = field(default_factory=KnownError)

    def step(
        self, problem: Objective, w: np.ndarray, gradient: np.ndarray, start: StartPass | None = None
    ) -> tuple[np.ndarray, StepRecord]:
        found = self._step(problem, w, gradient, start)
        if found is None and self.directions.forget():
            self.trust = 1.0
            found = self._step(problem, w, gradient, start)
        if found is None:
            raise NoStepError(_NOTHING_PROVABLE)
        return found

    def _step(
        self, problem: Objective, w: np.ndarray, gradient: np.ndarray, start: StartPass | None
    ) -> tuple[np.ndarray, StepRecord] | None:
        direction, momentum = self.directions.next(w, gradient)
        length = self._trusted_length(problem, w, gradient, direction)
        hidden = 0
        for _ in range(_TRIES):
            bound = segment_bound(problem, w, direction, length, start)
            t = bound.best_step
            self._adapt(t, length)
            w_next = w + t * direction
            if np.array_equal(w, w + length * direction) or bound.rises_at_once:
                break
            if t > 0:
                decision, evidence = self._stored_decision(problem, w, w_next, bound.stored_change(t))
                if decision.sign == -1:
                    self.displacement = t * euclidean(direction)
                    tau = momentum_size(t * momentum, gradient)
                    return w_next, decided_record(decision, evidence, t, tau, bound.decrease_until)
                hidden += 1
                if hidden == _HIDDEN_TRIES:
                    break
            length *= 0.25
        return None

    def state(self) -> State:
        scalars = {"displacement": np.array(self.displacement), "trust": np.array(self.trust)}
        return {**scalars, "turn": np.array(self.turn), **self.directions.state()}

    def restore(self, saved: SavedState) -> None:
        saved.expect(("displacement", "trust", "turn"), self.directions.history)
        self.displacement, self.trust = saved.number("displacement"), saved.number("trust", _MOST_TRUST)
        self.turn = saved.count("turn")
        self.directions.restore(saved)

    def _trusted_length(self, problem: Objective, w: np.ndarray, gradient: np.ndarray, direction: np.ndarray) -> float:
        newton = _newton_length(problem, w, gradient, direction, self.turn)
        self.turn += 1
        limit = 4 * self.displacement / euclidean(direction)
        length = min(self.trust * newton, limit) if newton else limit
        return length if np.isfinite(length) and length > 0 else 1.0

    def _stored_decision(
        self, problem: Objective, w: np.ndarray, w_next: np.ndarray, change: Fraction | None
    ) -> tuple[Decision, str]:
        """Decide a step between stored weights from the segment's bound of its change, else by evaluation."""
        if (decision := _decrease_at_most(change)) is not None:
            return decision, "segment bound"
        if not np.all(np.isfinite(w_next)):
            return Decision(None, -np.inf, np.inf, 53), ""
        before, after = self.known.at(problem, w), error_range(problem, w_next)
        decided = decide_by_errors(problem, w, w_next, before, after, maximal_precision=53)
        if decided[0].sign == -1:
            self.known.keep(w_next, after)
        return decided

    def _adapt(self, t: float, length: float) -> None:
        if t == length:
            self.trust = min(_MOST_TRUST, 1.5 * self.trust)
        elif t < 0.4 * length:
            self.trust *= 0.6
        elif t < 0.6 * length:
            self.trust *= 0.85


def _hidden_decrease(
    problem: Objective, w: np.ndarray, direction: np.ndarray, length: float, known: tuple[Range, Range]
) -> tuple[float, Decision, str]:
    """Decide a step whose change is lost in the known ranges of E before and after it; the step may become shorter."""
    bound = segment_bound(problem, w, direction, length)
    t = bound.best_step
    if t > 0 and (decision := _decrease_at_most(bound.stored_change(t))) is not None:
        return t, decision, "segment bound"
    return length, *decide_by_errors(problem, w, w + length * direction, *known, maximal_precision=53)


def _decrease_at_most(change: Fraction | None) -> Decision | None:
    """Turn a proved upper bound of a step's change into a decision, if it is negative as a float64 too."""
    if change is None or change >= 0:
        return None
    upper = float(change)
    upper = upper if upper >= change else float(np.nextafter(upper, np.inf))
    return Decision(-1, -np.inf, upper, 53) if upper < 0 else None


def decided_record(
    decision: Decision, evidence: str, eta: float, tau: float, eta_until: float | None = None
) -> StepRecord:
    """Return the record of a step whose change of error was decided."""
    return StepRecord(eta, tau, decision.decreases, -decision.upper, evidence, eta_until)


def _newton_length(
    problem: Objective, w: np.ndarray, gradient: np.ndarray, direction: np.ndarray, turn: int
) -> float | None:
    """Length to the minimum of the quadratic model along the direction; None where it is not convex."""
    with np.errstate(all="ignore"):
        curvature = estimated_curvature(problem, w, direction, turn)
        length = -float(gradient @ direction) / curvature if curvature > 0 else 0.0
    return length if np.isfinite(length) and length > 0 else None


def momentum_size(momentum: np.ndarray, gradient: np.ndarray) -> float:
    """Return |m|/|g| in float64, for the record of a step; 0 where |g| underflows."""
    norm = euclidean(gradient)
    return euclidean(momentum) / norm if norm > 0 else 0.0
