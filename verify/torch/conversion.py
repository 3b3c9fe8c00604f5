"""From PyTorch modules to the architecture that they compute."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from verify.architecture import Architecture
from verify.outcomes import InputError
from verify.torch.correspondence import Correspondence
from verify.torch.parameter_vector import check_values

_OWN_MAPPING = (
    "use verify.from_torch(module, inputs, targets, loss=...), which needs no mapping; Monitor and CertifiedMomentum "
    "take the module itself"
)

_LAYERS = (
    nn.Sequential,
    nn.Linear,
    nn.Conv2d,
    nn.AvgPool2d,
    nn.Flatten,
    nn.Identity,
    nn.Tanh,
    nn.Sigmoid,
    nn.SiLU,
    nn.GELU,
    nn.ReLU,
    nn.LeakyReLU,
)


class Residual(nn.Module):
    """A skip connection: ``inner(x) + x``."""

    def __init__(self, *inner: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return inner(x) + x."""
        return self.inner(x) + x


def convert(module: nn.Module, input_shape: tuple[int, ...]) -> Correspondence:
    """Return the architecture of a module built from Sequential, Residual, layers and activations.

    Parameters
    ----------
    module : torch.nn.Module
        Linear, Conv2d, AvgPool2d, Flatten, Identity, Tanh, Sigmoid, SiLU, GELU, ReLU, LeakyReLU, and
        Sequential and `Residual` of these.
    input_shape : tuple of int
        Of one sample: (width,) or (channels, height, width).

    Raises
    ------
    InputError
        If a layer has no counterpart or no plain weights; the error names it.

    Examples
    --------
    >>> correspondence = convert(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), Residual(nn.Linear(4, 4))), (3,))
    >>> correspondence.architecture.size
    36
    """
    if not isinstance(input_shape, tuple) or not all(isinstance(size, int) and size > 0 for size in input_shape):
        raise InputError(
            "the shape of one sample is a tuple of positive whole numbers",
            input_shape=input_shape,
            remedy="give for example (3,) or (1, 8, 8)",
        )
    if not isinstance(module, nn.Module):
        raise InputError("not a PyTorch module", type=type(module).__name__, remedy="give a torch.nn.Module")
    builder = _Builder(input_shape)
    builder.add(module, "module")
    builder.close()
    if builder.current == "x":
        raise InputError("the module has no layer", module=type(module).__name__, remedy="give one with a Linear layer")
    architecture = Architecture.from_data(builder.nodes, output=builder.current)
    return Correspondence(architecture, builder.parameters)


