"""What the function of a module depends on beside its trainable parameters, and whether it is still the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, final

import torch
from torch import nn

BY_MODE = (nn.modules.dropout._DropoutNd, nn.modules.batchnorm._NormBase)
"""Layers that compute something else in training mode: at random, or from the other samples of the batch."""

_BUILT_IN = ("torch.nn.", "verify.torch.")
_LOOKING = (*BY_MODE, nn.RNNBase, nn.RReLU, nn.MultiheadAttention, nn.Transformer)
"""Built-in layers whose forward may look at the mode; a module that is not built in may always."""

_OWN = frozenset(vars(nn.Module()))
"""Attributes that every module has."""
_LIGHTNING = ("lightning.", "pytorch_lightning.")


@final
class ModuleState:
    """A picture of a module at one moment.

    Parameters
    ----------
    module : torch.nn.Module
    buffers : collection of str, optional
        Names of the buffers that its function depends on; default: all.
    constants : collection of str
        Names of parameters that are constants of the problem.
    rows : sequence of (str, int)
        Rows of parameters that are constants of the problem.
    """

    def __init__(
        self,
        module: nn.Module,
        buffers: Collection[str] | None = None,
        constants: Collection[str] = (),
        rows: Sequence[tuple[str, int]] = (),
    ) -> None:
        self.module = module
        self._names = None if buffers is None else frozenset(buffers)
        self._constants, self._rows = frozenset(constants), tuple(rows)
        self._layers, self._objects = self._described()
        self._modes, self._attributes = self._current_modes(), self._current_attributes()
        self._values = {name: value.detach().clone() for name, value in self._current_values().items()}

    def change(self) -> str:
        """Say what is no longer as it was; empty if nothing is."""
        layers, objects = self._described()
        if layers != self._layers or not _identical(objects, self._objects):
            return "layers or parameters of the module were replaced"
        if self._current_modes() != self._modes:
            return "modes of layers, training or evaluation, were changed"
        attributes = self._current_attributes()
        for place, value in self._attributes.items():
            if not _same(attributes.get(place), value):
                return f"the attribute {'.'.join(filter(None, place))} was changed"
        values = self._current_values()
        kept = values.keys() == self._values.keys() and all(_same(values[n], old) for n, old in self._values.items())
        return "" if kept else "buffers or frozen parameters of the module were changed"

    def _described(self) -> tuple[str, list[Any]]:
        objects: list[Any] = []
        for name, parameter in self.module.named_parameters(remove_duplicate=False):
            objects += [name, parameter, parameter.dtype, parameter.is_meta, str(parameter.shape)]
        for layer in self.module.modules():
            objects += [type(layer), vars(layer).get("forward")]
        return repr(self.module), objects

    def _current_modes(self) -> list[bool]:
        """Return the mode of every layer that may compute something else in training mode."""
        return [layer.training for layer in self.module.modules() if _looks_at_its_mode(layer)]

    def _current_attributes(self) -> Mapping[tuple[str, str], Any]:
        """Return the numbers, words and tensors that are plain attributes, by layer and name."""
        return {
            (path, name): value.detach().clone() if isinstance(value, torch.Tensor) else value
            for path, layer in self.module.named_modules()
            for name, value in vars(layer).items()
            if name not in _OWN | _books(type(layer)) and _is_plain(value)
        }

    def _current_values(self) -> dict[str, torch.Tensor]:
        buffers = dict(self.module.named_buffers())
        parameters = dict(self.module.named_parameters())
        kept = buffers if self._names is None else {name: buffers[name] for name in self._names if name in buffers}
        rows = {f"{name}[{row}]": parameters[name][row] for name, row in self._rows if name in parameters}
        return {**kept, **{name: parameters[name] for name in self._constants if name in parameters}, **rows}


def _looks_at_its_mode(layer: nn.Module) -> bool:
    return isinstance(layer, _LOOKING) or not type(layer).__module__.startswith(_BUILT_IN)


def _books(kind: type) -> frozenset[str]:
    """Return the private attributes that Lightning's base class gives a class: its trainer keeps its books in them."""
    named = [base for base in kind.__mro__ if base.__name__ == "LightningModule"]
    own = [base for base in named if base.__module__.startswith(_LIGHTNING)]
    return frozenset(name for base in own for name in vars(base()) if name.startswith("_"))


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    if isinstance(value, torch.Tensor):
        return not value.requires_grad  # what is computed of parameters at every call is no setting
    return isinstance(value, bool | int | float | complex | str)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.shape == other.shape and one.dtype == other.dtype and torch.equal(one, other.to(one.device))
    return type(one) is type(other) and one == other


def _identical(objects: list[Any], others: list[Any]) -> bool:
    return len(objects) == len(others) and all(
        one == other if isinstance(one, str) else one is other for one, other in zip(objects, others, strict=True)
    )
