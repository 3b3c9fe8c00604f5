"""A monitor that says of every step of any PyTorch optimiser whether the error fell, with proof."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from verify.arithmetic.environment import certified_environment
from verify.bounds.regions import Region
from verify.graph.problem import GraphProblem
from verify.importers.torch.criteria import Criterion
from verify.outcomes import InputError, Verdict
from verify.torch.compared import Compared, GradientWatch
from verify.torch.correspondence import Correspondence
from verify.torch.forward_calls import ForwardCalls
from verify.torch.heavy_ball import HeavyBallWatch, InRange
from verify.torch.mapped import MappedModule, check_region
from verify.torch.tensors.device import as_device
from verify.torch.tensors.enclosures import error_enclosure
from verify.training.evaluation import decide_by_errors, error_range

LOGGER = logging.getLogger("verify.torch")


@dataclass(frozen=True)
class StepReport:
    """What is proved of one step.

    Parameters
    ----------
    index : int
        From 1.
    verdict : Verdict
        On E(w_next) <= E(w), exact reals at the stored weights: PROVED, REFUTED (an increase), UNDECIDED.
    change : (float, float)
        Proved bounds of E(w_next) - E(w).
    error_upper : float
        Proved upper bound of E(w_next).
    in_range : Verdict or None
        PROVED: theorem ``heavy_ball`` is proved to speak of this stored step with the bound L given, so that
        E + mu/(2 eta) |D|^2 did not increase, eta being the learning rate times `multiple`, constant so far.
        UNDECIDED: it is not, or the step did not use the gradient of this error. None without L, or for an optimiser
        that the theorem does not speak of.
    note : str
        Which gradient the step used where it is not this error's own: a multiple, that of a mini-batch, or another;
        why `in_range` is not PROVED; why nothing is decided any more where the module was changed; else empty.
    inside : Verdict or None
        Whether the weights are in the region; None without one, or where the module was changed.
    multiple : float or None
        The step used this multiple of the gradient of this error, up to rounding: 1, or for example 2 for nn.MSELoss
        with one output where half the squared error is judged. None where it used another gradient, or none was
        compared.
    """

    index: int
    verdict: Verdict
    change: tuple[float, float]
    error_upper: float
    in_range: Verdict | None
    note: str
    inside: Verdict | None
    multiple: float | None = None


class Monitor:
    """Watches an optimiser: SGD with momentum, Nesterov, Adam or any other.

    Every step is reported to the callbacks and to the logger ``verify.torch``: an increase, leaving the region and a
    gradient of another loss as warnings, an undecided step and a mini-batch as information, a proved decrease for
    debugging. Used as a context manager it stops watching at the end.

    The gradient of every step is compared with that of the error that is judged, so that a factor of two between two
    losses does not pass silently. The comparison costs a gradient in PyTorch; what is proved does not rest on it.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    module : torch.nn.Module
        Any module that `verify.from_torch` takes, with float64 or float32 parameters; what is proved is about the
        weights as stored.
    inputs, targets : tensor or array, shape (n, ...), or what ``forward`` and the loss take
        The data on which the error is judged, whatever batches and whatever loss the optimiser uses; `set_batch`
        replaces them.
    loss : str or callable, optional
        The error that is judged, as in `verify.from_torch`: one of PyTorch's losses by name, an ``nn.Module`` or a
        function of outputs and targets. Default: half the squared error.
    curvature : float, optional
        A bound L of the Hessian's norm on the region, or without one wherever the weights go. With it each step is
        also held against theorem ``heavy_ball``, which costs an enclosure of the gradient.
    region : Region, optional
    callbacks : callables, optional
        Called with every `StepReport`.
    correspondence : Correspondence, optional
    device : str or torch.device, optional
        Where the error is enclosed, as in `verify.torch.error_enclosure`, for a module that becomes a graph of
        operations; default: NumPy. What that leaves undecided, NumPy and Arb decide.
    **objective
        ``reduction``, ``weight_decay``, and options of the loss.

    Attributes
    ----------
    reports : list of StepReport

    Raises
    ------
    InputError
        If the module cannot be mapped, data or device cannot be used, or L is not positive and finite.

    Examples
    --------
    >>> torch_seed = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    >>> x, y = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([[1.0], [0.0]])
    >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    >>> with Monitor(optimizer, module, x, y) as monitor:
    ...     for _ in range(3):
    ...         optimizer.zero_grad()
    ...         (0.5 * ((module(x) - y) ** 2).sum() / len(x)).backward()
    ...         optimizer.step()
    >>> [report.verdict.name for report in monitor.reports]
    ['PROVED', 'PROVED', 'PROVED']
    """

    @certified_environment()
    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        module: nn.Module,
        inputs: Any,
        targets: Any,
        *,
        loss: str | Criterion | None = None,
        curvature: float | None = None,
        region: Region | None = None,
        callbacks: tuple[Callable[[StepReport], None], ...] = (),
        correspondence: Correspondence | None = None,
        device: str | torch.device | None = None,
        **objective: Any,
    ) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise InputError(
                "not a PyTorch optimiser", optimizer=type(optimizer).__name__, remedy="give a torch.optim.Optimizer"
            )
        check_region(region)
        self.mapped = MappedModule(module, inputs, targets, correspondence, loss, **objective)
        self.problem, self.correspondence = self.mapped.problem, self.mapped.correspondence
        self.optimizer, self.region, self.callbacks = optimizer, region, tuple(callbacks)
        self._device = None if device is None else as_device(device)
        self.reports: list[StepReport] = []
        self._theorem = None if curvature is None else HeavyBallWatch(self.mapped, optimizer, curvature)
        self._calls = calls = ForwardCalls()
        self._judge(self.mapped)
        self._told = ""
        self._hooks = [
            optimizer.register_step_pre_hook(lambda _, arguments, options: self._before(arguments, options)),
            optimizer.register_step_post_hook(lambda *_: self._after()),
            calls.watch(module),
        ]

    @certified_environment()
    def set_batch(self, inputs: Any, targets: Any) -> None:
        """Judge the next steps by the error E_B on these samples, until others are set; nothing is said of the rest.

        Call it before ``optimizer.step()``, with the batch that the step uses: then each report is about the error that
        its step was meant to lower. The module is captured once for each shape of a batch.

        Parameters
        ----------
        inputs, targets : tensor or array, shape (n, ...), or what ``forward`` and the loss take

        Raises
        ------
        InputError
            If the module was changed, the data cannot be used, or there is a bound L: theorem ``heavy_ball`` speaks of
            one error.

        Examples
        --------
        >>> torch_seed = torch.manual_seed(0)
        >>> module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
        >>> x, y = torch.randn(8, 2), torch.randn(8, 1)
        >>> optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        >>> with Monitor(optimizer, module, x, y) as monitor:
        ...     for rows in (slice(0, 4), slice(4, 8)):
        ...         monitor.set_batch(x[rows], y[rows])
        ...         optimizer.zero_grad()
        ...         (0.5 * ((module(x[rows]) - y[rows]) ** 2).sum() / 4).backward()
        ...         optimizer.step()
        >>> [(report.verdict.name, report.multiple) for report in monitor.reports]
        [('PROVED', 1.0), ('PROVED', 1.0)]
        """
        if self._theorem is not None:
            raise InputError(
                "theorem heavy_ball speaks of one error for all steps",
                curvature=self._theorem.curvature,
                remedy="leave out curvature=",
            )
        self._judge(self.mapped.on(inputs, targets))

    def _judge(self, mapped: MappedModule) -> None:
        """Take an error as the one that the next steps are judged by."""
        self.mapped, self.problem, self.correspondence = mapped, mapped.problem, mapped.correspondence
        self._weights = self.correspondence.read()
        self._error = self._range(self._weights)
        self._inside = self._in_region(self._weights)
        self._gradients = GradientWatch(
            mapped.correspondence, mapped.reference, mapped.decay, mapped.known, self._calls
        )

    def detach(self) -> None:
        """Stop watching."""
        for hook in self._hooks:
            hook.remove()

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    def __reduce_ex__(self, _: Any) -> Any:
        raise InputError(
            "a monitor watches one optimiser and cannot be copied",
            remedy="make a new Monitor",
            optimizer=type(self.optimizer).__name__,
        )

    @property
    def first_increase(self) -> StepReport | None:
        """The first step that is proved to have increased the error."""
        return next((report for report in self.reports if report.verdict is Verdict.REFUTED), None)

    def _before(self, arguments: Any, options: Any) -> Any:
        self._examine_start()
        closure = options.get("closure") or (arguments[1] if len(arguments) > 1 else None)
        if self.mapped.change():
            return None
        if closure is None:
            self._gradients.collect()
            return None
        rest = {name: value for name, value in options.items() if name != "closure"}
        return (*arguments[:1], self._collecting(closure), *arguments[2:]), rest

    def _collecting(self, closure: Callable[[], Any]) -> Callable[[], Any]:
        """Return the closure with its first gradients remembered: those at the weights before the step."""

        def called() -> Any:
            loss = closure()
            self._gradients.collect()
            return loss

        return called

    @certified_environment()
    def _examine_start(self) -> None:
        if self.mapped.change():
            return
        weights = self.correspondence.read()
        if not np.array_equal(weights, self._weights):
            self._weights, self._error, self._inside = weights, self._range(weights), self._in_region(weights)
            if self._theorem is not None:
                self._theorem.weights_changed()

    def _after(self) -> None:
        compared = Compared(None)
        if self.mapped.change():
            self._gradients.forget()
        else:
            compared = self._gradients.compare(self._weights, self.optimizer)
        report = self._examined(compared)
        self.reports.append(report)
        _log(report, self.reports[-2].inside if len(self.reports) > 1 else None)
        if compared.words != self._told:
            self._told = compared.words
            if compared.words:
                level = logging.INFO if compared.of_batch else logging.WARNING
                LOGGER.log(level, "step %d: %s", report.index, compared.words)
        for callback in self.callbacks:
            callback(report)

    @certified_environment()
    def _examined(self, compared: Compared) -> StepReport:
        index, verdict, change = len(self.reports) + 1, Verdict.UNDECIDED, (-np.inf, np.inf)
        if changed := self.mapped.change():
            note = f"{changed} after the monitor was made: make a new one"
            return StepReport(index, verdict, change, np.inf, None, note, None)
        before, was_inside = self._weights, self._inside
        weights = self._weights = self.correspondence.read()
        inside = self._inside = self._in_region(weights)
        known, self._error = self._error, self._range(weights)
        if np.all(np.isfinite(weights)) and np.all(np.isfinite(before)):
            decision, _ = decide_by_errors(self.problem, before, weights, known, self._error)
            verdict, change = decision.decreases, (decision.lower, decision.upper)
        theorem = InRange(None, "no bound L is given" if self._theorem is None else "")
        if self._theorem is not None:
            in_region = self.region is None or (inside is Verdict.PROVED and was_inside is Verdict.PROVED)
            theorem = self._theorem.judge(before, weights, in_region, compared)
        multiple, note = theorem.multiple, theorem.note
        if theorem.verdict is None:  # the theorem's own comparison was not made
            multiple = None if compared.multiple is None else float(compared.multiple)
            note = "; ".join(filter(None, (compared.words, theorem.note)))
        return StepReport(index, verdict, change, self._error[1], theorem.verdict, note, inside, multiple)

    def _range(self, weights: np.ndarray) -> tuple[float, float]:
        if not np.all(np.isfinite(weights)):
            return (-np.inf, np.inf)
        if self._device is None:
            return error_range(self.problem, weights)
        if not isinstance(self.problem, GraphProblem):
            raise InputError(
                "the error of this module is no graph of operations, which devices compute",
                device=str(self._device),
                remedy="leave out device=, or set loss='mse'",
            )
        return error_enclosure(self.problem, weights, device=self._device)

    def _in_region(self, weights: np.ndarray) -> Verdict | None:
        if self.region is None:
            return None
        return self.region.contains(weights) if np.all(np.isfinite(weights)) else Verdict.REFUTED


def _log(report: StepReport, was_inside: Verdict | None) -> None:
    low, high = report.change
    match report.verdict:
        case Verdict.REFUTED:
            LOGGER.warning("step %d: the error increased by at least %.6g", report.index, low)
        case Verdict.UNDECIDED:
            LOGGER.info("step %d: undecided whether the error fell", report.index)
        case _:
            LOGGER.debug("step %d: the error fell by at least %.6g", report.index, -high)
    if report.inside is Verdict.REFUTED and was_inside is not Verdict.REFUTED:
        LOGGER.warning("step %d: the weights left the region", report.index)
