"""Capture an objective, module and loss as one scalar, with `torch.export`.

Core operations are kept composite where a rule for the whole is better than rules for the parts: layers,
normalisations, attention, losses.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import torch
from torch.export import ExportedProgram, default_decompositions, export
from torch.utils._pytree import tree_flatten

from verify.importers.torch.criteria import Criterion
from verify.importers.torch.differentiated import Differentiated
from verify.importers.torch.meaning import Documented, Rewritten
from verify.importers.torch.registry import RULES
from verify.outcomes import InputError

PREFIX = "module."
"""Of the names that an objective gives to what its module stores."""


class LossModule(torch.nn.Module):
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


def capture(objective: LossModule, arguments: tuple[Any, ...]) -> ExportedProgram:
    """Return the exported program of an objective in core operations.

    Raises
    ------
    InputError
        If the module cannot be exported; the reason is torch's own.
    """
    with _quiet():
        try:
            return _exported(objective, objective, arguments)
        except InputError:
            raise
        except Exception as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
            refused = InputError(
                "torch.export cannot capture the module",
                reason=reason,
                remedy="avoid branches and loops that depend on data; see torch.export's documentation",
            )
            try:
                return _exported(Differentiated(objective, arguments), objective, arguments)
            except InputError:
                raise
            except Exception:
                raise refused from error


def _exported(captured: torch.nn.Module, objective: LossModule, arguments: tuple[Any, ...]) -> ExportedProgram:
    with torch.enable_grad(), Rewritten(objective.single):
        program = export(captured, arguments, strict=False)
    return program.run_decompositions(_decompositions())


@contextmanager
def _quiet() -> Iterator[None]:
    """Let PyTorch's compiler print nothing."""
    torch_logger = logging.getLogger("torch")
    level = torch_logger.level
    torch_logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        torch_logger.setLevel(level)


def form(arguments: tuple[Any, ...]) -> str:
    """Return what one captured program can be used for: shapes, types and everything that is no tensor."""
    leaves, tree = tree_flatten(arguments)
    shown = [(str(x.dtype), tuple(x.shape)) if isinstance(x, torch.Tensor) else repr(x) for x in leaves]
    return repr((shown, str(tree)))


def refreshed(program: ExportedProgram, module: torch.nn.Module, arguments: tuple[Any, ...]) -> ExportedProgram:
    """Set a program's arguments to others of its form, and its numbers to those that the module stores now."""
    program.example_inputs = (arguments, {})
    sources = stored_numbers(module)
    for store in (program.state_dict, program.constants):
        for name, value in store.items():
            source = sources.get(name.removeprefix(PREFIX))
            if isinstance(value, torch.Tensor) and source is not None and source is not value:
                value.data.copy_(source)
    return program


def stored_numbers(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return all parameters and buffers by name."""
    return {
        **dict(module.named_parameters(remove_duplicate=False)),
        **dict(module.named_buffers(remove_duplicate=False)),
    }


def with_own_constants(
    program: ExportedProgram, module: torch.nn.Module, live: torch.nn.Module | None = None
) -> ExportedProgram:
    """Give a program copies of the tensors that it holds and the module does not store: it stays one function.

    What the loss holds of the `live` module itself, for a penalty, goes on to be that module's.
    """
    own, followed = stored_numbers(module), {} if live is None else stored_numbers(live)
    places = {tensor.data_ptr() for tensor in followed.values()}
    for name, value in program.constants.items():
        if not isinstance(value, torch.Tensor) or value.data_ptr() in places:
            continue
        if name.removeprefix(PREFIX) not in own:
            program.constants[name] = value.detach().clone()
    return program


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
