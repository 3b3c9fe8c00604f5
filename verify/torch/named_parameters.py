"""Where the weights of an imported problem live in its PyTorch module: its parameters by their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from torch import nn

from verify.graph.problem import GraphProblem
from verify.torch.parameter_vector import ParameterVector, check_memory, check_values


@final
@dataclass(frozen=True)
class NamedParameters(ParameterVector):
    """The trainable parameters of a module in the order of its problem.

    Parameters
    ----------
    problem : GraphProblem
    parameters : dict of str to torch.nn.Parameter
        By the labels of the problem's blocks.
    """

    problem: GraphProblem
    parameters: dict[str, nn.Parameter]

    @classmethod
    def of(cls, problem: GraphProblem, module: nn.Module) -> NamedParameters:
        """Find the parameters in the module that the problem was imported from.

        Raises
        ------
        InputError
            If a parameter is neither float64 nor float32, or shares memory with another.
        """
        named = dict(module.named_parameters())
        found = {block.label: named[block.label] for block in problem.blocks}
        for label, parameter in found.items():
            check_values(parameter, label)
        check_memory(list(found.values()))
        return cls(problem, found)

    def flatten(self, parts: Mapping[Any, Any]) -> np.ndarray:
        """Return arrays by label as one vector, (P,), whatever numbers they hold."""
        return np.concatenate([np.asarray(parts[label], dtype=np.float64).ravel() for label in self.parameters])

    def unflatten(self, w: np.ndarray) -> Mapping[Any, np.ndarray]:
        """Return the parts of a vector by label."""
        return self.problem.unflatten(w)
