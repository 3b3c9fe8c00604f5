"""A callback for Lightning's Trainer: each optimiser step of a training run, decided. Needs the extra ``lightning``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

from verify.importers.torch.criteria import Criterion
from verify.outcomes import InputError, Verdict
from verify.torch.monitor import Monitor, StepReport
from verify.torch.scalars import scalars

PACKAGES = ("lightning.pytorch", "pytorch_lightning")
"""The two names under which Lightning is installed."""


def _callback() -> Any:
    """Return Lightning's class of callbacks, of the package that the program already uses."""
    used = [name for name in PACKAGES if name in sys.modules]
    for name in (*used, *PACKAGES):
        try:
            return importlib.import_module(name).Callback
        except ModuleNotFoundError:
            continue
    raise ModuleNotFoundError("Lightning is not installed; run: pip install 'dagverify[lightning]'")


class LightningMonitor(_callback()):  # type: ignore[misc]
    """Watches the optimiser of a `Trainer` with a `Monitor`, and logs what is proved of its steps.

    The module that is judged is the LightningModule's ``forward``, or a part of it. `Trainer.fit` makes a new monitor
    when training starts, from the weights of then. The numbers of `verify.torch.scalars.scalars` are logged by
    ``log_dict`` after each batch as ``dagverify/verdict`` and so on, so any logger of the Trainer keeps them.

    Parameters
    ----------
    inputs, targets : tensor or array, shape (n, ...), or what ``forward`` and the loss take
        The data on which the error is judged, whatever batches the loader gives.
    loss : str or callable, optional
        As for `Monitor`.
    submodule : str
        Name of the part that is judged, for example ``"net"``: what the loss takes are its outputs. It must hold the
        parameters that the optimiser moves. Default: the LightningModule.
    optimizer : int
        Which of ``trainer.optimizers`` is watched.
    stop_on_increase : bool
        Stop training after a step that is proved to have increased the error.
    log : bool
        Whether to call ``log_dict``.
    **options
        Of `Monitor`: ``curvature``, ``region``, ``callbacks``, ``reduction``, ``weight_decay``, options of the loss.

    Attributes
    ----------
    monitor : Monitor or None
        Of the last `Trainer.fit`.

    Raises
    ------
    InputError
        When training starts: if the module cannot be mapped, or runs in several processes.
    """

    def __init__(
        self,
        inputs: Any,
        targets: Any,
        *,
        loss: str | Criterion | None = None,
        submodule: str = "",
        optimizer: int = 0,
        stop_on_increase: bool = False,
        log: bool = True,
        **options: Any,
    ) -> None:
        super().__init__()
        self.monitor: Monitor | None = None
        self._submodule, self._optimizer, self._stops, self._logs = submodule, optimizer, stop_on_increase, log
        self._make: Callable[..., Monitor] = lambda optimiser, module: Monitor(
            optimiser, module, inputs, targets, loss=loss, **options
        )
        self._told = 0

    @property
    def reports(self) -> list[StepReport]:
        """Of the steps of the last `Trainer.fit`."""
        return [] if self.monitor is None else self.monitor.reports

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Make the monitor."""
        if trainer.world_size > 1:
            raise InputError(
                "training in several processes cannot be watched",
                world_size=trainer.world_size,
                remedy="use Trainer(devices=1)",
            )
        if not 0 <= self._optimizer < len(trainer.optimizers):
            raise InputError(
                "there is no such optimizer",
                optimizer=self._optimizer,
                optimizers=len(trainer.optimizers),
                remedy="give its place in what configure_optimizers returns, from 0",
            )
        try:
            module = pl_module.get_submodule(self._submodule)
        except AttributeError:
            raise InputError(
                "there is no such part of the module",
                submodule=self._submodule,
                remedy="give a name of named_modules()",
            ) from None
        self.monitor, self._told = self._make(trainer.optimizers[self._optimizer], module), 0

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        """Log what is proved of the last step; stop where an increase was proved, if asked to."""
        news = self.reports[self._told :]
        self._told += len(news)
        if news and self._logs:
            pl_module.log_dict({f"dagverify/{name}": value for name, value in scalars(news[-1]).items()})
        if self._stops and any(report.verdict is Verdict.REFUTED for report in news):
            trainer.should_stop = True

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Stop watching."""
        self._detach()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Stop watching."""
        self._detach()

    def _detach(self) -> None:
        if self.monitor is not None:
            self.monitor.detach()
