"""`verify.from_torch`: your module as you wrote it, with your loss, as a problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.importers.torch.agreement import check_agreement
from verify.importers.torch.capture import LossModule, as_float64, capture, form, refreshed, with_own_constants
from verify.importers.torch.criteria import Criterion, criterion, in_float64
from verify.importers.torch.meaning import single
from verify.importers.torch.own_format import check_own_format
from verify.importers.torch.translate import translate
from verify.operations.leaves import Parameter
from verify.outcomes import InputError

if TYPE_CHECKING:
    from torch.export import ExportedProgram

    from verify.bounds.regions import Region


@dataclass(frozen=True)
class Imported:
    """A module with its data and its loss, captured.

    Parameters
    ----------
    problem : GraphProblem
    objective : LossModule
        A float64 copy of the module, with its loss.
    arguments : tuple
        Of the objective: inputs and targets in float64.
    buffers : frozenset of str
        Names of the module's buffers that the loss depends on.
    held : tuple of (str, int)
        Rows of parameters that no step changes, those of ``padding_idx``.
    """

    problem: GraphProblem
    objective: LossModule
    arguments: tuple[Any, ...]
    buffers: frozenset[str]
    held: tuple[tuple[str, int], ...]


def from_torch(
    module: torch.nn.Module,
    inputs: Any,
    targets: Any,
    loss: str | Criterion = "mse",
    reduction: str = "mean",
    *,
    weight_decay: float | dict[str, float] = 0.0,
    region: Region | None = None,
    name: str | None = None,
    **options: Any,
) -> GraphProblem:
    """Return the problem of training a module on all of its data, in exact real arithmetic of its float weights.

    The module is captured with `torch.export`, together with the loss; error and gradient of the result are compared
    with the module's own at several points, and a difference that rounding does not explain is refused. Frozen
    parameters and buffers are constants; tied parameters are one. The module itself is not changed.

    Functions mean what PyTorch documents: softplus is log(1 + exp(x)) everywhere, though PyTorch computes x itself,
    which is 2.1e-9 less at most, where x is above 20. A float32 module's casts to float32 are no roundings. A variance
    of `gaussian_nll_loss` below its eps counts as eps. The lowest number of a real format, added to what goes into a
    softmax, is minus infinity. Derivatives in ``forward`` are those of `torch.autograd` or
    `torch.func`.

    Parameters
    ----------
    module : torch.nn.Module
    inputs : tensor, tuple or dict of what ``forward`` takes
        All samples; float tensors of any precision, whole numbers for embeddings.
    targets : tensor, or what the loss takes
    loss : str or callable
        A key of ``LOSSES`` with PyTorch's semantics ("mse" is the mean over all entries), an ``nn.Module``, or any
        function of outputs and targets that returns a scalar.
    reduction : {"mean", "sum"}
        For a loss by name.
    weight_decay : float or dict
        Factor lambda of ``lambda/2 |w|^2``, for all parameters or by parameter name, as PyTorch's optimisers mean it.
    region : Region, optional
    name : str, optional
    **options
        Of a loss by name: ``weight``, ``label_smoothing``, ``ignore_index``, ``delta``, ``beta``.

    Returns
    -------
    GraphProblem
        Its ``initial_weights`` are the module's; ``read(module)`` and ``write(module, w)`` go between the two.

    Raises
    ------
    InputError
        If the module cannot be captured, an operation has no rule, the loss reads the module's trained parameters past
        its arguments, or the capture disagrees with the module.

    Examples
    --------
    >>> import torch, verify
    >>> module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> problem = from_torch(module, torch.ones(4, 2), torch.tensor([0, 1, 1, 0]), loss="cross_entropy")
    >>> run = verify.train(problem, steps=2, rule="guarded")
    >>> {verdict.name for verdict in run.verdicts}
    {'PROVED'}
    """
    return import_module(
        module, inputs, targets, loss, reduction, weight_decay=weight_decay, region=region, name=name, **options
    ).problem


def import_module(
    module: torch.nn.Module,
    inputs: Any,
    targets: Any,
    loss: str | Criterion = "mse",
    reduction: str = "mean",
    *,
    weight_decay: float | dict[str, float] = 0.0,
    region: Region | None = None,
    name: str | None = None,
    programs: dict[str, ExportedProgram] | None = None,
    **options: Any,
) -> Imported:
    """Return the problem with what it was captured from; see `from_torch`.

    `programs` keeps what was captured, by the form of the data, for the same module and loss on other data.
    """
    if not isinstance(module, torch.nn.Module):
        raise InputError("a torch.nn.Module is needed", module=type(module).__name__, remedy="give the module itself")
    objective = LossModule(in_float64(module), criterion(loss, reduction, options), single(module))
    arguments = (as_float64(inputs if isinstance(inputs, tuple | dict) else (inputs,)), as_float64(targets))
    kept, key = {} if programs is None else programs, form(arguments)
    if key not in kept:
        program = capture(objective, arguments)
        _refuse_parameters_held_by_the_loss(program, module)
        kept[key] = with_own_constants(program, objective.module)
    graph, scope = translate(refreshed(kept[key], objective.module, arguments), objective.module)
    weights = _weights(graph, objective.module)
    bare = GraphProblem(graph, scope.constants, weights)
    check_agreement(bare, objective, arguments, held=scope.held)
    own_loss = loss if callable(loss) else objective.criterion
    check_own_format(bare, module, own_loss, arguments)
    problem = GraphProblem(
        graph, scope.constants, weights, weight_decay, region=region, name=name or type(module).__name__
    )
    return Imported(problem, objective, arguments, frozenset(scope.buffers), tuple(scope.held))


def _refuse_parameters_held_by_the_loss(program: ExportedProgram, module: torch.nn.Module) -> None:
    """Refuse a loss that reads the module's trained parameters past its arguments: they would count as constants."""
    trained = {p.untyped_storage().data_ptr(): name for name, p in module.named_parameters() if p.requires_grad}
    for value in program.constants.values():
        name = trained.get(value.untyped_storage().data_ptr()) if isinstance(value, torch.Tensor) else None
        if name is not None:
            raise InputError(
                "the loss reads a parameter of the module, which only the module's forward may do",
                where="loss",
                parameter=name,
                remedy="give weight_decay={name: factor} for a penalty of squares, or compute the penalty in forward",
            )


def _weights(graph: Graph, module: torch.nn.Module) -> np.ndarray:
    parameters = dict(module.named_parameters())
    parts = [parameters[leaf.label].detach().reshape(-1).numpy() for leaf in graph.leaves(Parameter)]
    if not parts:
        raise InputError(
            "the loss depends on no parameter",
            remedy="set requires_grad of a parameter that it uses",
            parameters=sorted(parameters)[:8],
        )
    return np.concatenate(parts)
