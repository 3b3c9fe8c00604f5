"""A module of float32 numbers is proved about in exact reals: its own loss, in float32, must be that up to rounding.

A program can ask for the format of its numbers, and its float64 copy may be another function.
"""

from __future__ import annotations

import copy
import math
import warnings
from typing import Any

import torch
from torch.utils._pytree import tree_map

from verify.graph.problem import GraphProblem
from verify.importers.agreement import SHARE
from verify.importers.torch.criteria import Criterion
from verify.outcomes import InputError


def check_own_format(
    problem: GraphProblem, module: torch.nn.Module, criterion: Criterion, data: tuple[Any, Any]
) -> None:
    """Compare the loss at the module's own weights, where all of its numbers have one format that is not float64.

    Data that the format does not hold exactly, and programs that do not run in it here, are not compared.

    Parameters
    ----------
    problem : GraphProblem
        Without weight decay.
    module : torch.nn.Module
        As it was given; it is not changed.
    criterion : callable
        Its loss as it was given.
    data : (inputs, targets)
        In float64.

    Raises
    ------
    InputError
        If rounding does not explain the difference.
    """
    numbers = [*module.parameters(), *(buffer for buffer in module.buffers() if buffer.is_floating_point())]
    formats = {number.dtype for number in numbers}
    if len(formats) != 1 or torch.float64 in formats:
        return
    (dtype,) = formats
    inputs, targets = data
    try:
        own = copy.deepcopy(module)
        given, wanted = tree_map(lambda leaf: _held(leaf, dtype), (inputs, targets))
        with torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outputs = own(**given) if isinstance(given, dict) else own(*given)
            found = float(criterion(outputs, wanted).detach())
    except Exception:
        return
    lower, upper = problem.error_enclosure(problem.initial_weights)
    coarser = torch.finfo(dtype).eps / torch.finfo(torch.float64).eps
    middle, half = (lower + upper) / 2, (upper - lower) / 2
    allowed = SHARE * coarser * (half + 2.0**-52 * abs(middle))
    if math.isfinite(allowed) and not abs(found - middle) <= allowed:
        raise InputError(
            "the module's loss in its own format is not that of its float64 copy",
            format=str(dtype),
            own=found,
            copy=middle,
            remedy="leave out what depends on the format of numbers, or give module.double()",
        )


def _held(leaf: Any, dtype: torch.dtype) -> Any:
    """Return a tensor in a format that holds it exactly."""
    if not isinstance(leaf, torch.Tensor) or not leaf.is_floating_point():
        return leaf
    if not torch.equal(leaf.to(dtype).to(leaf.dtype), leaf):
        raise ValueError(f"not exactly numbers of {dtype}")
    return leaf.to(dtype)
