"""What a vertex of a spec file may compute of its inputs: one abstract class, final subclasses found by name."""

from __future__ import annotations

import abc
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

from annotated_types import Ge, Gt, Le

from verify.operations.operation import Shape
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor

LARGEST = 2**24
"""Entries of one sample in one vertex, and numbers of channels, features and places: the limit of `Architecture`."""

Count = Annotated[int, Ge(1), Le(LARGEST)]
Margin = Annotated[int, Ge(0), Le(LARGEST)]
Counts = Count | tuple[Count, ...]
"""One number for all spatial axes, or one for each."""
Margins = Margin | tuple[Margin, ...]
Axis = Annotated[int, Ge(-8), Le(8)]
Positive = Annotated[float, Gt(0)]

LAYERS: dict[str, type[Layer]] = {}
"""Every layer that a spec file can name: filled by the classes themselves."""


class Parameters(Protocol):
    """Where a layer gets its trainable arrays from."""

    def parameter(self, name: str, shape: Shape, *, fans: tuple[int, int] | None = None, start: float = 0.0) -> Tensor:
        """Return the layer's parameter of this name, or the one that it is tied to.

        Parameters
        ----------
        name : str
            Within the layer: "weight", "bias", ...
        shape : tuple of int
        fans : (int, int), optional
            Fan in and fan out: drawn uniformly within +-sqrt(6 / (fan in + fan out)) at first.
        start : float
            The first value of every entry, where there are no fans.
        """


@dataclass(frozen=True)
class Layer(abc.ABC):
    """A function of arrays whose first axis counts samples; its options are the fields of the dataclass.

    The types of the fields are what a spec file may give: whole numbers, numbers, switches, and lists of them, within
    the bounds that their annotations say.
    """

    name: ClassVar[str] = ""
    least: ClassVar[int] = 1
    """Number of inputs at least."""
    most: ClassVar[int | None] = 1
    """Number of inputs at most, None for any."""
    reads_integers: ClassVar[bool] = False
    """Whether the inputs are whole numbers (`verify.operations.gather.Indices`)."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.name:
            if cls.name in LAYERS:
                raise TypeError(f"two layers are called {cls.name!r}")
            LAYERS[cls.name] = cls

    @abc.abstractmethod
    def apply(self, parameters: Parameters, *inputs: Any) -> Tensor:
        """Return the layer's result.

        Parameters
        ----------
        parameters : Parameters
        *inputs : Tensor
            Each of shape (samples, ...).

        Raises
        ------
        InputError
            If it does not take inputs of these shapes.
        """

    def refuse(self, what: str, h: Tensor, remedy: str, **values: Any) -> InputError:
        """Return the error for an input that does not fit; its shape is that of one sample."""
        return InputError(what, remedy=remedy, layer=self.name, shape=h.shape[1:], **values)

    def space(self, h: Tensor, channels: bool = True) -> int:
        """Return the number of spatial axes: those behind samples (and channels).

        Raises
        ------
        InputError
            If there is none.
        """
        dimensions = len(h.shape) - 1 - channels
        if dimensions < 1:
            raise self.refuse("needs spatial axes", h, "give the input a shape = [channels, length, ...]")
        return dimensions

    def each(self, option: str, dimensions: int) -> tuple[int, ...]:
        """Return an option with one number for each spatial axis.

        Raises
        ------
        InputError
            If it is a list of another length.
        """
        value: int | tuple[int, ...] = getattr(self, option)
        found = (value,) * dimensions if isinstance(value, int) else value
        if len(found) != dimensions:
            shown: dict[str, Any] = {"layer": self.name, option: list(found)}
            remedy = f"give {dimensions}, or one for all"
            raise InputError("one number for each spatial axis is needed", remedy=remedy, **shown)
        return found

    def axis(self, h: Tensor, axis: int) -> int:
        """Return the position of an axis that is counted within a sample (0: its first; -1: its last).

        Raises
        ------
        InputError
            If there is none.
        """
        dimensions = len(h.shape) - 1
        if not -dimensions <= axis < dimensions:
            raise self.refuse("no such axis", h, "axes of a sample count from 0", axis=axis)
        return axis % dimensions + 1


def limited(layer: Layer, shape: Sequence[int]) -> None:
    """Refuse arrays of indices that no machine holds, before they are made."""
    if math.prod(shape) > LARGEST:
        raise InputError(
            "too large", layer=layer.name, entries=math.prod(shape), limit=LARGEST, remedy="make it smaller"
        )
