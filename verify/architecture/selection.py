"""Edges without parameters that hand units on unchanged: identity, flatten and concat."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from verify.architecture.columns import with_zeros
from verify.architecture.fields import known_keys, required, whole_number
from verify.architecture.images import described
from verify.architecture.linear_map import FloatArray, LinearMap, Terms
from verify.arithmetic.environment import certified_environment
from verify.outcomes import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from verify.architecture.vertex import Vertex
    from verify.arithmetic.intervals import Interval


class _Selection(LinearMap):
    """A map whose matrix consists of columns of the identity, so that its spectral norm is one."""

    @property
    def first(self) -> int:
        """Unit of the target that the first unit of the source becomes."""
        return 0

    @certified_environment()
    def gain(self, theta: FloatArray | Interval | None) -> float:
        return 1.0

    def terms(self) -> Terms:
        source = np.arange(self.in_width)
        return Terms(source + self.first, np.full(self.in_width, -1), source, Fraction(1))


@dataclass(frozen=True)
class _Unchanged(_Selection):
    width: int

    def __post_init__(self) -> None:
        whole_number(self.width, "width", minimum=1)

    @property
    def in_width(self) -> int:
        return self.width

    @property
    def out_width(self) -> int:
        return self.width

    def to_data(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def _apply(self, theta: Any, h: Any) -> Any:
        return h

    def _transpose(self, theta: Any, delta: Any) -> Any:
        return delta


@final
@dataclass(frozen=True)
class Identity(_Unchanged):
    """A skip connection: adds the source's units to the target's, one to one."""

    kind: ClassVar[str] = "identity"

    @classmethod
    def between(cls, source: Vertex, target: Vertex, options: Mapping[str, Any]) -> Self:
        known_keys(options, ("from", "kind"))
        if source.width != target.width:
            raise InputError(
                "an identity edge joins vertices of equal widths",
                **_ends(source, target),
                remedy="use a dense edge or change a width",
            )
        if source.shape and target.shape and source.shape != target.shape:
            raise InputError(
                "an identity edge joins images of equal shapes",
                **_ends(source, target),
                remedy="change a shape",
            )
        return cls(source.width)


@final
@dataclass(frozen=True)
class Flatten(_Unchanged):
    """An image read as a vector, in row-major order: channel, row, column."""

    kind: ClassVar[str] = "flatten"

    @classmethod
    def between(cls, source: Vertex, target: Vertex, options: Mapping[str, Any]) -> Self:
        known_keys(options, ("from", "kind"))
        if source.shape is None or target.shape is not None:
            raise InputError(
                "a flatten edge leads from an image to a vector",
                **_ends(source, target),
                remedy="use an identity edge, or give the source a shape and the target a width",
            )
        if source.width != target.width:
            raise InputError(
                "a flatten edge keeps the number of units",
                **_ends(source, target),
                remedy=f"set the target's width to {source.width}",
            )
        return cls(source.width)


@final
@dataclass(frozen=True)
class Concat(_Selection):
    """A part of a concatenation: the source's units become units ``offset, offset + 1, ...`` of the target.

    Examples
    --------
    >>> Concat(2, 4, offset=1).apply(None, np.array([[5.0, 6.0]]))
    array([[0., 5., 6., 0.]])
    """

    in_units: int
    out_units: int
    offset: int
    kind: ClassVar[str] = "concat"

    def __post_init__(self) -> None:
        whole_number(self.in_units, "in_units", minimum=1)
        whole_number(self.out_units, "out_units", minimum=1)
        whole_number(self.offset, "offset", minimum=0)
        if self.offset + self.in_units > self.out_units:
            raise InputError(
                "a concat edge does not fit into its target",
                offset=self.offset,
                source_width=self.in_units,
                target_width=self.out_units,
                remedy=f"the target needs a width of at least {self.offset + self.in_units}",
            )

    @classmethod
    def between(cls, source: Vertex, target: Vertex, options: Mapping[str, Any]) -> Self:
        known_keys(options, ("from", "kind", "offset"))
        return cls(source.width, target.width, required(options, "offset"))

    @property
    def first(self) -> int:
        return self.offset

    @property
    def in_width(self) -> int:
        return self.in_units

    @property
    def out_width(self) -> int:
        return self.out_units

    def to_data(self) -> dict[str, Any]:
        return {"kind": self.kind, "offset": self.offset}

    def _apply(self, theta: Any, h: Any) -> Any:
        return with_zeros(h, self.offset, self.out_units - self.offset - self.in_units)

    def _transpose(self, theta: Any, delta: Any) -> Any:
        return delta[..., self.offset : self.offset + self.in_units]


def _ends(source: Vertex, target: Vertex) -> dict[str, Any]:
    return {
        "source": source.name,
        "source_units": described(source),
        "target": target.name,
        "target_units": described(target),
    }
