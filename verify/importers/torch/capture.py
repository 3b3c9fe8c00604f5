"""Capture an objective, module and loss as one scalar, with `torch.export`.

Core operations are kept composite where a rule for the whole is better than rules for the parts: layers,
normalisations, attention, losses.
"""

from __future__ import annotations

import logging
import warnings
from typing import Any, cast

import numpy as np
import torch
from torch.export import ExportedProgram, default_decompositions, export

from verify.importers.torch.criteria import Criterion
from verify.importers.torch.meaning import Documented, Rewritten
from verify.importers.torch.registry import RULES
from verify.outcomes import InputError


class Objective(torch.nn.Module):
    """A module with its loss: ``forward(inputs, targets)`` is a scalar.

    Parameters
    ----------
    module : torch.nn.Module
        In float64.
    criterion : Criterion
    single : bool
        Whether it is a copy of a float32 module; see `meaning.Rewritten`.
    """

    def __init__(self, module: torch.nn.Module, criterion: Criterion, single: bool = False) -> None:
        super().__init__()
        self.module = module
        self.criterion = criterion
        self.single = single

    def forward(self, inputs: tuple[Any, ...] | dict[str, Any], targets: Any) -> torch.Tensor:
        """Return the loss of the module's outputs."""
        outputs = self.module(**inputs) if isinstance(inputs, dict) else self.module(*inputs)
        return self.criterion(outputs, targets)

    def documented(self, inputs: tuple[Any, ...] | dict[str, Any], targets: Any) -> torch.Tensor:
        """Return the loss with every function as it is documented, and as float32 modules mean their casts."""
        with torch.enable_grad(), Documented(self.single):
            return self(inputs, targets)


def as_float64(value: Any) -> Any:
    """Return inputs with their float tensors and arrays in float64, nested containers included.

    Raises
    ------
    InputError
        If a number is not finite.
    """
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.array(value))
    if isinstance(value, torch.Tensor):
        if not value.is_floating_point():
            return value.detach().cpu()
        exact = value.detach().cpu().to(torch.float64)
        if not bool(torch.isfinite(exact).all()):
            raise InputError(
                "data must be finite",
                where="inputs",
                shape=tuple(value.shape),
                remedy="correct or drop what is not finite",
            )
        return exact
    if isinstance(value, dict):
        return {key: as_float64(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(as_float64(part) for part in value)
    return value


def capture(objective: Objective, arguments: tuple[Any, ...]) -> ExportedProgram:
    """Return the exported program of an objective in core operations.

    Raises
    ------
    InputError
        If the module cannot be exported; the reason is torch's own.
    """
    torch_logger = logging.getLogger("torch")
    level = torch_logger.level
    torch_logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.enable_grad(), Rewritten(objective.single):
                program = export(objective, arguments, strict=False)
            return program.run_decompositions(_decompositions())
    except InputError:
        raise
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError(
            "torch.export cannot capture the module",
            reason=reason,
            remedy="avoid branches and loops that depend on data; see torch.export's documentation",
        ) from error
    finally:
        torch_logger.setLevel(level)


def _decompositions() -> dict[Any, Any]:
    """Return the decompositions of operations that have no rule of their own."""
    table = default_decompositions()
    for operation in list(table.keys()):
        if operation_name(operation) in RULES:
            table.pop(operation)
    return cast("dict[Any, Any]", table)


def operation_name(target: Any) -> str:
    """Return the name under which rules are registered: without the namespace of the core operations.

    Examples
    --------
    >>> operation_name(torch.ops.aten.linear.default)
    'linear.default'
    """
    return str(target).removeprefix("aten.")
