"""`verify.from_torch`: your module as you wrote it, with your loss, as a problem."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 -- its usual name

from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.importers.torch.agreement import check_agreement
from verify.importers.torch.capture import Criterion, Objective, as_float64, capture, in_float64
from verify.importers.torch.translate import translate
from verify.operations.leaves import Parameter
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.bounds.regions import Region

LOSSES: dict[str, Callable[..., torch.Tensor]] = {
    "mse": F.mse_loss,
    "cross_entropy": F.cross_entropy,
    "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
    "huber": F.huber_loss,
    "smooth_l1": F.smooth_l1_loss,
    "nll": F.nll_loss,
}
"""PyTorch's losses by its own names."""


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

    Parameters
    ----------
    module : torch.nn.Module
    inputs : tensor, or tuple of what ``forward`` takes
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
        If the module cannot be captured, an operation has no rule, or the capture disagrees with the module.

    Examples
    --------
    >>> import torch, verify
    >>> module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
    >>> problem = from_torch(module, torch.ones(4, 2), torch.tensor([0, 1, 1, 0]), loss="cross_entropy")
    >>> run = verify.train(problem, steps=2, rule="guarded")
    >>> {verdict.name for verdict in run.verdicts}
    {'PROVED'}
    """
    if not isinstance(module, torch.nn.Module):
        raise InputError("a torch.nn.Module is needed", module=type(module).__name__)
    objective = Objective(in_float64(module), _criterion(loss, reduction, options))
    arguments = (as_float64(inputs if isinstance(inputs, tuple) else (inputs,)), as_float64(targets))
    graph, scope = translate(capture(objective, arguments), objective.module)
    problem = GraphProblem(
        graph,
        scope.constants,
        _weights(graph, objective.module),
        weight_decay,
        region=region,
        name=name or type(module).__name__,
    )
    check_agreement(problem, objective, arguments)
    return problem


def _weights(graph: Graph, module: torch.nn.Module) -> np.ndarray:
    parameters = dict(module.named_parameters())
    parts = [parameters[leaf.label].detach().reshape(-1).numpy() for leaf in graph.leaves(Parameter)]
    if not parts:
        raise InputError("the loss depends on no parameter", remedy="set requires_grad of a parameter that it uses")
    return np.concatenate(parts)


def _criterion(loss: str | Criterion, reduction: str, options: dict[str, Any]) -> Criterion:
    if not isinstance(loss, str):
        if options:
            raise InputError("options belong to a loss by name", options=sorted(options))
        return in_float64(loss) if isinstance(loss, torch.nn.Module) else loss
    if loss not in LOSSES:
        raise InputError("unknown loss", loss=loss, remedy=f"use one of {', '.join(LOSSES)}, or a function")
    if reduction not in ("mean", "sum"):
        raise InputError("unknown reduction", remedy="use 'mean' or 'sum'", reduction=reduction)
    return lambda outputs, targets: LOSSES[loss](outputs, targets, reduction=reduction, **options)
