"""Whether theorem ``heavy_ball`` speaks of the steps that an optimiser takes."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from verify.arithmetic.rounding import ArithmeticDomainError
from verify.calculus.executed_step import heavy_ball_within
from verify.outcomes import InputError, Verdict
from verify.theorems import numbers
from verify.theorems.ranges import RANGES
from verify.torch.compared import Compared
from verify.torch.mapped import MappedModule
from verify.torch.parameter_vector import ROUNDOFF
from verify.torch.used_gradient import StoredStep, used_gradient

if TYPE_CHECKING:
    from verify.arithmetic.intervals import Interval
    from verify.calculus.objective import Objective
    from verify.torch.multiples import Multiples
    from verify.torch.parameter_vector import ParameterVector


_NOT_CONSTANT = "learning rate or momentum is not constant"


@dataclass(frozen=True)
class InRange:
    """The answer for one step; see `StepReport`."""

    verdict: Verdict | None
    note: str
    multiple: float | None = None


class HeavyBallWatch:
    """Follows an optimiser's steps and its settings.

    Parameters
    ----------
    mapped : MappedModule
    optimizer : torch.optim.Optimizer
    curvature : float
        A bound L of the Hessian's norm wherever the weights go.

    Raises
    ------
    InputError
        If L is no positive number.
    """

    def __init__(self, mapped: MappedModule, optimizer: torch.optim.Optimizer, curvature: float) -> None:
        self.mapped, self.optimizer = mapped, optimizer
        self.curvature = numbers.curvature(curvature)
        self._settings: set[tuple[Fraction, Fraction]] = set()
        self._last: tuple[Fraction, Fraction] | None = None
        self._previous: np.ndarray | None = None
        self._multiple = Fraction(1)
        self._unknown = "the step before the first one watched is not known" if _in_motion(optimizer) else ""

    def weights_changed(self) -> None:
        """Note that the weights are not those that the last step left."""
        if self._previous is not None or self._unknown:
            self._unknown = "the weights were changed between two steps"

    def judge(self, before: np.ndarray, after: np.ndarray, in_region: bool, compared: Compared) -> InRange:
        """Answer for the step between two stored weight vectors, (P,), of whose gradient something is known."""
        previous, unknown = self._previous, self._unknown
        self._previous, self._unknown = before, ""
        if reason := self._outside_theorem():
            return InRange(None, reason)
        try:
            settings = {(_exact(group, "lr"), _exact(group, "momentum")) for group in self.optimizer.param_groups}
        except InputError as error:
            return InRange(Verdict.UNDECIDED, str(error))
        if len(settings) > 1:
            return InRange(Verdict.UNDECIDED, "learning rate or momentum differs between parameter groups")
        ((eta, mu),) = settings
        last, self._last = self._last, (eta, mu)
        if eta <= 0:
            return InRange(Verdict.UNDECIDED, "the theorem needs a positive learning rate")
        if not (np.all(np.isfinite(before)) and np.all(np.isfinite(after))):
            return InRange(Verdict.UNDECIDED, "the weights are not finite")
        if mu and unknown:
            return InRange(Verdict.UNDECIDED, unknown)
        if mu and last not in (None, (eta, mu)):  # the optimiser's velocity is not the last step over these settings
            factor = Fraction(1) if compared.multiple is None else compared.multiple
            self._settings |= {(factor * eta, mu)}
            known = None if compared.multiple is None else float(compared.multiple)
            return InRange(Verdict.UNDECIDED, "; ".join(filter(None, (compared.words, _NOT_CONSTANT))), known)
        start = before if previous is None or not mu else previous
        step = StoredStep(start, before, after, eta, mu, ROUNDOFF[self._mapping.dtype])
        return self._examined(step, in_region, compared.source)

    def _examined(self, step: StoredStep, in_region: bool, source: str) -> InRange:
        try:
            gradient = self._problem.gradient_enclosure(step.before)
        except ArithmeticDomainError:
            return InRange(Verdict.UNDECIDED, "the gradient overflows")
        entries = self._moving(step)
        used = used_gradient(self._problem, gradient, step, entries, self._known, self._multiple, source)
        if used.multiple is None and self._decays_differ():
            return InRange(None, "weight decay of optimiser and error differ")
        multiple = Fraction(1) if used.multiple is None else used.multiple
        settings = self._settings | {(multiple * step.eta, step.mu)}
        reason = self._reason(gradient[entries], step.of(entries), settings, in_region)
        if used.multiple is None:
            falls = "" if reason else "; all the same E + mu/(2 eta) |D|^2 is proved not to have risen in this step"
            return InRange(Verdict.UNDECIDED, used.words + falls)
        self._settings, self._multiple = settings, multiple
        words = f"{used.words}: its learning rate is {float(multiple * step.eta):.6g}" if used.words else ""
        verdict = Verdict.UNDECIDED if reason else Verdict.PROVED
        return InRange(verdict, "; ".join(filter(None, (words, reason))), float(multiple))

    def _reason(
        self, gradient: Interval, step: StoredStep, settings: set[tuple[Fraction, Fraction]], in_region: bool
    ) -> str:
        """Why the theorem is not proved to speak of the step; empty if it is."""
        if len(settings) > 1:
            return _NOT_CONSTANT
        if not in_region:
            return "the weights are not in the region on which L holds"
        ((eta, mu),) = settings
        if eta <= 0:
            return "it goes uphill"
        if RANGES["heavy_ball"].contains(self.curvature, eta, mu) is not Verdict.PROVED:
            return f"lr={float(eta):.6g}, momentum={float(mu):.6g} is outside the range for this L"
        if not heavy_ball_within(gradient, step.weights, self.curvature, eta, mu):
            return "rounding takes more than the range's margin for this L"
        return ""

    @property
    def _problem(self) -> Objective:
        return self.mapped.problem

    @property
    def _known(self) -> Multiples:
        reference = self.mapped.reference
        return {} if reference is None else self.mapped.known(reference.samples.count)

    @property
    def _mapping(self) -> ParameterVector:
        return self.mapped.correspondence

    def _moving(self, step: StoredStep) -> np.ndarray:
        """Which weights are variables: frozen ones that stayed where they were are constants of the error."""
        stayed = (step.previous == step.before) & (step.before == step.after)
        return ~(self._mapping.frozen() & stayed)

    def _decays_differ(self) -> bool:
        given = {id(p): group["weight_decay"] for group in self.optimizer.param_groups for p in group["params"]}
        parts = self._mapping.unflatten(self.mapped.decay)
        parameters = self._mapping.parameters
        return any(given[id(p)] != np.max(parts[key]) for key, p in parameters.items() if id(p) in given and p.numel())

    def _outside_theorem(self) -> str:
        """What the optimiser does that the classical heavy ball does not."""
        groups = self.optimizer.param_groups
        if type(self.optimizer) is not torch.optim.SGD:
            return f"{type(self.optimizer).__name__} is no heavy ball"
        for name in ("nesterov", "dampening", "maximize"):
            if any(group[name] for group in groups):
                return f"{name} is outside the theorem"
        moved = {id(parameter) for group in groups for parameter in group["params"]}
        if any(p.requires_grad and id(p) not in moved for p in self._mapping.parameters.values()):
            return "some parameters are not the optimiser's"
        return ""


def _exact(group: dict[str, Any], name: str) -> Fraction:
    value = group[name]
    return numbers.not_negative(float(value) if isinstance(value, torch.Tensor) and value.numel() == 1 else value, name)


def _in_motion(optimizer: torch.optim.Optimizer) -> bool:
    return any(state.get("momentum_buffer") is not None for state in optimizer.state.values())
