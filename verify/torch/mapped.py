"""A module with its data as the problem that the toolkit proves about, and whether it still is that module."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from verify.bounds.regions import Region
from verify.calculus.problem import Problem
from verify.outcomes import InputError
from verify.torch.conversion import convert
from verify.torch.correspondence import Correspondence

_BY_MODE = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase)
"""Layers that compute something else in training mode: at random, or from the other samples of the batch."""


class MappedModule:
    """The problem of a module on its data, and where its parameters live.

    Parameters
    ----------
    module : torch.nn.Module
    inputs, targets : tensor or array, shape (n, ...)
        Copied: what is proved is about the values that they have now.
    correspondence : Correspondence, optional
        Default: `convert`.
    **objective
        ``reduction``, ``weight_decay``, ``region`` of `Problem`.

    Attributes
    ----------
    problem : Problem
    correspondence : Correspondence
    module : torch.nn.Module

    Raises
    ------
    InputError
        If the module cannot be mapped, computes something else than its architecture, or the data cannot be used.
    """

    def __init__(
        self, module: nn.Module, inputs: Any, targets: Any, correspondence: Correspondence | None, **objective: Any
    ) -> None:
        check_region(objective.get("region"))
        rows, outputs = _table(inputs, "inputs"), _table(targets, "targets")
        shape = tuple(np.shape(inputs)[1:])
        self.module = module
        self.correspondence = convert(module, shape) if correspondence is None else correspondence
        if correspondence is not None:
            self._check_mapping()
        weights = self.correspondence.read()
        self.problem = Problem(self.correspondence.architecture, rows, outputs, initial_weights=weights, **objective)
        samples = torch.from_numpy(np.array(self.problem.inputs, dtype=np.float64)).reshape(len(rows), *shape)
        self.correspondence.check_outputs(module, samples)
        self._layers, self._objects = self._described()
        self._buffers = [(name, buffer.clone()) for name, buffer in module.named_buffers()]

    def change(self) -> str:
        """Say what is no longer as it was mapped; empty if the module still computes what the problem says."""
        layers, objects = self._described()
        if layers != self._layers or not _identical(objects, self._objects):
            return "layers or parameters of the module were replaced"
        buffers = list(self.module.named_buffers())
        kept = len(buffers) == len(self._buffers) and all(
            name == old_name and torch.equal(buffer, old)
            for (name, buffer), (old_name, old) in zip(buffers, self._buffers, strict=True)
        )
        return "" if kept else "buffers of the module were changed"

    def _check_mapping(self) -> None:
        """Refuse what a mapping of one's own leaves out."""
        if not isinstance(self.module, nn.Module) or not isinstance(self.correspondence, Correspondence):
            given = {"module": type(self.module).__name__, "correspondence": type(self.correspondence).__name__}
            raise InputError("not a module with its Correspondence", **given)
        own, mapped = set(self.module.parameters()), set(self.correspondence.parameters.values())
        if not mapped <= own:
            raise InputError("the mapping has parameters that are not the module's")
        left = [name for name, p in self.module.named_parameters() if p.requires_grad and p not in mapped]
        if left:
            raise InputError(
                "a trainable parameter of the module is not in the mapping",
                where=left[0],
                remedy="map it, or set requires_grad_(False) where it is a constant",
            )
        for name, layer in self.module.named_modules():
            if layer.training and isinstance(layer, _BY_MODE):
                raise InputError(
                    "the layer computes something else in training mode",
                    where=name,
                    layer=type(layer).__name__,
                    remedy="call module.eval()",
                )

    def _described(self) -> tuple[str, list[Any]]:
        """What the module's function depends on beside the values of parameters and buffers: layers, and objects."""
        objects: list[Any] = []
        for name, parameter in self.module.named_parameters(remove_duplicate=False):
            objects += [name, parameter, parameter.dtype, parameter.is_meta, str(parameter.shape)]
        for layer in self.module.modules():
            objects += [type(layer), vars(layer).get("forward"), layer.training and isinstance(layer, _BY_MODE)]
        return repr(self.module), objects


def check_region(region: Any) -> None:
    """Raise `InputError` for what is neither a region nor None."""
    if region is not None and not isinstance(region, Region):
        raise InputError("not a region", region=region, remedy="use verify.Ball or verify.BoundedWeights")


def _identical(objects: list[Any], others: list[Any]) -> bool:
    return len(objects) == len(others) and all(
        one == other if isinstance(one, str) else one is other for one, other in zip(objects, others, strict=True)
    )


def _table(values: Any, name: str) -> np.ndarray:
    """Return a private copy of the samples as rows, in a type that holds them exactly."""
    try:
        if isinstance(values, torch.Tensor):
            tensor = values.detach().cpu()
            values = (tensor.double() if tensor.is_floating_point() else tensor).numpy()
        array = np.array(values)
        if array.ndim > 0 and array.size > 0:
            return array.reshape(len(array), -1)
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        raise InputError(
            "the data cannot be read as numbers",
            where=name,
            reason=f"{type(error).__name__}: {error}",
            remedy="give a dense tensor or array with one sample a row",
        ) from None
    raise InputError("data are empty", where=name, shape=array.shape, remedy="give at least one sample")
