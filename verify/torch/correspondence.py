"""Where the parameters of an architecture live in a PyTorch module, and weights in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from verify.architecture import Architecture
from verify.calculus import passes
from verify.calculus.algebra import FLOAT
from verify.outcomes import InputError
from verify.torch.parameter_vector import ParameterVector, check_memory, check_values

_AGREEMENT = {torch.float64: 1e-9, torch.float32: 1e-3}
"""Relative difference of outputs, by dtype, above which a module is taken to compute something else."""

_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Correspondence(ParameterVector):
    """An architecture and where its parameters live in a module.

    Parameters
    ----------
    architecture : Architecture
    parameters : dict
        Key of `Architecture.unflatten` to the module's parameter of the same shape.

    Raises
    ------
    InputError
        If a parameter is missing, unknown, used twice, of another shape, has no values yet, or is neither float64 nor
        float32.
    """

    architecture: Architecture
    parameters: dict[Any, nn.Parameter]

    def __post_init__(self) -> None:
        parts = self.architecture.unflatten(np.zeros(self.architecture.size))
        if set(parts) != set(self.parameters):
            raise InputError(
                "the parameters given are not those of the architecture",
                expected=sorted(map(str, parts)),
                found=sorted(map(str, self.parameters)),
                remedy="give one parameter for each key of architecture.unflatten(w)",
            )
        if not parts:
            raise InputError(
                "the module has no parameters", remedy="give a module with at least one weight", parameters=0
            )
        if len({id(parameter) for parameter in self.parameters.values()}) != len(self.parameters):
            raise InputError(
                "a parameter that is used twice cannot be mapped",
                remedy="do not share parameters",
                parameters=len(self.parameters),
            )
        for key, parameter in self.parameters.items():
            check_values(parameter, str(key))
            if tuple(parameter.shape) != parts[key].shape:
                raise InputError(
                    "shapes disagree",
                    where=str(key),
                    module=tuple(parameter.shape),
                    architecture=parts[key].shape,
                    remedy="transpose or reshape it",
                )
        check_memory(list(self.parameters.values()))

    def flatten(self, parts: Mapping[Any, Any]) -> np.ndarray:
        """Return arrays by key as one vector, (P,)."""
        return self.architecture.flatten(dict(parts))

    def unflatten(self, w: np.ndarray) -> Mapping[Any, np.ndarray]:
        """Return the parts of a vector by key."""
        return self.architecture.unflatten(w)

    def check_outputs(self, module: nn.Module, inputs: torch.Tensor) -> None:
        """Compare the module's outputs with the architecture's on some samples.

        Raises
        ------
        InputError
            If they differ by more than rounding can explain, or the module cannot be evaluated.
        """
        first, parts = next(iter(self.parameters.values())), self.architecture.unflatten(self.read())
        for samples in inputs.detach().split(_ROWS_AT_ONCE):
            found = _outputs(module, samples.clone().to(first.device, first.dtype))
            rows = samples.cpu().double().reshape(len(samples), -1).numpy()
            state = passes.forward(FLOAT, self.architecture, parts, rows, order=0)
            expected = np.concatenate([state.outputs[name] for name in self.architecture.outputs], axis=1)
            limit = _AGREEMENT[self.dtype] * max(1.0, float(np.abs(expected).max()))
            if found.shape != expected.shape or not float(np.abs(found - expected).max()) <= limit:
                raise InputError(
                    "the module does not compute what its architecture says",
                    module=type(module).__name__,
                    remedy="use verify.from_torch(module, inputs, targets, loss=...), which needs no mapping",
                )


def _outputs(module: nn.Module, samples: torch.Tensor) -> np.ndarray:
    try:
        with torch.no_grad():
            return module(samples).reshape(len(samples), -1).cpu().double().numpy()
    except Exception as error:
        raise InputError(
            "the module cannot be evaluated on the inputs",
            module=type(module).__name__,
            inputs=tuple(samples.shape),
            reason=f"{type(error).__name__}: {error}",
            remedy="it takes the samples in their own shape and returns one tensor",
        ) from error
