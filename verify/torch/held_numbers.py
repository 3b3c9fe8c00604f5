"""What a function of the user's holds beside its arguments: numbers that it captured, defaults, globals, attributes."""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

_LIBRARIES = ("torch", "numpy", "builtins", "math", "functools", "operator")
"""Packages whose functions hold no numbers of the user's."""
_MOST = 10_000
"""Values that are looked at; a function that reaches more is not followed further."""
_PLAIN = (bool, int, float, complex, str, bytes, type(None), torch.dtype, torch.device, range)


def held_numbers(function: Any, followed: Iterable[torch.Tensor] = ()) -> str:
    """Return a hash of everything that a callable is seen to hold: it changes when one of these numbers does.

    Followed are captured variables, defaults, globals that the code names, attributes of objects, containers, arguments
    of `functools.partial`, and functions among them. Not seen is what code fetches at run time: from files, from
    properties, from objects without attributes of their own. Nothing of the user's is called.

    Parameters
    ----------
    function : callable
    followed : iterable of tensors
        Whose numbers may change: those of the module that is trained, in a penalty for example.

    Examples
    --------
    >>> scale = {"of": 1.0}
    >>> before = held_numbers(lambda outputs, targets: scale["of"] * outputs)
    >>> scale["of"] = 1.0 + 2.0**-52
    >>> held_numbers(lambda outputs, targets: scale["of"] * outputs) == before
    False
    """
    found, seen = hashlib.blake2b(digest_size=16), {id(tensor) for tensor in followed}
    waiting: list[Any] = [function]
    while waiting and len(seen) < _MOST:
        value = waiting.pop()
        if isinstance(value, _PLAIN):
            found.update(f"{type(value).__name__} {value!r};".encode())
            continue
        found.update(f"{type(value).__module__}.{type(value).__qualname__};".encode())
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, torch.Tensor | np.ndarray):
            found.update(_numbers(value))
        else:
            waiting.extend(_parts(value))
    return found.hexdigest()


def _numbers(value: torch.Tensor | np.ndarray) -> bytes:
    array = value.detach().cpu().contiguous() if isinstance(value, torch.Tensor) else np.ascontiguousarray(value)
    if isinstance(array, torch.Tensor):
        array = array.reshape(-1).view(torch.uint8).numpy()
    return f"{value.dtype} {tuple(value.shape)};".encode() + array.tobytes()


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, tuple | list | set | frozenset):
        return value
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, functools.partial):
        return value.func, value.args, value.keywords
    if isinstance(value, types.MethodType):
        return value.__func__, value.__self__
    if isinstance(value, types.FunctionType):
        return _of_function(value)
    if isinstance(value, type):
        return [part for kind in value.__mro__ if not _of_a_library(kind) for part in vars(kind).values()]
    if isinstance(value, types.ModuleType | types.BuiltinFunctionType):
        return ()
    slots = [name for kind in type(value).__mro__ for name in _slots(kind) if name not in ("__dict__", "__weakref__")]
    own = [vars(value)] if hasattr(value, "__dict__") else []
    return [*own, *(getattr(value, name) for name in slots if hasattr(value, name)), type(value)]


def _slots(kind: type) -> tuple[str, ...]:
    named = vars(kind).get("__slots__", ())
    return (named,) if isinstance(named, str) else tuple(named)


def _of_a_library(value: Any) -> bool:
    return str(value.__module__).split(".")[0] in _LIBRARIES


def _of_function(function: types.FunctionType) -> Iterable[Any]:
    if _of_a_library(function):
        return (function.__qualname__,)
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    return [
        *cells,
        function.__defaults__,
        function.__kwdefaults__,
        *_of_code(function.__code__, function.__globals__),
    ]


def _of_code(code: types.CodeType, names: dict[str, Any]) -> Iterator[Any]:
    """Yield the instructions, constants, and globals that code names; of modules among them the attributes it names."""
    yield code.co_code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _of_code(constant, names)
        else:
            yield constant
    for name in code.co_names:
        value = names.get(name)
        if not isinstance(value, types.ModuleType):
            yield value
        elif value.__name__.split(".")[0] not in _LIBRARIES:
            yield from (vars(value).get(attribute) for attribute in code.co_names)


def _is_filled(cell: types.CellType) -> bool:
    try:
        return bool(cell.cell_contents is cell.cell_contents)
    except ValueError:
        return False
