"""Weights between a module and the vector of a problem, by the names of the parameters."""

from __future__ import annotations

import numpy as np
import torch

from verify.graph.problem import GraphProblem


def read(problem: GraphProblem, module: torch.nn.Module) -> np.ndarray:
    """Return the module's parameters as the problem's vector of weights, (P,) float64, exactly."""
    parameters = dict(module.named_parameters())
    return problem.flatten({b.label: parameters[b.label].detach().cpu().double().numpy() for b in problem.blocks})


def write(problem: GraphProblem, module: torch.nn.Module, w: np.ndarray) -> None:
    """Set the module's parameters to a vector of weights, rounded to their own format."""
    parameters = dict(module.named_parameters())
    with torch.no_grad():
        for label, part in problem.unflatten(problem.check_weights(w)).items():
            parameters[label].copy_(torch.from_numpy(np.array(part)))
