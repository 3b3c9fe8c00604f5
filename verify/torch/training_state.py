"""Everything that training depends on, at one moment, and back to it: weights, optimiser, schedulers, generators."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, final

import torch
from torch import nn

from verify.outcomes import InputError
from verify.torch.random_state import random_state, restore_random_state

RATES = ("lr", "initial_lr", "max_lr", "min_lr")
"""Entries of a parameter group that are learning rates, those from which a scheduler computes others among them."""
SCHEDULED = ("base_lrs", "min_lrs", "_last_lr", "eta_min", "max_lrs")
"""Attributes of PyTorch's schedulers that are learning rates."""


@final
class TrainingState:
    """What is saved and set back.

    Parameters
    ----------
    module : torch.nn.Module
        Parameters, all buffers, and which layers are in training mode.
    optimizer : torch.optim.Optimizer
    others : sequence of objects with ``state_dict`` and ``load_state_dict``
        Schedulers first of all, scalers, averages of weights.
    generators : sequence of torch.Generator
        Beside PyTorch's, NumPy's and Python's own.

    Raises
    ------
    InputError
        If one of the others has no state, or the optimiser moves parameters that the module does not have.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: torch.optim.Optimizer,
        others: Sequence[Any] = (),
        generators: Sequence[torch.Generator] = (),
    ) -> None:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise InputError("not a PyTorch optimiser", optimizer=type(optimizer).__name__, remedy="use torch.optim")
        for other in others:
            if not (hasattr(other, "state_dict") and hasattr(other, "load_state_dict")):
                raise InputError(
                    "it cannot be set back: no state_dict", type=type(other).__name__, remedy="leave it out"
                )
        own = {id(parameter) for parameter in module.parameters()}
        if any(id(moved) not in own for group in optimizer.param_groups for moved in group["params"]):
            raise InputError(
                "the optimiser moves parameters that are not the module's",
                optimizer=type(optimizer).__name__,
                remedy="give it module.parameters()",
            )
        self.module, self.optimizer, self.others, self.generators = module, optimizer, tuple(others), tuple(generators)

    def capture(self) -> dict[str, Any]:
        """Return a copy of it all, made of tensors and plain data where the parts' own states are."""
        return {
            "numbers": {name: value.detach().clone() for name, value in self._numbers().items()},
            "training": {name: layer.training for name, layer in self.module.named_modules()},
            "optimizer": copy.deepcopy(self.optimizer.state_dict()),
            "others": [copy.deepcopy(other.state_dict()) for other in self.others],
            "random": random_state(self.generators),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set it all back to what `capture` returned, which stays as it is.

        Raises
        ------
        InputError
            If the state is that of another module, or of another number of schedulers and generators.
        """
        numbers = self._numbers()
        saved = state["numbers"]
        fits = saved.keys() == numbers.keys() and all(
            saved[name].shape == value.shape for name, value in numbers.items()
        )
        counts = len(state["others"]), len(state["random"]["generators"])
        if not fits or counts != (len(self.others), len(self.generators)):
            raise InputError(
                "the saved state is that of another training",
                others=counts[0],
                generators=counts[1],
                remedy="make module, optimiser, schedulers and loader as they were",
            )
        with torch.no_grad():
            for name, value in numbers.items():
                value.copy_(saved[name])
        for name, layer in self.module.named_modules():
            layer.training = state["training"].get(name, layer.training)
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        for other, own in zip(self.others, state["others"], strict=True):
            other.load_state_dict(copy.deepcopy(own))
        restore_random_state(state["random"], self.generators)

    def scale_rates(self, factor: float) -> None:
        """Multiply every learning rate, and those from which the schedulers compute others, by a factor."""
        if factor == 1.0:
            return
        for group in self.optimizer.param_groups:
            for name in RATES:
                if name in group:
                    group[name] = group[name] * factor
        for other in self.others:
            _scale_scheduler(other, factor)

    def rates(self) -> tuple[float, ...]:
        """Return the learning rate of every parameter group."""
        return tuple(float(group["lr"]) for group in self.optimizer.param_groups)

    def _numbers(self) -> dict[str, torch.Tensor]:
        return {
            **{f"parameter {name}": value for name, value in self.module.named_parameters()},
            **{f"buffer {name}": value for name, value in self.module.named_buffers()},
        }


def _scale_scheduler(scheduler: Any, factor: float) -> None:
    for name in SCHEDULED:
        value = vars(scheduler).get(name)
        if isinstance(value, list):
            setattr(scheduler, name, [each * factor for each in value])
        elif isinstance(value, float):
            setattr(scheduler, name, value * factor)
    for part in vars(scheduler).get("_schedulers") or ():
        _scale_scheduler(part, factor)
