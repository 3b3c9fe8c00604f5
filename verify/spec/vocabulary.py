"""Tables of a spec file that the registries describe: a closed pydantic model for every layer and loss.

A layer or a loss is a dataclass; its fields with their types and defaults are the keys of its table. Nothing here
names one.
"""

from __future__ import annotations

import dataclasses
from functools import reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import Discriminator, Field, Tag, create_model

from verify.layers import LAYERS, Layer
from verify.losses import LOSSES, Loss
from verify.spec.table import EXACTLY, Closed

MOST_AXES = 8
"""Axes of a sample."""


def layer_models(base: type[Closed]) -> dict[str, type[Closed]]:
    """Return the model of a node for every layer, with the keys of `base` beside its own."""
    return {
        name: create_model(
            f"{layer.__name__.removesuffix('Layer')}Node",
            __base__=base,
            __doc__=_summary(layer),
            **{"layer": (Literal[name], ...), **_fields(layer)},
        )
        for name, layer in sorted(LAYERS.items())
    }


def loss_names() -> tuple[str, ...]:
    """Return the names of all losses, the default first."""
    return tuple(sorted(LOSSES, key=lambda name: (name != "half-squared-error", name)))


def loss_type() -> Any:
    """Return the type of the key `loss`: a name, or a table with the name and options."""
    tables = [
        create_model(
            f"{loss.__name__}Loss",
            __base__=Closed,
            __doc__=_summary(loss),
            **{"name": (Literal[name], ...), **_fields(loss)},
        )
        for name, loss in sorted(LOSSES.items())
    ]
    table: Any = Annotated[reduce(or_, tables), Field(discriminator="name")]
    name: Any = Literal[loss_names()]
    return Annotated[
        Annotated[name, Tag("text")] | Annotated[table, Tag("table")],
        Discriminator(lambda value: "text" if isinstance(value, str) else "table"),
    ]


def options_of(content: Closed, kind: type[Layer] | type[Loss]) -> dict[str, Any]:
    """Return the fields of a layer or loss that a validated table gives, lists as tuples."""
    names = [field.name for field in dataclasses.fields(kind)]
    values = {name: getattr(content, name) for name in names if name in content.model_fields_set}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _summary(kind: type) -> str:
    return (kind.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")


def _fields(kind: type[Layer] | type[Loss]) -> dict[str, Any]:
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: (
            _checked(hints[field.name]),
            ... if field.default is dataclasses.MISSING else _plain(field.default),
        )
        for field in dataclasses.fields(kind)
    }


def _plain(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _checked(hint: Any) -> Any:
    """Return the type of a key from that of a dataclass' field: lists for tuples, exact numbers, tagged unions."""
    if get_origin(hint) is Annotated:
        inner, *bounds = get_args(hint)
        return Annotated[(_checked(inner), *bounds)]
    if get_origin(hint) is tuple:
        return Annotated[list[_checked(get_args(hint)[0])], Field(min_length=1)]  # type: ignore[misc]
    if get_origin(hint) in (Union, UnionType):
        members = [member for member in get_args(hint) if member is not NoneType]
        joined = _checked(members[0]) if len(members) == 1 else _one_or_list([_checked(each) for each in members])
        return joined | None if len(members) < len(get_args(hint)) else joined
    return Annotated[float, EXACTLY] if hint is float else hint


def _one_or_list(members: list[Any]) -> Any:
    """Return the union of a type and a list: pydantic then names the member that was meant."""
    single, several = members
    return Annotated[
        Annotated[single, Tag("one")] | Annotated[several, Tag("list")],
        Discriminator(lambda value: "list" if isinstance(value, list) else "one"),
    ]
