"""Regions of weight space: compact convex sets on which curvature is bounded and in which the weights are to stay.

Membership is decided in exact arithmetic on the float64 numbers given; what a region returns lies inside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from verify.arithmetic import rational
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.bounds.region import Region, Weights, finite_vector
from verify.outcomes import InputError

__all__ = ["Ball", "BlockBall", "BoundedWeights", "Region", "enclosing", "from_data"]


@final
@dataclass(frozen=True, eq=False, repr=False)
class Ball(Region):
    """The weights with |w - center| <= radius.

    Parameters
    ----------
    center : array_like, shape (P,)
    radius : float
        Positive and finite.

    Raises
    ------
    InputError
        If the radius or the centre is not as said.

    Examples
    --------
    >>> ball = Ball([0.0, 0.0], radius=0.5)
    >>> ball.contains([0.3, 0.3]).name, ball.contains([0.3, 0.5]).name
    ('PROVED', 'REFUTED')
    """

    center: Weights
    radius: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "center", _frozen(self.center))
        object.__setattr__(self, "radius", _radius(self.radius))

    @property
    def size(self) -> int:
        """Number P of weights."""
        return self.center.size

    def balls(self, size: int) -> Iterator[tuple[slice, Weights, float]]:
        yield slice(None), self.center, self.radius

    def to_data(self) -> dict[str, Any]:
        """Return ``{"kind": "ball", "radius": ...}``."""
        return {"kind": "ball", "radius": self.radius}

    def __repr__(self) -> str:
        return f"<Ball: {self.size} weights, radius {self.radius:g}>"

    def __str__(self) -> str:
        return f"|w - w0| <= {self.radius:g}"


@final
@dataclass(frozen=True, eq=False, repr=False)
class BoundedWeights(Region):
    """The weights with |w| <= radius.

    Parameters
    ----------
    radius : float
        Positive and finite.

    Raises
    ------
    InputError
        If the radius is not as said.

    Examples
    --------
    >>> BoundedWeights(radius=2.0).contains([1.0, 1.0]).name
    'PROVED'
    """

    radius: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "radius", _radius(self.radius))

    @property
    def size(self) -> None:
        """None: the bound speaks of weights of any number."""
        return

    def balls(self, size: int) -> Iterator[tuple[slice, Weights, float]]:
        yield slice(None), np.zeros(size), self.radius

    def to_data(self) -> dict[str, Any]:
        """Return ``{"kind": "bounded", "radius": ...}``."""
        return {"kind": "bounded", "radius": self.radius}

    def __repr__(self) -> str:
        return f"<BoundedWeights: radius {self.radius:g}>"

    def __str__(self) -> str:
        return f"|w| <= {self.radius:g}"


@final
@dataclass(frozen=True, eq=False, repr=False)
class BlockBall(Region):
    """The weights with |w_v - center_v| <= radii[v] for the block of every vertex v.

    Parameters
    ----------
    center : array_like, shape (P,)
    radii : mapping of str to float
        Positive radius by vertex; a block that is not named stays at the centre, its radius is 0.
    blocks : mapping of str to slice
        ``architecture.blocks``.

    Raises
    ------
    InputError
        If a radius is not positive and finite, or names a vertex without parameters.

    Examples
    --------
    >>> region = BlockBall(np.zeros(3), {"h": 0.5}, {"h": slice(0, 2), "y": slice(2, 3)})
    >>> region.radii["y"], region.contains([0.25, 0.25, 0.0]).value, region.contains([0.0, 0.0, 0.1]).value
    (0.0, 'PROVED', 'REFUTED')
    """

    center: Weights
    radii: Mapping[str, float]
    blocks: Mapping[str, slice]

    def __post_init__(self) -> None:
        center, blocks = _frozen(self.center), dict(self.blocks)
        if sum(block.stop - block.start for block in blocks.values()) != center.size:
            raise InputError(
                "the blocks do not cover the centre",
                where="blocks",
                weights=center.size,
                remedy="give architecture.blocks",
            )
        if not self.radii:
            raise InputError(
                "no radius at all", where="radii", remedy="give the radius of at least one vertex", radii=self.radii
            )
        for name in self.radii:
            if name not in blocks:
                raise InputError(
                    "no parameters of this name",
                    where=f"radii.{name}",
                    vertex=name,
                    remedy=f"name one of {', '.join(blocks)}",
                )
        given = {name: _radius(radius, f"radii.{name}") for name, radius in self.radii.items()}
        object.__setattr__(self, "center", center)
        object.__setattr__(self, "blocks", MappingProxyType(blocks))
        object.__setattr__(self, "radii", MappingProxyType({name: given.get(name, 0.0) for name in blocks}))

    @property
    def size(self) -> int:
        """Number P of weights."""
        return self.center.size

    def balls(self, size: int) -> Iterator[tuple[slice, Weights, float]]:
        for name, block in self.blocks.items():
            yield block, self.center[block], self.radii[name]

    def to_data(self) -> dict[str, Any]:
        """Return ``{"kind": "blocks", "radii": {...}}`` with the positive radii."""
        return {"kind": "blocks", "radii": {name: radius for name, radius in self.radii.items() if radius > 0}}

    def __repr__(self) -> str:
        return f"<BlockBall: {self.size} weights, radii {dict(self.radii)}>"

    def __str__(self) -> str:
        least, most = min(self.radii.values(), default=0.0), max(self.radii.values(), default=0.0)
        return f"|w_v - w0_v| <= r_v for every vertex v, r_v in [{least:g}, {most:g}]"


@certified_environment(products=False)
def enclosing(region: Ball | BlockBall) -> BoundedWeights:
    """Return the smallest set |w| <= R that contains a region, R rounded up: assumption A2 as a number.

    Raises
    ------
    InputError
        If R exceeds the float64 numbers.

    Examples
    --------
    >>> enclosing(Ball(np.array([3.0, 4.0]), 0.5))
    <BoundedWeights: radius 5.5>
    """
    total = Fraction(0)
    for _, center, radius in region.balls(region.size):
        total += (rational.sqrt_up(rational.dot(center, center)) + Fraction(radius)) ** 2
    return BoundedWeights(rational.round_up(rational.sqrt_up(total)))


def from_data(data: Mapping[str, Any], center: ArrayLike, blocks: Mapping[str, slice] | None = None) -> Region:
    """Return the region that `Region.to_data` wrote.

    Parameters
    ----------
    data : mapping
        The table ``[region]`` of a specification.
    center : array_like, shape (P,)
        The weights w0 that the region is around.
    blocks : mapping of str to slice, optional
        ``architecture.blocks``, for ``kind = "blocks"``.

    Raises
    ------
    InputError
        If the kind is unknown or a key is missing or unknown.

    Examples
    --------
    >>> from_data({"kind": "ball", "radius": 0.5}, np.zeros(3))
    <Ball: 3 weights, radius 0.5>
    """
    weights = finite_vector(center, "center")
    match dict(data):
        case {"kind": "ball", "radius": radius, **rest} if not rest:
            return Ball(weights, radius)
        case {"kind": "bounded", "radius": radius, **rest} if not rest:
            return BoundedWeights(radius)
        case {"kind": "blocks", "radii": Mapping() as radii, **rest} if not rest and blocks is not None:
            return BlockBall(weights, radii, blocks)
    raise InputError(
        "unreadable region",
        where="region",
        remedy="use kind 'ball' or 'bounded' with radius, or 'blocks' with radii",
        region=dict(data),
    )


def _frozen(center: ArrayLike) -> Weights:
    array = finite_vector(center, "center").copy()
    array.setflags(write=False)
    return array


def _radius(radius: float, where: str = "radius") -> float:
    value = exact_float(radius, where)
    if not (0 < value < np.inf):
        raise InputError(
            "a radius must be positive and finite", where=where, radius=value, remedy="give a finite radius > 0"
        )
    return value
