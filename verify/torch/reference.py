"""The gradient of the error by PyTorch's own differentiation, on a float64 copy of the module."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch.utils._pytree import tree_map

from verify.importers.torch.capture import LossModule
from verify.torch.forward_calls import InputRows


@final
class ReferenceGradient:
    """Gradients of an objective at any weights, on all samples or on some.

    Parameters
    ----------
    objective : LossModule
        In float64; its parameters are set at every call.
    arguments : tuple
        Inputs and targets of all samples.
    places : dict of str to slice
        Where each parameter of the objective's module stands in the vector of weights.
    """

    def __init__(self, objective: LossModule, arguments: tuple[Any, Any], places: dict[str, slice]) -> None:
        self.objective, self.arguments, self.places = objective, arguments, places
        self.samples = InputRows(arguments[0])
        self._size = max(place.stop for place in places.values())

    def gradient(self, w: np.ndarray, rows: Sequence[int] | None = None) -> np.ndarray:
        """Return the gradient at w, (P,), of the loss on some rows of the data, or on all.

        Raises
        ------
        RuntimeError, ValueError, TypeError, IndexError
            What PyTorch raises if the loss cannot be evaluated on these rows.
        """
        return self._of(self.objective, w, rows)

    def single_precision_error(self, w: np.ndarray) -> float:
        """Return how far a gradient in float32 is from that in float64, |difference|."""
        single = copy.deepcopy(self.objective).float()
        return float(np.linalg.norm(self._of(single, w, None) - self.gradient(w)))

    def _of(self, objective: LossModule, w: np.ndarray, rows: Sequence[int] | None) -> np.ndarray:
        named = dict(objective.module.named_parameters())
        parameters = [named[name] for name in self.places]
        dtype = parameters[0].dtype
        with torch.no_grad():
            for parameter, place in zip(parameters, self.places.values(), strict=True):
                parameter.copy_(torch.from_numpy(np.array(w[place])).reshape(parameter.shape))
                parameter.requires_grad_(True)
        buffers = {name: buffer.clone() for name, buffer in objective.module.named_buffers()}
        with torch.enable_grad():
            inputs, targets = tree_map(lambda value: self._chosen(value, rows, dtype), self.arguments)
            parts = torch.autograd.grad(objective(inputs, targets), parameters, allow_unused=True)
        for name, buffer in objective.module.named_buffers():
            buffer.data.copy_(buffers[name])
        found = np.zeros(self._size)
        for part, place in zip(parts, self.places.values(), strict=True):
            if part is not None:
                found[place] = part.detach().double().numpy().ravel()
        return found

    def _chosen(self, value: Any, rows: Sequence[int] | None, dtype: torch.dtype) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        if rows is not None and value.ndim > 0 and len(value) == self.samples.count:
            value = value[list(rows)]
        return value.to(dtype) if value.is_floating_point() else value.clone()
