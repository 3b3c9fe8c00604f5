"""A callback for Hugging Face's Trainer: every optimiser step of a training run, decided. Needs ``transformers``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from transformers import TrainerCallback

from verify.importers.torch.criteria import Criterion
from verify.outcomes import InputError, Verdict
from verify.torch.monitor import Monitor, StepReport
from verify.torch.scalars import scalars


def own_loss(outputs: Any, _: Any) -> Any:
    """Return the loss that a model has computed itself, from the labels among its inputs."""
    return outputs["loss"] if isinstance(outputs, Mapping) else outputs[0]


class TrainerMonitor(TrainerCallback):
    """Watches the optimiser of a `transformers.Trainer` with a `Monitor`, and logs what is proved of its steps.

    `Trainer.train` makes a new monitor when training starts, from the weights of then, with the model in training mode.
    The numbers of `verify.torch.scalars.scalars` are added to ``state.log_history`` after each step as
    ``dagverify/verdict`` and so on.

    Parameters
    ----------
    inputs : dict
        The data on which the error is judged, by the names of the model's ``forward``, labels included: what the
        collator makes of the whole data set.
    targets : optional
        What the loss takes beside the outputs; only with ``loss``.
    loss : str or callable, optional
        As for `Monitor`; default: the loss that the model returns.
    stop_on_increase : bool
        Stop training after a step that is proved to have increased the error.
    **options
        Of `Monitor`: ``curvature``, ``region``, ``callbacks``, ``weight_decay``, and so on.

    Attributes
    ----------
    monitor : Monitor or None
        Of the last `Trainer.train`.

    Raises
    ------
    InputError
        When training starts: if the model cannot be mapped (dropout is the usual reason: set it to 0 in the config), or
        runs on several devices.
    """

    def __init__(
        self,
        inputs: Mapping[str, Any],
        targets: Any = None,
        *,
        loss: str | Criterion | None = None,
        stop_on_increase: bool = False,
        **options: Any,
    ) -> None:
        if not isinstance(inputs, Mapping):
            raise InputError(
                "inputs by name are needed",
                inputs=type(inputs).__name__,
                remedy='give a dict, for example {"input_ids": ids, "labels": labels}',
            )
        self.monitor: Monitor | None = None
        self._stops, self._told = stop_on_increase, 0
        self._make: Callable[..., Monitor] = lambda optimizer, model: Monitor(
            optimizer, model, dict(inputs), targets, loss=own_loss if loss is None else loss, **options
        )

    @property
    def reports(self) -> list[StepReport]:
        """Of the steps of the last `Trainer.train`."""
        return [] if self.monitor is None else self.monitor.reports

    def on_train_begin(self, args: Any, state: Any, control: Any, **options: Any) -> None:
        """Make the monitor."""
        if args.world_size > 1 or args.n_gpu > 1:
            raise InputError(
                "training on several devices cannot be watched",
                world_size=args.world_size,
                n_gpu=args.n_gpu,
                remedy="make one device visible",
            )
        optimizer = options["optimizer"]
        model = options["model"].train()
        self.monitor, self._told = self._make(getattr(optimizer, "optimizer", optimizer), model), 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Log what is proved of the step; stop where an increase was proved, if asked to."""
        news = self.reports[self._told :]
        self._told += len(news)
        for report in news:
            shown = {f"dagverify/{name}": value for name, value in scalars(report).items()}
            state.log_history.append({**shown, "step": state.global_step, "epoch": state.epoch})
        if self._stops and any(report.verdict is Verdict.REFUTED for report in news):
            control.should_training_stop = True

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop watching."""
        if self.monitor is not None:
            self.monitor.detach()
