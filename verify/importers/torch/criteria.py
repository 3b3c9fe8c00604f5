"""Losses by PyTorch's names, as modules or as functions: a criterion takes outputs and targets and returns a scalar."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast, final

import torch
import torch.nn.functional as F  # noqa: N812 -- its usual name

from verify.outcomes import InputError

Criterion = Callable[[Any, Any], torch.Tensor]
HALF_SQUARED_ERROR = "half-squared-error"
REDUCTIONS = ("mean", "sum")


def half_squared_error(outputs: torch.Tensor, targets: torch.Tensor, reduction: str = "mean") -> torch.Tensor:
    """Return half the squared error of all outputs of a sample, as the mean or the sum over the samples.

    Raises
    ------
    InputError
        If outputs and targets have other numbers of entries: nothing is broadcast.
    """
    rows, wanted = outputs.reshape(len(outputs), -1), targets.reshape(len(targets), -1)
    if rows.shape != wanted.shape:
        raise InputError(
            "outputs and targets have other shapes",
            outputs=tuple(outputs.shape),
            targets=tuple(targets.shape),
            remedy="give a target for every output, or name the loss: loss='cross_entropy', a module or a function",
        )
    total = 0.5 * (rows - wanted).square().sum()
    return total / len(rows) if reduction == "mean" else total


LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    HALF_SQUARED_ERROR: half_squared_error,
    "mse": F.mse_loss,
    "l1": F.l1_loss,
    "cross_entropy": F.cross_entropy,
    "binary_cross_entropy": F.binary_cross_entropy,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    "huber": F.huber_loss,
    "smooth_l1": F.smooth_l1_loss,
    "nll": F.nll_loss,
    "kl_div": F.kl_div,
    "poisson_nll": F.poisson_nll_loss,
    "soft_margin": F.soft_margin_loss,
}
"""PyTorch's losses by its own names, and half the squared error, of which the theorems' examples speak."""


@final
@dataclass(frozen=True)
class NamedLoss:
    """A loss of `LOSSES` with its options.

    Parameters
    ----------
    name : str
    reduction : {"mean", "sum"}
    options : dict
    """

    name: str
    reduction: str = "mean"
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, outputs: Any, targets: Any) -> torch.Tensor:
        return LOSSES[self.name](outputs, targets, reduction=self.reduction, **self.options)


def criterion(loss: str | Criterion, reduction: str, options: dict[str, Any]) -> Criterion:
    """Return a loss as a function; a module is copied into float64.

    Raises
    ------
    InputError
        If it is unknown, no function, or has options that are not its own.
    """
    if not isinstance(loss, str):
        if options:
            raise InputError(
                "options belong to a loss by name",
                options=sorted(options),
                remedy="give a loss by name, or make the module with its options",
            )
        if not callable(loss):
            raise InputError(
                "a loss is a name, a module or a function",
                loss=type(loss).__name__,
                remedy='give for example loss="mse"',
            )
        return cast("Criterion", in_float64(loss)) if isinstance(loss, torch.nn.Module) else loss
    if loss not in LOSSES:
        raise InputError("unknown loss", loss=loss, remedy=f"use one of {', '.join(LOSSES)}, or a function")
    if reduction not in REDUCTIONS:
        raise InputError("unknown reduction", remedy="use 'mean' or 'sum'", reduction=reduction)
    return NamedLoss(loss, reduction, options)


def in_float64(module: torch.nn.Module) -> torch.nn.Module:
    """Return a copy with float64 parameters and buffers: float32 numbers convert exactly.

    Raises
    ------
    InputError
        If it is compiled, a parameter has no values yet, or the module cannot be copied.
    """
    for name, layer in module.named_modules():
        if type(layer).__name__ == "OptimizedModule":
            raise InputError(
                "the module is compiled by torch.compile",
                where=name or None,
                type=type(layer).__name__,
                remedy="give the one that was compiled, whose parameters are the same: module._orig_mod",
            )
        if isinstance(layer, torch.jit.ScriptModule):
            raise InputError(
                "the module is compiled by torch.jit",
                where=name or None,
                type=type(layer).__name__,
                remedy="give the one that was compiled, whose parameters are the same",
            )
    for name, parameter in module.named_parameters():
        if isinstance(parameter, torch.nn.parameter.UninitializedParameter) or parameter.is_meta:
            raise InputError(
                "the parameter has no values yet",
                where=name,
                remedy="run the module once on real data",
                type=type(parameter).__name__,
            )
    try:
        return copy.deepcopy(module).to("cpu").double()
    except (RuntimeError, TypeError) as error:
        raise InputError(
            "the module cannot be copied", reason=str(error).splitlines()[0], remedy="use parametrizations"
        ) from None
