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
from verify.outcomes import InputError, Verdict
from verify.theorems.ranges import RANGES
from verify.torch.conversion import Correspondence
from verify.torch.optimiser import problem_of
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
        Whether (learning rate, momentum) lies in the heavy ball's range (theorem ``heavy_ball``) for the bound L
        given; None without L, or for an optimiser that the theorem does not speak of. The theorem is about steps
        along the gradient of this very error on all of its data, and it is E + mu/(2 eta) |D|^2 that falls.
    note : str
        Why `in_range` is not PROVED; empty where it is.
    inside : Verdict or None
        Whether the weights are in the region; None without one.
    """

    index: int
    verdict: Verdict
    change: tuple[float, float]
    error_upper: float
    in_range: Verdict | None
    note: str
    inside: Verdict | None


class Monitor:
    """Watches an optimiser: SGD with momentum, Nesterov, Adam or any other.

    Every step is reported to the callbacks and to the logger ``verify.torch``: an increase and leaving the region as
    warnings, an undecided step as information, a proved decrease for debugging. Used as a context manager it stops
    watching at the end.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
    module : torch.nn.Module
        float64 or float32 parameters; what is proved is about the weights as stored.
    inputs, targets : tensor, shape (n, ...)
        The data on which the error is judged, whatever batches the optimiser uses.
    curvature : float, optional
        A bound L of the Hessian's norm on the region that the weights stay in.
    region : Region, optional
    callbacks : callables, optional
        Called with every `StepReport`.
    correspondence : Correspondence, optional
    **objective
        ``reduction``, ``weight_decay`` of `Problem`.

    Attributes
    ----------
    reports : list of StepReport

    Raises
    ------
    InputError
        If the module cannot be mapped, or L is not positive and finite.

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
        inputs: torch.Tensor,
        targets: torch.Tensor,
        *,
        curvature: float | None = None,
        region: Region | None = None,
        callbacks: tuple[Callable[[StepReport], None], ...] = (),
        correspondence: Correspondence | None = None,
        **objective: Any,
    ) -> None:
        if curvature is not None and not (np.isfinite(curvature) and curvature > 0):
            raise InputError("L must be positive and finite", curvature=curvature)
        self.problem, self.correspondence = problem_of(module, inputs, targets, correspondence, **objective)
        self.optimizer, self.curvature, self.region, self.callbacks = optimizer, curvature, region, callbacks
        self.reports: list[StepReport] = []
        self._settings: set[tuple[float, float]] = set()
        self._weights = self.correspondence.read()
        self._error = self._range(self._weights)
        self._hooks = [
            optimizer.register_step_pre_hook(lambda *_: self._before()),
            optimizer.register_step_post_hook(lambda *_: self._after()),
        ]

    def detach(self) -> None:
        """Stop watching."""
        for hook in self._hooks:
            hook.remove()

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.detach()

    @property
    def first_increase(self) -> StepReport | None:
        """The first step that is proved to have increased the error."""
        return next((report for report in self.reports if report.verdict is Verdict.REFUTED), None)

    @certified_environment()
    def _before(self) -> None:
        weights = self.correspondence.read()
        if not np.array_equal(weights, self._weights):
            self._weights, self._error = weights, self._range(weights)

    def _after(self) -> None:
        report = self._examined()
        self.reports.append(report)
        _log(report, self.reports[-2].inside if len(self.reports) > 1 else None)
        for callback in self.callbacks:
            callback(report)

    @certified_environment()
    def _examined(self) -> StepReport:
        weights = self.correspondence.read()
        verdict, change, after = Verdict.UNDECIDED, (-np.inf, np.inf), self._range(weights)
        if np.all(np.isfinite(weights)) and np.all(np.isfinite(self._weights)):
            decision, _ = decide_by_errors(self.problem, self._weights, weights, self._error, after)
            verdict, change = decision.decreases, (decision.lower, decision.upper)
        inside = self._inside(weights)
        in_range, note = self._in_range(inside)
        report = StepReport(len(self.reports) + 1, verdict, change, after[1], in_range, note, inside)
        self._weights, self._error = weights, after
        return report

    def _range(self, weights: np.ndarray) -> tuple[float, float]:
        return error_range(self.problem, weights) if np.all(np.isfinite(weights)) else (0.0, np.inf)

    def _inside(self, weights: np.ndarray) -> Verdict | None:
        if self.region is None:
            return None
        return self.region.contains(weights) if np.all(np.isfinite(weights)) else Verdict.REFUTED

    def _in_range(self, inside: Verdict | None) -> tuple[Verdict | None, str]:
        """Whether theorem ``heavy_ball`` speaks of the step, and why not."""
        if self.curvature is None:
            return None, "no bound L is given"
        if reason := self._outside_theorem():
            return None, reason
        groups = self.optimizer.param_groups
        self._settings |= {(float(group["lr"]), float(group["momentum"])) for group in groups}
        if len(self._settings) > 1:
            return Verdict.UNDECIDED, "learning rate or momentum is not constant"
        if inside is not None and inside is not Verdict.PROVED:
            return Verdict.UNDECIDED, "the weights are not in the region on which L holds"
        ((rate, momentum),) = self._settings
        if RANGES["heavy_ball"].contains(self.curvature, rate, momentum) is not Verdict.PROVED:
            return Verdict.UNDECIDED, f"lr={rate:.6g}, momentum={momentum:.6g} is outside the range for this L"
        return Verdict.PROVED, ""

    def _outside_theorem(self) -> str:
        """What the optimiser does that the classical heavy ball does not."""
        groups = self.optimizer.param_groups
        if type(self.optimizer) is not torch.optim.SGD:
            return f"{type(self.optimizer).__name__} is no heavy ball"
        for name in ("nesterov", "dampening", "maximize"):
            if any(group[name] for group in groups):
                return f"{name} is outside the theorem"
        if any(group["weight_decay"] != self.problem.weight_decay for group in groups):
            return "weight decay of optimiser and error differ"
        moved = {id(parameter) for group in groups for parameter in group["params"]}
        if any(id(parameter) not in moved for parameter in self.correspondence.parameters.values()):
            return "some parameters are not the optimiser's"
        return ""


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
