"""A vertex of the network: a layer of units with one activation."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

from verify.architecture.fields import whole_number
from verify.architecture.images import ImageShape, images
from verify.architecture.names import check_name
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.activations import Activation

Bias = Literal["unit", "channel"]


@final
@dataclass(frozen=True)
class Vertex:
    """A layer of units: an input vertex if it has no activation.

    Parameters
    ----------
    name : str
        Letters, digits and ``_ - . :``.
    width : int
        Number of units.
    activation_spec : str or dict, optional
        Name of a built-in activation or ``{"expr": formula}``; None makes an input vertex.
    bias : {"unit", "channel"}, optional
        One trainable bias for each unit, or for each channel of an image, or none.
    shape : tuple of three int, optional
        Channels, height and width, if the units form an image; their product is the width.

    Raises
    ------
    InputError
        If a value is of the wrong type or out of range, or the values contradict each other.

    Examples
    --------
    >>> Vertex("h1", 3, "tanh", bias="unit").bias_shape
    (3,)
    """

    name: str
    width: int
    activation_spec: str | Mapping[str, str] | None = None
    bias: Bias | None = None
    shape: ImageShape | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        object.__setattr__(self, "width", whole_number(self.width, "width", minimum=1))
        if self.shape is not None:
            object.__setattr__(self, "shape", images(self.shape, "shape"))
            if math.prod(self.shape) != self.width:
                raise InputError(
                    "width and shape disagree", width=self.width, shape=self.shape, remedy="leave out one of them"
                )
        object.__setattr__(self, "activation_spec", _checked_spec(self.activation_spec))
        if self.bias not in (None, "unit", "channel"):
            raise InputError('bias must be "unit", "channel" or None', bias=self.bias, remedy="give one of them")
        if self.bias == "channel" and self.shape is None:
            raise InputError(
                "a bias per channel needs an image",
                bias=self.bias,
                remedy="give shape = [channels, height, width]",
            )
        if self.is_input and self.bias is not None:
            raise InputError("an input vertex has no bias", bias=self.bias, remedy="leave it out")

    def __hash__(self) -> int:
        return hash((self.name, self.width, self.bias, self.shape))

    def __reduce__(self) -> tuple[Any, ...]:
        return Vertex, (self.name, self.width, self.activation_spec, self.bias, self.shape)

    @property
    def is_input(self) -> bool:
        """Whether the vertex carries data instead of computing."""
        return self.activation_spec is None

    @property
    def activation(self) -> Activation | None:
        """The activation function, None for an input vertex."""
        return None if self.activation_spec is None else resolve_activation(self.activation_spec)

    @property
    def bias_shape(self) -> tuple[int, ...] | None:
        """Shape of the bias, None when there is none."""
        if self.bias is None:
            return None
        return (self.width,) if self.shape is None or self.bias == "unit" else (self.shape[0],)


def resolve_activation(spec: str | Mapping[str, str]) -> Activation:
    """Return the activation that a vertex's description names."""
    return _named(spec) if isinstance(spec, str) else _formula(spec["expr"])


@functools.lru_cache(maxsize=256)
def _named(name: str) -> Activation:
    from verify.activations import activation

    return activation(name)


@functools.lru_cache(maxsize=256)
def _formula(expression: str) -> Activation:
    from verify.activations import activation

    return activation({"expr": expression})


def _checked_spec(spec: Any) -> str | dict[str, str] | None:
    if spec is None or isinstance(spec, str):
        return spec
    if isinstance(spec, Mapping) and list(spec) == ["expr"] and isinstance(spec["expr"], str):
        return {"expr": spec["expr"]}
    raise InputError(
        "activation must be a name or a formula",
        activation=spec,
        type=type(spec).__name__,
        remedy='write activation = "tanh", or activation = {expr = "x*tanh(x)"}',
    )
