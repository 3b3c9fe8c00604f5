"""A capture is not trusted: error and gradient of the graph are compared with those that PyTorch computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from verify.arithmetic.intervals import Interval
from verify.graph.problem import GraphProblem
from verify.importers.torch.capture import Objective
from verify.outcomes import InputError

SHARE = 64.0
"""How many radii of our enclosure PyTorch's result may be off. A radius bounds what one evaluation with correctly
rounded sums and products does; other orders of summation and other elementary functions stay within a few of it."""


def check_agreement(problem: GraphProblem, objective: Objective, arguments: tuple[Any, ...], points: int = 3) -> None:
    """Compare error and gradient at the weights given and at random ones near them.

    Parameters
    ----------
    problem : GraphProblem
    objective : Objective
        In float64; its parameters are set, and set back.
    arguments : tuple
        Of the objective.
    points : int

    Raises
    ------
    InputError
        If they differ by more than rounding explains: the capture is not the module.
    """
    rng = np.random.default_rng(0)
    w0 = problem.initial_weights
    for point in range(points):
        w = w0 if point == 0 else w0 + 0.1 * rng.normal(size=w0.shape) * (np.abs(w0) + 0.1)
        problem.write(objective.module, w)
        error, gradient = _by_autograd(problem, objective, arguments)
        lower, upper = problem.error_enclosure(w)
        _compare("loss", np.array([error]), Interval.from_bounds([lower], [upper]), point)
        _compare("gradient", gradient, problem.gradient_enclosure(w), point)
    problem.write(objective.module, w0)


def _by_autograd(problem: GraphProblem, objective: Objective, arguments: tuple[Any, ...]) -> tuple[float, np.ndarray]:
    parameters = dict(objective.module.named_parameters())
    leaves = [parameters[block.label] for block in problem.blocks]
    buffers = {name: buffer.clone() for name, buffer in objective.module.named_buffers()}
    error = objective(*arguments)
    parts = torch.autograd.grad(error, leaves, allow_unused=True)
    for name, buffer in objective.module.named_buffers():
        buffer.data.copy_(buffers[name])
    found = [torch.zeros_like(p) if g is None else g for p, g in zip(leaves, parts, strict=True)]
    return float(error.detach()), np.concatenate([part.detach().reshape(-1).numpy() for part in found])


def _compare(what: str, theirs: np.ndarray, ours: Interval, point: int) -> None:
    radius = ours.rad
    allowed = SHARE * (radius + 2.0**-52 * float(np.max(np.abs(ours.mid), initial=0.0)))
    off = np.abs(theirs - ours.mid)
    if not np.all(off <= allowed):
        worst = int(np.argmax(np.where(np.isnan(off), np.inf, off - allowed)))
        raise InputError(
            f"the captured graph's {what} is not the module's",
            point=point,
            entry=worst,
            graph=float(ours.mid[worst]),
            module=float(theirs[worst]),
            remedy="look for detach, straight-through functions, or a module that changes between calls",
        )
