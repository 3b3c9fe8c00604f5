"""Rule ``epoch``: SGD on mini-batches; a step is an epoch, which counts if the error of all data provably fell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, final

import numpy as np

from verify.arithmetic.floats import exact_float
from verify.calculus.batches import batches_of
from verify.outcomes import InputError
from verify.training.backoff import BackOff
from verify.training.evaluation import decide_by_errors, error_range
from verify.training.rules import KnownError, NoStepError, Rule, State, decided_record
from verify.training.state import SavedState
from verify.training.trajectory import StepRecord

if TYPE_CHECKING:
    from verify.bounds.start import StartPass
    from verify.calculus.objective import Objective

LARGEST_SEED = 2**63 - 1
_REMEDY = "go on from a state that was saved by the same rule, or start again"


@final
class EpochRule(Rule):
    """A chain of checkpoints along which the error E of all data is proved to fall.

    An epoch visits every batch once, in an order drawn for it: v <- mu v + grad E_b(w), w <- w - lr v. Then E is
    enclosed and compared with its value before. Where it did not provably fall, w goes back to the checkpoint, and the
    epoch is tried again, in the same order, from rest (v = 0: momentum of before may point uphill, then no learning
    rate helps), with a learning rate by the rule of `BackOff`. Nothing is said of the steps within: they are executed
    in float64, whatever they do to E.

    The order of an epoch depends on the seed and its number alone, so that a run is replayed bit for bit.

    Parameters
    ----------
    batches : sequence of problems
        The errors E_b that the steps use, with the weights of the whole problem.
    eta : float
        Learning rate lr at the start.
    mu : float
        Momentum, in [0, 1).
    seed : int
    shrink, recover
        As in `BackOff`.

    Raises
    ------
    InputError
        If a setting is out of range, or there is no batch.
    """

    name = "epoch"
    uses_gradients = False

    def __init__(
        self,
        batches: Sequence[Objective],
        eta: float,
        mu: float = 0.0,
        *,
        seed: int = 0,
        shrink: float = 0.5,
        recover: int | None = None,
    ) -> None:
        eta, mu = exact_float(eta, "eta"), exact_float(mu, "mu")
        if not (np.isfinite(eta) and eta > 0 and 0 <= mu < 1):
            remedy = "use mu=0.9" if np.isfinite(eta) and eta > 0 else "use eta=0.01"
            raise InputError("rule 'epoch' needs eta > 0 and 0 <= mu < 1", eta=eta, mu=mu, remedy=remedy)
        if isinstance(seed, bool) or not (isinstance(seed, int) and 0 <= seed <= LARGEST_SEED):
            raise InputError("the seed must be a whole number, not negative", seed=seed, remedy="use seed=0")
        if not len(batches):
            raise InputError("an epoch needs a batch", batches=0, remedy="give at least one")
        self.batches, self.eta, self.mu, self.seed = batches, eta, mu, seed
        self.backoff = BackOff(shrink, recover)
        self.epoch = 0
        self.velocity: np.ndarray | None = None
        self.known = KnownError()

    def step(
        self, problem: Objective, w: np.ndarray, gradient: np.ndarray | None = None, start: StartPass | None = None
    ) -> tuple[np.ndarray, StepRecord]:
        before, taken_back = self.known.at(problem, w), 0
        while not self.backoff.exhausted:
            eta = self.eta * self.backoff.factor
            w_next, velocity = self._executed(w, eta, from_rest=taken_back > 0)
            if np.array_equal(w, w_next):
                break
            if np.all(np.isfinite(w_next)) and np.all(np.isfinite(velocity)):
                after = error_range(problem, w_next)
                decision, evidence = decide_by_errors(problem, w, w_next, before, after, maximal_precision=53)
                if decision.sign == -1 and decision.upper < 0:
                    self.known.keep(w_next, after)
                    self.backoff.accepted()
                    self.epoch, self.velocity = self.epoch + 1, velocity
                    evidence += f", taken back {taken_back} times" if taken_back else ""
                    return w_next, decided_record(decision, evidence, eta, 0.0)
            taken_back += 1
            self.backoff.rejected()
        raise NoStepError("the error of all data does not provably fall over an epoch at any learning rate tried")

    def state(self) -> State:
        own = {
            "epoch": np.array(self.epoch),
            "factor": np.array(self.backoff.factor),
            "streak": np.array(self.backoff.streak),
        }
        return own if self.velocity is None else {**own, "velocity": self.velocity}

    def restore(self, saved: SavedState) -> None:
        saved.expect(("epoch", "factor", "streak"), ("velocity",))
        if (epoch := saved.count("epoch")) != saved.steps:
            raise InputError("another number of epochs", where="epoch", epoch=epoch, remedy=_REMEDY)
        self.backoff.set(saved.number("factor", 1.0), saved.count("streak"), _REMEDY)
        self.epoch, self.velocity = epoch, saved.vector("velocity") if "velocity" in saved.content else None

    def _executed(self, w: np.ndarray, eta: float, *, from_rest: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return weights and v after an epoch in float64, whatever becomes of them."""
        velocity = np.zeros_like(w) if from_rest or self.velocity is None else self.velocity
        with np.errstate(all="ignore"):
            for number in np.random.default_rng((self.seed, self.epoch)).permutation(len(self.batches)):
                if not np.all(np.isfinite(w)):
                    break
                velocity = self.mu * velocity + self.batches[int(number)].gradient(w)
                w = w - eta * velocity
        return w, velocity


def epoch_rule(
    problem: Objective, batch: Any, eta: float | None, mu: float | None = None, **settings: Any
) -> EpochRule:
    """Return the rule for a problem and its batches.

    Parameters
    ----------
    problem : Objective
    batch : int or sequence of problems
        Samples a batch, the first batch holding the first ones, and so on; or a problem of the same weights for each.
    eta, mu, **settings
        As in `EpochRule`.

    Raises
    ------
    InputError
        If a setting is missing or out of range, or the batches do not fit the problem.
    """
    if batch is None or eta is None:
        raise InputError("rule 'epoch' needs batch and eta", batch=batch, eta=eta, remedy="give batch=64, eta=0.1")
    given = isinstance(batch, Sequence) and not isinstance(batch, str)
    parts: Sequence[Any] = batch if given else batches_of(problem, batch)
    for part in parts if given else ():
        if getattr(part, "size", None) != problem.size:
            raise InputError(
                "a batch has other weights",
                type=type(part).__name__,
                expected=problem.size,
                remedy="give every batch the network of the whole problem",
            )
    return EpochRule(parts, eta, 0.0 if mu is None else mu, **settings)
