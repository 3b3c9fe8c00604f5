"""A guard of training by mini-batches: every epoch that counts is proved to have decreased the error of all data."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import nn

from verify.arithmetic.environment import certified_environment
from verify.importers.torch.criteria import Criterion
from verify.outcomes import InputError, Verdict
from verify.torch.ordered_data import OrderedData
from verify.torch.random_state import generators_of
from verify.torch.training_state import TrainingState
from verify.torch.whole_error import Range, WholeError
from verify.training.backoff import BackOff
from verify.training.evaluation import decide_by_ranges

LOGGER = logging.getLogger("verify.torch")
_SAVED = "load what state_dict() returned"


@dataclass(frozen=True)
class EpochReport:
    """What is proved of one epoch.

    Parameters
    ----------
    index : int
        From 1; attempts count.
    verdict : Verdict
        On E(after) < E(before), exact reals at what is stored: PROVED, REFUTED (E rose), UNDECIDED.
    accepted : bool
        Whether the epoch counts. If not, all is as it was before it, and learning rates are smaller.
    error : (float, float)
        Proved bounds of E after the epoch, accepted or not.
    change : (float, float)
        Proved bounds of E(after) - E(before).
    rates : tuple of float
        Learning rates of the parameter groups from now on.
    """

    index: int
    verdict: Verdict
    accepted: bool
    error: Range
    change: Range
    rates: tuple[float, ...]


@final
class EpochGuard:
    """Makes a training run a chain of checkpoints along which the error of all data is proved to fall.

    After every epoch, or whenever `judge` is called, the error E of the module on all of the data is enclosed, chunk by
    chunk, and compared with its value before. If it did not provably fall, weights, buffers, optimiser, schedulers and
    random generators go back to where they were, and every learning rate is multiplied by ``shrink``, those from which
    a scheduler computes others included. An accepted epoch leaves the learning rate as it is, unless ``recover`` is
    given: then so many accepted epochs in a row undo one shrinking, and learning rates never grow beyond what they
    would be without the guard.

    E is the error in evaluation mode, whatever mode the module is trained in: dropout is off, and batch normalisation
    uses its running statistics as they are stored, which are a part of the checkpoint. Steps, batches and their order
    are the user's; nothing is said of single steps.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Any, over parameters of the module.
    module : torch.nn.Module
        Any that `verify.from_torch` takes, with float64 or float32 parameters.
    loader : DataLoader
        E is the mean over its whole dataset, in the order of the dataset; generators of the loader and its samplers go
        back too.
    loss : str or callable
        As in `verify.from_torch`; a loss that averages must average over samples.
    scheduler : scheduler or sequence of them, optional
    also : sequence, optional
        More that has to go back: gradient scalers, averaged weights, anything with ``state_dict``.
    data : (inputs, targets), optional
        On which E is judged, in place of the loader's dataset: where items are changed at random, or read once only.
    shrink : float
        In (0, 1).
    recover : int, optional
        Accepted epochs in a row after which learning rates grow back by 1/shrink; without it they never do.
    chunk : int
        Most samples that are evaluated at a time.
    generators : sequence of torch.Generator, optional
        More random generators than those of PyTorch, NumPy, Python and the loader.
    **objective
        ``reduction``, ``weight_decay``, and options of the loss, as in `verify.from_torch`; ``device``, where E is
        enclosed, as in `verify.torch.error_enclosure` (default: NumPy).

    Attributes
    ----------
    reports : list of EpochReport
    accepted : int
        Epochs that count.
    error : (float, float)
        Proved bounds of E at the last checkpoint.

    Raises
    ------
    InputError
        If the module cannot be captured, the samples cannot be read in order, or E is not finite at the start.

    Examples
    --------
    >>> seed = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> x = torch.randn(32, 2)
    >>> data = torch.utils.data.TensorDataset(x, (x[:, 0] > 0).long())
    >>> loader = torch.utils.data.DataLoader(data, batch_size=8, shuffle=True)
    >>> optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    >>> guard = EpochGuard(optimizer, module, loader, "cross_entropy")
    >>> for epoch in guard.epochs(3):
    ...     for inputs, targets in loader:
    ...         optimizer.zero_grad()
    ...         nn.functional.cross_entropy(module(inputs), targets).backward()
    ...         loss = optimizer.step()
    >>> guard.accepted, [report.verdict.name for report in guard.reports]
    (3, ['PROVED', 'PROVED', 'PROVED'])
    """

    @certified_environment()
    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        module: nn.Module,
        loader: Any,
        loss: str | Criterion = "mse",
        *,
        scheduler: Any = None,
        also: Sequence[Any] = (),
        data: Any = None,
        shrink: float = 0.5,
        recover: int | None = None,
        chunk: int = 512,
        generators: Sequence[torch.Generator] = (),
        **objective: Any,
    ) -> None:
        self._backoff = BackOff(shrink, recover)
        if not isinstance(module, nn.Module):
            raise InputError("not a PyTorch module", module=type(module).__name__, remedy="give an nn.Module")
        schedulers = scheduler if isinstance(scheduler, list | tuple) else () if scheduler is None else (scheduler,)
        drawn = [*generators_of(loader), *generators]
        self._state = TrainingState(module, optimizer, [*schedulers, *also], drawn)
        self._data = OrderedData(loader, data, chunk)
        self._whole = WholeError(module, self._data, loss, **objective)
        self.reports: list[EpochReport] = []
        self.accepted = 0
        self.error = self._finite_error()
        self._checkpoint = self._state.capture()

    @property
    def factor(self) -> float:
        """What the learning rates have been multiplied by so far."""
        return self._backoff.factor

    def epochs(self, count: int) -> Iterator[int]:
        """Yield the number of each epoch, from 0, until so many are accepted; each is judged after the loop's body.

        An epoch that is taken back is yielded again. The loop ends early, with a warning to the logger
        ``verify.torch``, when learning rates were shrunk below 2^-40 of what they were.

        Parameters
        ----------
        count : int
            Of accepted epochs, those before a `load_state_dict` included.
        """
        while self.accepted < count:
            if self._backoff.exhausted:
                LOGGER.warning("epoch %d: E does not provably fall at any learning rate tried", self.accepted)
                return
            yield self.accepted
            self.judge()

    @certified_environment()
    def judge(self) -> EpochReport:
        """Decide whether the error fell since the last checkpoint: make a new one, or go back to the last one."""
        error = self._whole.range()
        decision = decide_by_ranges(self.error, error) if all(map(math.isfinite, error)) else None
        verdict, change = Verdict.UNDECIDED, (-math.inf, math.inf)
        if decision is not None:
            verdict, change = decision.decreases, (decision.lower, decision.upper)
        accepted = verdict is Verdict.PROVED and change[1] < 0
        if accepted:
            self.accepted, self.error = self.accepted + 1, error
            self._state.scale_rates(self._backoff.accepted())
        else:
            self._state.restore(self._checkpoint)
            self._state.scale_rates(self._backoff.rejected())
        self._checkpoint = self._state.capture()
        report = EpochReport(len(self.reports) + 1, verdict, accepted, error, change, self._state.rates())
        self.reports.append(report)
        if accepted:
            LOGGER.debug("epoch %d: the error fell by at least %.6g", self.accepted, -change[1])
        else:
            LOGGER.info("epoch %d: taken back, the error did not provably fall; lr %s", self.accepted + 1, report.rates)
        return report

    def state_dict(self) -> dict[str, Any]:
        """Return the last checkpoint: with it a later process goes on as if it had not been interrupted.

        Save it with ``torch.save``; all of it is tensors and plain data if the optimiser's state is.
        """
        return {
            "checkpoint": self._checkpoint,
            "accepted": self.accepted,
            "factor": self.factor,
            "streak": self._backoff.streak,
            "fingerprints": list(self._data.fingerprints),
        }

    @certified_environment()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint; nothing that is claimed of it is taken from the state: E is enclosed again.

        Raises
        ------
        InputError
            If it is the state of another training, or of other data, or not a state.
        """
        wanted = {"checkpoint", "accepted", "factor", "streak", "fingerprints"}
        if not isinstance(state, Mapping) or set(state) != wanted:
            raise InputError("not the state of a guard", expected=sorted(wanted), remedy=_SAVED)
        accepted, saved = state["accepted"], BackOff(self._backoff.shrink, self._backoff.recover)
        if isinstance(accepted, bool) or not isinstance(accepted, int) or accepted < 0:
            raise InputError("the number of epochs must be a whole number", accepted=accepted, remedy=_SAVED)
        saved.set(state["factor"], state["streak"], _SAVED)
        if list(state["fingerprints"]) != self._data.fingerprints:
            raise InputError(
                "the saved state is that of other data",
                chunks=len(self._data.fingerprints),
                remedy="use the same data in the same order, with the same chunk=",
            )
        self._state.restore(state["checkpoint"])
        self.accepted, self._backoff, self.reports = accepted, saved, []
        self.error = self._finite_error()
        self._checkpoint = self._state.capture()

    def __reduce_ex__(self, _: Any) -> Any:
        raise InputError(
            "a guard watches one training and cannot be copied", accepted=self.accepted, remedy="use state_dict()"
        )

    def _finite_error(self) -> Range:
        error = self._whole.range()
        if not all(map(math.isfinite, error)):
            raise InputError("E is not finite, or not proved to be", error=error, remedy="start from finite weights")
        return error
