"""Graphs as plain data: the nodes in order, each an operation's name and options and the nodes that it reads.

An operation is a dataclass: its fields are its options, and their types say how each is written. Nothing here names an
operation.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from verify.graph.graph import Graph, Node
from verify.operations import OPERATIONS
from verify.operations.gather import Indices
from verify.operations.operation import Operation
from verify.outcomes import InputError

LARGEST_LENGTH = 2**53
"""Of an axis, and of a position on it."""
LARGEST_WHOLE = 2**1024
"""Whole numbers of an option: what float64 holds is below; operations refuse what they cannot take."""
LONGEST_FRACTION = 700
"""Characters of a fraction: both parts are float64 numbers, of at most 309 digits each."""
_FRACTION = re.compile(r"-?[0-9]+(/[0-9]+)?", re.ASCII)


def graph_data(graph: Graph) -> dict[str, Any]:
    """Return ``{"nodes": [...], "outputs": [...]}``; see `Graph.to_data`."""
    return {"nodes": [_node_data(node) for node in graph.nodes], "outputs": list(graph.outputs)}


def read_graph(data: Any) -> Graph:
    """Return the graph that plain data describe; see `Graph.from_data`."""
    table = _table(data, {"nodes", "outputs"}, set(), "graph")
    if not isinstance(table["nodes"], list):
        raise InputError(
            "nodes must be a list",
            where="graph.nodes",
            type=type(table["nodes"]).__name__,
            remedy="give what Graph.to_data returned",
        )
    nodes: list[Node] = []
    for position, entry in enumerate(table["nodes"]):
        where = f"graph.nodes[{position}]"
        try:
            nodes.append(_read_node(entry, nodes))
        except InputError as error:
            raise error.at(where) from None
    outputs = _whole_numbers(table["outputs"], "outputs", len(nodes))
    return Graph(tuple(nodes), outputs)


def operation_data(operation: Operation) -> dict[str, Any]:
    """Return an operation's name and options as plain data.

    Examples
    --------
    >>> from verify.operations.scale import Scale
    >>> operation_data(Scale(Fraction(1, 3)))
    {'operation': 'scale', 'factor': '1/3'}
    """
    options = {field.name: _written(getattr(operation, field.name)) for field in dataclasses.fields(operation)}
    return {"operation": operation.name, **options}


def read_operation(data: Mapping[str, Any]) -> Operation:
    """Return the operation that a name and options describe.

    Raises
    ------
    InputError
        If there is none of this name, an option is missing or unknown, or its value is not of its type.
    """
    name = data.get("operation")
    if not isinstance(name, str) or name not in OPERATIONS:
        raise InputError("unknown operation", operation=name, remedy=f"use one of {', '.join(sorted(OPERATIONS))}")
    kind = OPERATIONS[name]
    hints = _hints(kind)
    options = _table(data, {"operation", *hints}, set(), f"operation {name}")
    return kind(**{option: _read(options[option], hint, option) for option, hint in hints.items()})


def _node_data(node: Node) -> dict[str, Any]:
    data = {**operation_data(node.operation), "arguments": list(node.arguments)}
    return {**data, "place": node.place} if node.place else data


def _read_node(entry: Any, before: Sequence[Node]) -> Node:
    if not isinstance(entry, Mapping):
        raise InputError("a node must be a table", type=type(entry).__name__, remedy="give what Graph.to_data returned")
    place = entry.get("place", "")
    if not isinstance(place, str):
        raise InputError("a place is text", place=place, remedy="give what Graph.to_data returned")
    arguments = _whole_numbers(entry.get("arguments"), "arguments", len(before))
    operation = read_operation({key: value for key, value in entry.items() if key not in ("arguments", "place")})
    try:
        shape = operation.shape(*(before[argument].shape for argument in arguments))
    except InputError:
        raise
    except (ValueError, OverflowError):
        shape = (-1,)
    if not all(0 <= length <= LARGEST_LENGTH for length in shape):
        raise InputError(
            "the operation does not take arguments of these shapes",
            operation=operation.name,
            remedy="correct its arguments",
        )
    return Node(operation, arguments, shape, place)


@cache
def _hints(kind: type[Operation]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _written(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, Indices):
        return {"shape": list(value.values.shape), "values": value.values.reshape(-1).tolist()}
    return [_written(entry) for entry in value] if isinstance(value, tuple) else value


def _read(value: Any, hint: Any, option: str) -> Any:
    """Return an option's value of the type that the operation's field has."""
    if value is None and NoneType in get_args(hint):
        return None
    found = next((member for member in get_args(hint) if member is not NoneType), hint) if _is_optional(hint) else hint
    if get_origin(found) is tuple:
        return _whole_numbers(value, option, LARGEST_LENGTH + 1, least=-LARGEST_LENGTH)
    if found is Indices:
        return _read_indices(value, option)
    if found is Fraction:
        return _read_fraction(value, option)
    if found is int:
        return _whole_numbers([value], option, LARGEST_WHOLE, least=-LARGEST_WHOLE)[0]
    if found is str and isinstance(value, str):
        return value
    raise _unreadable(option, value)


def _is_optional(hint: Any) -> bool:
    return NoneType in get_args(hint)


def _read_fraction(value: Any, option: str) -> Fraction:
    if not isinstance(value, str) or len(value) > LONGEST_FRACTION or not _FRACTION.fullmatch(value):
        raise _unreadable(option, value)
    number = value.partition("/")
    if number[2] and not int(number[2]):
        raise _unreadable(option, value)
    return Fraction(int(number[0]), int(number[2] or 1))


def _read_indices(value: Any, option: str) -> Indices:
    table = _table(value, {"shape", "values"}, set(), option)
    shape = _whole_numbers(table["shape"], f"{option}.shape", LARGEST_LENGTH)
    values = _whole_numbers(table["values"], f"{option}.values", LARGEST_LENGTH, least=-1)
    count = 1
    for length in shape:
        count *= length
    if count != len(values):
        raise InputError(
            "indices do not fill their shape",
            option=option,
            shape=shape,
            values=len(values),
            remedy="give as many as the shape holds",
        )
    return Indices(np.array(values, dtype=np.int64).reshape(shape))


def _whole_numbers(value: Any, name: str, limit: int, least: int = 0) -> tuple[int, ...]:
    """Return a list of whole numbers, each at least `least` and below `limit`."""
    if not isinstance(value, list) or not all(type(entry) is int and least <= entry < limit for entry in value):
        raise _unreadable(name, value)
    return tuple(value)


def _table(value: Any, needed: set[str], allowed: set[str], where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(
            "a table is needed", where=where, type=type(value).__name__, remedy="give what Graph.to_data returned"
        )
    for key in value:
        if key not in needed | allowed:
            raise InputError("unknown key", where=where, key=key, remedy="leave it out")
    missing = sorted(needed - set(value))
    if missing:
        raise InputError("missing key", where=where, key=missing[0], remedy="add it")
    return value


def _unreadable(option: str, value: Any) -> InputError:
    return InputError("unreadable option", option=option, value=value, remedy="give what Graph.to_data returned")
