"""From PyTorch modules to the architecture that they compute, and weights in both directions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from verify.architecture import Architecture
from verify.calculus import passes
from verify.calculus.algebra import FLOAT
from verify.outcomes import InputError

_AGREEMENT = {torch.float64: 1e-9, torch.float32: 1e-3}
"""Relative difference of outputs, by dtype, above which a module is taken to compute something else."""


class Residual(nn.Module):
    """A skip connection: ``inner(x) + x``."""

    def __init__(self, *inner: nn.Module) -> None:
        super().__init__()
        self.inner = nn.Sequential(*inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return inner(x) + x."""
        return self.inner(x) + x


@dataclass(frozen=True)
class Correspondence:
    """An architecture and where its parameters live in a module.

    Parameters
    ----------
    architecture : Architecture
    parameters : dict
        Key of `Architecture.unflatten` to the module's parameter of the same shape.
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
        if len({id(parameter) for parameter in self.parameters.values()}) != len(self.parameters):
            raise InputError("a parameter that is used twice cannot be mapped", remedy="do not share parameters")
        for key, parameter in self.parameters.items():
            if tuple(parameter.shape) != parts[key].shape:
                raise InputError(
                    "shapes disagree", where=str(key), module=tuple(parameter.shape), architecture=parts[key].shape
                )
            if parameter.dtype not in _AGREEMENT:
                raise InputError("parameters must be float64 or float32", where=str(key), dtype=str(parameter.dtype))

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
            {key: gradient.detach().cpu().double().numpy() for key, gradient in present.items()}
        )

    def check_outputs(self, module: nn.Module, inputs: torch.Tensor) -> None:
        """Compare the module's outputs with the architecture's on some samples.

        Raises
        ------
        InputError
            If they differ by more than rounding can explain.
        """
        dtype = next(iter(self.parameters.values())).dtype
        with torch.no_grad():
            found = module(inputs.to(dtype)).reshape(len(inputs), -1).cpu().double().numpy()
        rows = inputs.detach().cpu().double().reshape(len(inputs), -1).numpy()
        state = passes.forward(FLOAT, self.architecture, self.architecture.unflatten(self.read()), rows, order=0)
        expected = np.concatenate([state.outputs[name] for name in self.architecture.outputs], axis=1)
        limit = _AGREEMENT[dtype] * max(1.0, float(np.abs(expected).max()))
        if found.shape != expected.shape or not float(np.abs(found - expected).max()) <= limit:
            raise InputError(
                "the module does not compute what its architecture says",
                module=type(module).__name__,
                remedy="give the mapping yourself: Correspondence(architecture, parameters)",
            )


def convert(module: nn.Module, input_shape: tuple[int, ...]) -> Correspondence:
    """Return the architecture of a module built from Sequential, Residual, layers and activations.

    Parameters
    ----------
    module : torch.nn.Module
        Linear, Conv2d, AvgPool2d, Flatten, Identity, Tanh, Sigmoid, Softplus, SiLU, GELU, ReLU, LeakyReLU, and
        Sequential and `Residual` of these.
    input_shape : tuple of int
        Of one sample: (width,) or (channels, height, width).

    Raises
    ------
    InputError
        If a layer has no counterpart; the error names it.

    Examples
    --------
    >>> correspondence = convert(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), Residual(nn.Linear(4, 4))), (3,))
    >>> correspondence.architecture.size
    36
    """
    builder = _Builder(tuple(input_shape))
    builder.add(module, "module")
    builder.close()
    if builder.current == "x":
        raise InputError("the module has no layer", module=type(module).__name__)
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
        match module:
            case nn.Sequential():
                for position, child in enumerate(module):
                    self.add(child, f"{where}.{position}")
            case Residual():
                self._residual(module, where)
            case nn.Linear():
                self._node({"from": self.close()}, (module.out_features,), module.bias is not None and "unit")
                self._bind(module, None)
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

    def _bind(self, module: nn.Linear | nn.Conv2d, kind: str | None) -> None:
        source = self.nodes[self.current]["inputs"][0]["from"]
        key = (source, self.current) if kind is None else (source, self.current, kind)
        self.parameters[key] = module.get_parameter("weight")
        if module.bias is not None:
            self.parameters[self.current] = module.get_parameter("bias")

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
                "only plain convolutions are known", where=where, remedy="no dilation or groups, pad zeros"
            )
        if isinstance(module.padding, str):
            raise InputError("padding must be given in numbers", where=where, padding=module.padding)
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
        self._bind(module, "conv2d")

    def _pooling(self, module: nn.AvgPool2d, where: str) -> None:
        kernel, stride, padding = (_pair(value) for value in (module.kernel_size, module.stride, module.padding))
        if padding != [0, 0] or module.ceil_mode or module.divisor_override is not None:
            raise InputError("only plain average pooling is known", where=where, remedy="no padding or ceil_mode")
        image = self._image(where)
        height, width = ((size - k) // s + 1 for size, k, s in zip(image, kernel, stride, strict=True))
        edge = {"from": self.close(), "kind": "avgpool2d", "kernel": kernel, "stride": stride}
        self._node(edge, (self.shape[0], height, width), False)

    def _image(self, where: str) -> tuple[int, int]:
        if len(self.shape) != 3:
            raise InputError("the layer needs images", where=where, shape=self.shape)
        return self.shape[1], self.shape[2]


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
        layer=repr(module),
        remedy="give the mapping yourself: Correspondence(architecture, parameters)",
    )
