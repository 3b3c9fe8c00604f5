"""Where the parameters of an architecture live in a PyTorch module, and weights in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from verify.architecture import Architecture
from verify.calculus import passes
from verify.calculus.algebra import FLOAT
from verify.outcomes import InputError

ROUNDOFF = {torch.float64: 2.0**-53, torch.float32: 2.0**-24}
"""Unit roundoff of the types that parameters may have."""

_AGREEMENT = {torch.float64: 1e-9, torch.float32: 1e-3}
"""Relative difference of outputs, by dtype, above which a module is taken to compute something else."""

_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class Correspondence:
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
            )
        if not parts:
            raise InputError("the module has no parameters", remedy="give a module with at least one weight")
        if len({id(parameter) for parameter in self.parameters.values()}) != len(self.parameters):
            raise InputError("a parameter that is used twice cannot be mapped", remedy="do not share parameters")
        for key, parameter in self.parameters.items():
            check_values(parameter, str(key))
            if tuple(parameter.shape) != parts[key].shape:
                raise InputError(
                    "shapes disagree", where=str(key), module=tuple(parameter.shape), architecture=parts[key].shape
                )
        if _share_memory(list(self.parameters.values())):
            raise InputError("parameters that share memory cannot be mapped", remedy="give each its own tensor")

    @property
    def dtype(self) -> torch.dtype:
        """The coarsest type among the parameters."""
        return max((parameter.dtype for parameter in self.parameters.values()), key=ROUNDOFF.__getitem__)

    def read(self) -> np.ndarray:
        """Return the module's weights as a vector, (P,), without any rounding."""
        parts = {key: parameter.detach().cpu().double().numpy() for key, parameter in self.parameters.items()}
        return self.architecture.flatten(parts)

    def write(self, w: np.ndarray) -> None:
        """Store a weight vector in the module; float64 parameters take it without rounding."""
        with torch.no_grad():
            for key, part in self.architecture.unflatten(np.array(w)).items():
                self.parameters[key].copy_(torch.from_numpy(np.ascontiguousarray(part)))

    def read_gradient(self) -> np.ndarray | None:
        """Return the module's gradients as a vector, (P,), or None where one is missing."""
        gradients = {key: parameter.grad for key, parameter in self.parameters.items()}
        if any(gradient is None for gradient in gradients.values()):
            return None
        present = {key: gradient for key, gradient in gradients.items() if gradient is not None}
        return self.architecture.flatten(
            {key: gradient.detach().cpu().to_dense().double().numpy() for key, gradient in present.items()}
        )

    def frozen(self) -> np.ndarray:
        """Return which weights, (P,), belong to parameters with ``requires_grad=False``."""
        parts = {key: np.full(tuple(p.shape), 0.0 if p.requires_grad else 1.0) for key, p in self.parameters.items()}
        return self.architecture.flatten(parts) > 0

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
                    remedy="give the mapping yourself: Correspondence(architecture, parameters)",
                )


def check_values(parameter: Any, where: str) -> None:
    """Raise `InputError` for a parameter that is not a float64 or float32 tensor with values in memory."""
    if is_lazy(parameter):
        raise InputError("a lazy module has no weights yet", where=where, remedy="call the module on a batch first")
    if not isinstance(parameter, torch.Tensor) or parameter.dtype not in ROUNDOFF:
        raise InputError(
            "parameters must be float64 or float32",
            where=where,
            dtype=str(getattr(parameter, "dtype", type(parameter).__name__)),
            remedy="call module.double()",
        )
    if parameter.is_meta or parameter.layout is not torch.strided:
        raise InputError(
            "the parameter has no values that can be read",
            where=where,
            device=str(parameter.device),
            layout=str(parameter.layout),
            remedy="give the module dense weights on a device: module.to_empty(device='cpu'), then load them",
        )


def _share_memory(parameters: list[nn.Parameter]) -> bool:
    """Whether the memory that two parameters span overlaps."""
    spans = []
    for parameter in parameters:
        reach = sum((size - 1) * step for size, step in zip(parameter.shape, parameter.stride(), strict=True)) + 1
        start = parameter.data_ptr()
        spans.append((str(parameter.device), start, start + reach * parameter.element_size()))
    return any(one[0] == other[0] and one[2] > other[1] for one, other in pairwise(sorted(spans)))


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
