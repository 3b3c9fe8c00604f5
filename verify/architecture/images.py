"""Images as vertices: a shape ``[channels, height, width]`` and how an edge checks it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from verify.architecture.fields import MAX_WIDTH, whole_numbers
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.architecture.vertex import Vertex

ImageShape = tuple[int, int, int]


def images(value: Any, name: str) -> ImageShape:
    """Return a list ``[channels, height, width]`` as a tuple."""
    channels, height, width = whole_numbers(value, name, 3, minimum=1)
    if math.prod((channels, height, width)) > MAX_WIDTH:
        shown: dict[str, Any] = {name: [channels, height, width]}
        raise InputError(
            f"{name} has too many units, at most {MAX_WIDTH} are supported", **shown, remedy="make it smaller"
        )
    return channels, height, width


def image_of(source: Vertex) -> ImageShape:
    """Return the shape of an edge's source, which must be an image."""
    if source.shape is None:
        raise InputError(
            "the edge reads an image, but its source has a width only",
            source=source.name,
            width=source.width,
            remedy=f"give {source.name} a shape = [channels, height, width] instead of width",
        )
    return source.shape


def check_target(target: Vertex, shape: ImageShape) -> None:
    """Refuse a target whose shape (or, if it has none, width) is not the one that the edge produces."""
    if target.shape == shape or (target.shape is None and target.width == math.prod(shape)):
        return
    raise InputError(
        "the edge produces another shape than its target has",
        produced=list(shape),
        target=target.name,
        has=described(target),
        remedy=f"set the shape of {target.name} to {list(shape)}",
    )


def described(vertex: Vertex) -> list[int] | int:
    """Return the shape of a vertex for a message, or its width if it is no image."""
    return vertex.width if vertex.shape is None else list(vertex.shape)
