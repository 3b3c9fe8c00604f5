"""Random options of layers and losses, from the types of their fields: a new one is drawn without a word here."""

from __future__ import annotations

import dataclasses
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from annotated_types import Ge

from verify.operations.choices import Choices

SMALL_COUNT = 3
NUMBERS = (0.5, 1.0, 0.25, 0.0, 2.0)
"""Of an option that is a number; the class refuses those that it cannot take."""


def drawn_options(choices: Choices, kind: type) -> dict[str, Any]:
    """Return values for the fields of a layer or a loss; one with a default often keeps it.

    Parameters
    ----------
    choices : Choices
    kind : type
        A dataclass.
    """
    return {
        name: _value(choices, hint)
        for name, hint, has_default in _fields(kind)
        if not has_default or choices.happens(50)
    }


@cache
def _fields(kind: type) -> list[tuple[str, Any, bool]]:
    hints = get_type_hints(kind, include_extras=True)
    return [(f.name, hints[f.name], f.default is not dataclasses.MISSING) for f in dataclasses.fields(kind)]


def _value(choices: Choices, hint: Any) -> Any:
    if get_origin(hint) in (Union, UnionType):
        members = [member for member in get_args(hint) if member is not NoneType]
        return _value(choices, choices.one_of(members))
    bounds: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *found = get_args(hint)
        bounds = tuple(found)
    if get_origin(hint) is tuple:
        return tuple(_value(choices, get_args(hint)[0]) for _ in range(choices.whole(1, SMALL_COUNT)))
    if hint is bool:
        return choices.happens(50)
    if hint is int:
        least = next((int(bound.ge) for bound in bounds if isinstance(bound, Ge)), 0)  # type: ignore[call-overload]
        return choices.whole(max(least, -2), SMALL_COUNT)
    return choices.one_of(NUMBERS)