@dataclass
class _Builder:
    """Nodes so far; `pending` is the last one while its activation is not known."""

    shape: tuple[int, ...]
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)
    parameters: dict[Any, nn.Parameter] = field(default_factory=dict)
    current: str = "x"
    pending: bool = False

    def __post_init__(self) -> None:
        self.nodes["x"] = self._size()

    def add(self, module: nn.Module, where: str) -> None:
        _check_forward(module, where)
        match module:
            case nn.Sequential():
                for position, child in enumerate(module):
                    self.add(child, f"{where}.{position}")
            case Residual():
                self._residual(module, where)
            case nn.Linear():
                self._node({"from": self.close()}, (module.out_features,), module.bias is not None and "unit")
                self._bind(module, None, where)
            case nn.Conv2d():
                self._convolution(module, where)
            case nn.AvgPool2d():
                self._pooling(module, where)
            case nn.Flatten() if (module.start_dim, module.end_dim) == (1, -1):
                if len(self.shape) == 3:
                    self._node({"from": self.close(), "kind": "flatten"}, (int(np.prod(self.shape)),), False)
            case nn.Identity():
                pass
            case _:
                if getattr(module, "inplace", False) and not self.pending:
                    raise InputError(
                        "an activation in place would overwrite its input",
                        where=where,
                        remedy="use inplace=False",
                        layer=type(module).__name__,
                    )
                self._activation(_activation_name(module, where))

    def close(self) -> str:
        """Give the pending node the identity and return the name of the last one."""
        self.pending = False
        return self.current

    def _size(self) -> dict[str, Any]:
        return {"shape": list(self.shape)} if len(self.shape) == 3 else {"width": int(np.prod(self.shape))}

    def _node(self, edge: dict[str, Any], shape: tuple[int, ...], bias: str | bool) -> None:
        self.current, self.shape, self.pending = f"v{len(self.nodes)}", shape, True
        self.nodes[self.current] = {**self._size(), "activation": "identity", "bias": bias, "inputs": [edge]}

    def _bind(self, module: nn.Linear | nn.Conv2d, kind: str | None, where: str) -> None:
        source = self.nodes[self.current]["inputs"][0]["from"]
        key = (source, self.current) if kind is None else (source, self.current, kind)
        self.parameters[key] = _own_parameter(module, "weight", where)
        if module.bias is not None:
            self.parameters[self.current] = _own_parameter(module, "bias", where)

    def _activation(self, name: str) -> None:
        if not self.pending:
            self._node({"from": self.close(), "kind": "identity"}, self.shape, False)
        self.nodes[self.current]["activation"] = name
        self.pending = False

    def _residual(self, module: Residual, where: str) -> None:
        source = self.close()
        self.add(module.inner, f"{where}.inner")
        if not self.pending:
            self._node({"from": self.current, "kind": "identity"}, self.shape, False)
        self.nodes[self.current]["inputs"].append({"from": source, "kind": "identity"})

    def _convolution(self, module: nn.Conv2d, where: str) -> None:
        if module.dilation != (1, 1) or module.groups != 1 or module.padding_mode != "zeros":
            raise InputError(
                "only plain convolutions are known",
                where=where,
                remedy="no dilation or groups, pad zeros",
                layer=repr(module),
            )
        if isinstance(module.padding, str):
            raise InputError(
                "padding must be given in numbers",
                where=where,
                padding=module.padding,
                remedy="give it as (height, width)",
            )
        height, width = (
            (size + 2 * pad - kernel) // stride + 1
            for size, pad, kernel, stride in zip(
                self._image(where), module.padding, module.kernel_size, module.stride, strict=True
            )
        )
        edge = {
            "from": self.close(),
            "kind": "conv2d",
            "channels": module.out_channels,
            "kernel": list(module.kernel_size),
            "stride": list(module.stride),
            "padding": list(module.padding),
        }
        self._node(edge, (module.out_channels, height, width), module.bias is not None and "channel")
        self._bind(module, "conv2d", where)

    def _pooling(self, module: nn.AvgPool2d, where: str) -> None:
        kernel, stride, padding = (_pair(value) for value in (module.kernel_size, module.stride, module.padding))
        if padding != [0, 0] or module.ceil_mode or module.divisor_override is not None:
            raise InputError(
                "only plain average pooling is known", where=where, remedy="no padding or ceil_mode", layer=repr(module)
            )
        image = self._image(where)
        height, width = ((size - k) // s + 1 for size, k, s in zip(image, kernel, stride, strict=True))
        edge = {"from": self.close(), "kind": "avgpool2d", "kernel": kernel, "stride": stride}
        self._node(edge, (self.shape[0], height, width), False)

    def _image(self, where: str) -> tuple[int, int]:
        if len(self.shape) != 3:
            raise InputError(
                "the layer needs images",
                where=where,
                shape=self.shape,
                remedy="give an input_shape of (channels, height, width)",
            )
        return self.shape[1], self.shape[2]


def _check_forward(module: nn.Module, where: str) -> None:
    """Refuse a module of a known kind that computes something of its own."""
    for kind in (*_LAYERS, Residual):
        if isinstance(module, kind) and (type(module).forward is not kind.forward or "forward" in vars(module)):
            raise InputError(
                f"the layer is a {kind.__name__} with a forward of its own",
                where=where,
                layer=type(module).__name__,
                remedy=_OWN_MAPPING,
            )


def _own_parameter(module: nn.Module, name: str, where: str) -> nn.Parameter:
    own = module._parameters.get(name)
    if own is not None:
        check_values(own, f"{where}.{name}")
    else:
        raise InputError(
            f"the {name} is computed from other parameters",
            where=where,
            layer=type(module).__name__,
            remedy="remove its parametrization, pruning or normalisation first, for example with "
            "torch.nn.utils.parametrize.remove_parametrizations",
        )
    return own


def _pair(value: int | tuple[int, int]) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _activation_name(module: nn.Module, where: str) -> str:
    match module:
        case nn.Softplus(beta=1.0, threshold=threshold):
            raise InputError(
                "torch's softplus is linear above its threshold, another function",
                where=where,
                threshold=threshold,
                remedy="use SiLU, GELU, Tanh or Sigmoid, or give the mapping yourself",
            )
        case nn.GELU(approximate="none"):
            return "gelu"
        case nn.LeakyReLU(negative_slope=0.01):
            return "leaky_relu"
        case nn.Tanh() | nn.Sigmoid() | nn.SiLU() | nn.ReLU():
            return type(module).__name__.lower()
    raise InputError(
        "no counterpart of this layer",
        where=where,
        layer=type(module).__name__ if next(module.children(), None) else repr(module),
        remedy=_OWN_MAPPING,
    )
