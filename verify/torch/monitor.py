"""A monitor that says of every step of any PyTorch optimiser whether the error fell, with proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from verify.bounds.regions import Region
from verify.outcomes import InputError, Verdict
from verify.theorems.ranges import RANGES
from verify.torch.conversion import Correspondence
from verify.torch.optimiser import problem_of
from verify.training.evaluation import decide_by_errors, error_range


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
        given, for all parameters; None without L, or for an optimiser that the theorem does not speak of.
    inside : Verdict or None
        Whether the weights are in the region; None without one.
    """

    index: int
    verdict: Verdict
    change: tuple[float, float]
    error_upper: float
    in_range: Verdict | None
    inside: Verdict | None


class Monitor:
    """Watches an optimiser: SGD with momentum, Nesterov, Adam or any other.

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
    """

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

    def _before(self) -> None:
        weights = self.correspondence.read()
        if not np.array_equal(weights, self._weights):
            self._weights, self._error = weights, self._range(weights)

    def _after(self) -> None:
        weights = self.correspondence.read()
        verdict, change, after = Verdict.UNDECIDED, (-np.inf, np.inf), self._range(weights)
        if np.all(np.isfinite(weights)) and np.all(np.isfinite(self._weights)):
            decision, _ = decide_by_errors(self.problem, self._weights, weights, self._error, after)
            verdict, change = decision.decreases, (decision.lower, decision.upper)
        report = StepReport(len(self.reports) + 1, verdict, change, after[1], self._in_range(), self._inside(weights))
        self._weights, self._error = weights, after
        self.reports.append(report)
        for callback in self.callbacks:
            callback(report)

    def _range(self, weights: np.ndarray) -> tuple[float, float]:
        return error_range(self.problem, weights) if np.all(np.isfinite(weights)) else (0.0, np.inf)

    def _inside(self, weights: np.ndarray) -> Verdict | None:
        if self.region is None:
            return None
        return self.region.contains(weights) if np.all(np.isfinite(weights)) else Verdict.REFUTED

    def _in_range(self) -> Verdict | None:
        if self.curvature is None or not isinstance(self.optimizer, torch.optim.SGD):
            return None
        verdicts = []
        for group in self.optimizer.param_groups:
            decay_agrees = group["weight_decay"] == self.problem.weight_decay
            if group["nesterov"] or group["dampening"] != 0 or group["maximize"] or not decay_agrees:
                return None
            verdicts.append(RANGES["heavy_ball"].contains(self.curvature, float(group["lr"]), float(group["momentum"])))
        settings = {(float(group["lr"]), float(group["momentum"])) for group in self.optimizer.param_groups}
        return Verdict.weakest(verdicts) if len(settings) == 1 else Verdict.UNDECIDED
