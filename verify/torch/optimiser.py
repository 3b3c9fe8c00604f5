"""An optimiser for PyTorch modules whose every step is proved to decrease the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from verify.arithmetic.environment import certified_environment, users_code
from verify.calculus.problem import Problem
from verify.outcomes import InputError
from verify.torch.conversion import Correspondence, convert
from verify.training.session import Session
from verify.training.train import make_rule
from verify.training.trajectory import StepRecord

_AGREEMENT = 1e-6
"""Relative difference above which a closure's loss or gradient is taken to belong to another error."""


def problem_of(
    module: nn.Module,
    inputs: torch.Tensor,
    targets: torch.Tensor,
    correspondence: Correspondence | None = None,
    **objective: Any,
) -> tuple[Problem, Correspondence]:
    """Return the problem of a module on its data and where its parameters live; compares outputs on a few samples.

    Parameters
    ----------
    module : torch.nn.Module
    inputs : tensor, shape (n, ...)
    targets : tensor, shape (n, ...)
    correspondence : Correspondence, optional
        Default: `convert`.
    **objective
        ``reduction``, ``weight_decay``, ``region`` of `Problem`.
    """
    mapping = convert(module, tuple(inputs.shape[1:])) if correspondence is None else correspondence
    mapping.check_outputs(module, inputs[:16])
    x, y = (tensor.detach().cpu().double().reshape(len(tensor), -1).numpy() for tensor in (inputs, targets))
    return Problem(mapping.architecture, x, y, initial_weights=mapping.read(), **objective), mapping


class CertifiedMomentum(torch.optim.Optimizer):
    """Momentum on the full batch with a proof of every step's decrease, for the half squared error.

    Parameters
    ----------
    module : torch.nn.Module
        With float64 parameters (``module.double()``): other types would round the step after its proof.
    inputs, targets : tensor, shape (n, ...)
    rule : {"certified", "guarded", "fixed"}
    eta, tau : float, optional
        For ``rule="fixed"``.
    correspondence : Correspondence, optional
        A mapping of your own, where `convert` does not know the module.
    **objective
        ``reduction`` ("mean" or "sum"), ``weight_decay``.

    Attributes
    ----------
    records : list of StepRecord
        Of the steps taken by this object; the group's ``eta`` and ``tau`` are those of the last one.
    stopped : str or None
        Why no further step is taken.

    Raises
    ------
    InputError
        If the module cannot be mapped or has parameters that are not float64.
    """

    @certified_environment()
    def __init__(
        self,
        module: nn.Module,
        inputs: torch.Tensor,
        targets: torch.Tensor,
        *,
        rule: str = "certified",
        eta: float | None = None,
        tau: float | None = None,
        correspondence: Correspondence | None = None,
        **objective: Any,
    ) -> None:
        for name, parameter in module.named_parameters():
            if parameter.dtype != torch.float64:
                raise InputError(
                    "certified steps need float64 parameters",
                    where=name,
                    dtype=str(parameter.dtype),
                    remedy="call module.double() first",
                )
        problem, self.correspondence = problem_of(module, inputs, targets, correspondence, **objective)
        self.session = Session(problem, make_rule(rule, eta, tau))
        self.records: list[StepRecord] = []
        super().__init__(list(self.correspondence.parameters.values()), {"rule": rule, "eta": eta, "tau": tau})

    @property
    def stopped(self) -> str | None:
        """Why no further step is taken; None while the run goes on."""
        return self.session.stopped

    @torch.no_grad()
    @certified_environment()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one proved step; nothing moves once the run has stopped.

        Parameters
        ----------
        closure : callable, optional
            Clears gradients, computes the loss, calls backward and returns the loss. It is compared with the error
            that is proved to fall: a closure of another loss is an error.

        Returns
        -------
        The closure's loss before the step, or None.
        """
        if not np.array_equal(self.correspondence.read(), self.session.weights):
            raise InputError("the weights were changed outside the optimiser", remedy="make a new optimiser for them")
        loss = None
        if closure is not None:
            with users_code(), torch.enable_grad():
                loss = closure()
            self._compare(float(torch.as_tensor(loss).detach()))
        record = self.session.step()
        if record is not None:
            self.records.append(record)
            self.param_groups[0].update(eta=record.eta, tau=record.tau)
            self.correspondence.write(self.session.weights)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on exactly as before, beside the module's own state."""
        session = {name: torch.from_numpy(np.array(value)) for name, value in self.session.state().items()}
        return {**super().state_dict(), "session": session}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; the module must get the weights of the same moment.

        Raises
        ------
        InputError
            If it belongs to another rule, or is incomplete.
        """
        ordinary = {name: value for name, value in state_dict.items() if name != "session"}
        found, own = ([group["rule"] for group in each["param_groups"]] for each in (ordinary, self.state_dict()))
        if found != own or "session" not in state_dict:
            raise InputError("the state belongs to another optimiser", found=found, expected=own)
        super().load_state_dict(ordinary)
        try:
            self.session.restore({name: value.numpy() for name, value in state_dict["session"].items()})
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError("the state is incomplete", reason=str(error)) from None

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Refuse a second group: the rules move all parameters together."""
        if self.param_groups:
            raise InputError("certified steps move all parameters together", remedy="use one group")
        super().add_param_group(param_group)

    def _compare(self, loss: float) -> None:
        error, gradient = self.session.problem.error_and_gradient(self.session.weights)
        if not abs(loss - error) <= _AGREEMENT * max(abs(error), abs(loss)):
            raise InputError(
                "the closure's loss is not the error that is proved to fall",
                loss=loss,
                error=error,
                remedy="use half the squared error with the optimiser's reduction and weight decay",
            )
        found = self.correspondence.read_gradient()
        limit = _AGREEMENT * (np.linalg.norm(gradient) + abs(error))
        if found is None or not np.linalg.norm(found - gradient) <= limit:
            raise InputError("the closure's gradient is not that of the error", remedy="clear gradients in the closure")
