"""The parameters of a module as one vector of weights, in both directions."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from verify.outcomes import InputError

ROUNDOFF = {torch.float64: 2.0**-53, torch.float32: 2.0**-24}
"""Unit roundoff of the types that parameters may have."""


class ParameterVector(abc.ABC):
    """Where the entries of a vector of weights live in a module.

    Attributes
    ----------
    parameters : dict
        The module's parameters by the keys of `flatten`; at least one.
    """

    parameters: dict[Any, nn.Parameter]

    @abc.abstractmethod
    def flatten(self, parts: Mapping[Any, Any]) -> np.ndarray:
        """Return arrays by key as one vector, (P,)."""

    @abc.abstractmethod
    def unflatten(self, w: np.ndarray) -> Mapping[Any, np.ndarray]:
        """Return the parts of a vector by key."""

    @property
    def dtype(self) -> torch.dtype:
        """The coarsest type among the parameters."""
        return max((parameter.dtype for parameter in self.parameters.values()), key=ROUNDOFF.__getitem__)

    def read(self) -> np.ndarray:
        """Return the module's weights as a vector, (P,), without any rounding."""
        return self.flatten({key: array_of(parameter) for key, parameter in self.parameters.items()})

    def write(self, w: np.ndarray) -> None:
        """Store a weight vector in the module; float64 parameters take it without rounding."""
        with torch.no_grad():
            for key, part in self.unflatten(np.array(w)).items():
                self.parameters[key].copy_(torch.from_numpy(np.array(part)))

    def read_gradient(self) -> np.ndarray | None:
        """Return the module's gradients as a vector, (P,), or None where one is missing."""
        gradients = {key: parameter.grad for key, parameter in self.parameters.items()}
        present = {key: array_of(gradient) for key, gradient in gradients.items() if gradient is not None}
        return self.flatten(present) if len(present) == len(gradients) else None

    def frozen(self) -> np.ndarray:
        """Return which weights, (P,), belong to parameters with ``requires_grad=False``."""
        parts = {key: np.full(tuple(p.shape), 0.0 if p.requires_grad else 1.0) for key, p in self.parameters.items()}
        return self.flatten(parts) > 0


def check_values(parameter: Any, where: str) -> None:
    """Raise `InputError` for a parameter that is not a float64 or float32 tensor with values in memory."""
    if is_lazy(parameter):
        raise InputError(
            "a lazy module has no weights yet",
            where=where,
            remedy="call the module on a batch first",
            type=type(parameter).__name__,
        )
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


def check_memory(parameters: Sequence[nn.Parameter]) -> None:
    """Raise `InputError` if two parameters, or two entries of one, share memory: they could not be moved apart."""
    spans = []
    for parameter in parameters:
        strides = list(zip(parameter.shape, parameter.stride(), strict=True))
        if any(size > 1 and step == 0 for size, step in strides):
            raise InputError(
                "entries of a parameter share memory",
                remedy="make it with .clone() or .contiguous()",
                shape=tuple(parameter.shape),
            )
        reach = sum((size - 1) * step for size, step in strides) + 1
        start = parameter.data_ptr()
        spans.append((str(parameter.device), start, start + reach * parameter.element_size()))
    if any(one[0] == other[0] and one[2] > other[1] for one, other in pairwise(sorted(spans))):
        raise InputError(
            "parameters that share memory cannot be mapped", remedy="give each its own tensor", parameters=len(spans)
        )


def array_of(tensor: torch.Tensor) -> np.ndarray:
    """Return the numbers of a tensor on any device in float64, of float types exactly."""
    return tensor.detach().cpu().to_dense().double().numpy()
