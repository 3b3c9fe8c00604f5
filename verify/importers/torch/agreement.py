"""A capture is not trusted: error and gradient of the graph are compared with those that PyTorch computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from verify.arithmetic.intervals import Interval
from verify.graph.problem import GraphProblem
from verify.importers.agreement import allowed_difference, require_agreement
from verify.importers.torch.capture import LossModule
from verify.outcomes import InputError

REMEDY = "look for detach, straight-through functions, or a module that changes between calls"


def check_agreement(
    problem: GraphProblem,
    objective: LossModule,
    arguments: tuple[Any, ...],
    points: int = 3,
    held: Sequence[tuple[str, int]] = (),
) -> None:
    """Compare error and gradient at the weights given and at random ones near them.

    Parameters
    ----------
    problem : GraphProblem
    objective : LossModule
        In float64; its parameters are set, and set back.
    arguments : tuple
        Of the objective.
    points : int
    held : sequence of (str, int)
        Rows of parameters that never change: they stay as they are at every point.

    Raises
    ------
    InputError
        If they differ by more than rounding explains: the capture is not the module; or if the loss depends on a row
        that is held.
    """
    rng = np.random.default_rng(0)
    w0 = problem.initial_weights
    still = _entries(problem, held)
    for point in range(points):
        w = w0 if point == 0 else w0 + 0.1 * rng.normal(size=w0.shape) * (np.abs(w0) + 0.1)
        w = np.where(still, w0, w)
        problem.write(objective.module, w)
        error, gradient = _by_autograd(problem, objective, arguments)
        lower, upper = problem.error_enclosure(w)
        plain_error, plain_gradient = problem.error_and_gradient(w)
        enclosure = Interval.from_bounds([lower], [upper])
        for what, theirs, ours, plain in (
            ("loss", np.array([error]), enclosure, np.array([plain_error])),
            ("gradient", gradient, problem.gradient_enclosure(w), plain_gradient),
        ):
            require_agreement(theirs, ours, plain, f"the captured graph's {what} is not the module's", REMEDY, point)
        if np.any(plain_gradient[still]):
            raise InputError(
                "the row of padding_idx is used elsewhere too, where it is trained",
                rows=[f"{name}[{row}]" for name, row in held],
                remedy="leave padding_idx out, or do not tie the table",
            )
        if point == 0:
            _refuse_if_it_changes(
                objective, arguments, error, float(allowed_difference(enclosure, np.array([plain_error]))[0])
            )
    problem.write(objective.module, w0)


def _entries(problem: GraphProblem, held: Sequence[tuple[str, int]]) -> np.ndarray:
    """Return which weights, (P,), belong to rows of parameters."""
    parts = {block.label: np.zeros(block.shape) for block in problem.blocks}
    for name, row in held:
        parts[name][row] = 1.0
    return problem.flatten(parts) > 0


def _by_autograd(problem: GraphProblem, objective: LossModule, arguments: tuple[Any, ...]) -> tuple[float, np.ndarray]:
    parameters = dict(objective.module.named_parameters())
    leaves = [parameters[block.label] for block in problem.blocks]
    with _buffers_kept(objective.module):
        try:
            error = objective.documented(*arguments)
            parts = torch.autograd.grad(error, leaves, allow_unused=True)
        except RuntimeError as failure:
            reason = str(failure).partition("\n")[0]
            remedy = "change the operation that PyTorch cannot differentiate"
            raise InputError("PyTorch cannot compute the gradient", reason=reason, remedy=remedy) from failure
    found = [torch.zeros_like(p) if g is None else g for p, g in zip(leaves, parts, strict=True)]
    return float(error.detach()), np.concatenate([part.detach().reshape(-1).numpy() for part in found])


@contextmanager
def _buffers_kept(module: torch.nn.Module) -> Iterator[None]:
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    yield
    for name, buffer in module.named_buffers():
        buffer.data.copy_(buffers[name])


def _refuse_if_it_changes(objective: LossModule, arguments: tuple[Any, ...], error: float, allowed: float) -> None:
    """Refuse a module whose second call is another function of the weights than the first."""
    with _buffers_kept(objective.module):
        objective.documented(*arguments)
        second = float(objective.documented(*arguments).detach())
    if not abs(second - error) <= allowed:
        raise InputError(
            "the module's loss changes from call to call", first=error, second=second, remedy="module.eval()"
        )
