"""The calls of a module between two steps: which samples of the data its gradients came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

MOST_CALLS = 64
"""Calls between two steps that are kept; of more, nothing is said."""


@final
class ForwardCalls:
    """A forward hook that remembers what a module was called with while gradients were recorded.

    A copy of the module, by `copy.deepcopy` or pickle, gets a hook that does nothing.
    """

    def __init__(self, active: bool = False) -> None:
        self.active = active
        self.calls: list[tuple[Any, Any]] = []

    def watch(self, module: nn.Module) -> Any:
        """Register with a module; return the handle that removes the hook."""
        self.active = True
        return module.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(self, module: nn.Module, arguments: Any, options: Any) -> None:
        if self.active and torch.is_grad_enabled() and not torch.compiler.is_compiling():
            self.calls = [*self.calls, (arguments, options)][-MOST_CALLS - 1 :]

    def take(self) -> list[tuple[Any, Any]]:
        """Return the calls since the last time, and forget them."""
        taken, self.calls = self.calls, []
        return taken

    def __deepcopy__(self, memo: Any) -> ForwardCalls:
        return ForwardCalls()

    def __reduce__(self) -> tuple[type[ForwardCalls], tuple[()]]:
        return ForwardCalls, ()


@final
class InputRows:
    """The rows of a module's inputs, to find those of a batch among them.

    Parameters
    ----------
    inputs : nested tensors
        All samples along the first axis.
    """

    def __init__(self, inputs: Any) -> None:
        self._all = {by_name: _tensors(inputs, by_name) for by_name in (False, True)}
        self.count = len(self._all[False][0]) if self._all[False] else 0
        self._places: dict[Any, dict[bytes, list[int]]] = {}

    def places(self, call: tuple[Any, Any]) -> list[int] | None:
        """Return which samples a call was given, or None where they are not rows of the data.

        What is given by name may come in another order than in the data.
        """
        found = self._in_order(call, by_name=False)
        return self._in_order(call, by_name=True) if found is None else found

    def _in_order(self, call: tuple[Any, Any], by_name: bool) -> list[int] | None:
        wholes, given = self._all[by_name], [leaf.detach() for leaf in _tensors(call, by_name)]
        if not given or len(given) != len(wholes) or any(len(leaf) != len(given[0]) for leaf in given):
            return None
        pairs = zip(given, wholes, strict=True)
        if any(leaf.shape[1:] != whole.shape[1:] or len(whole) != self.count for leaf, whole in pairs):
            return None
        index = self._index(tuple(leaf.dtype for leaf in given), by_name)
        waiting = {key: iter(places) for key, places in index.items()}
        found = [next(waiting.get(key, iter(())), None) for key in _keys(given)]
        return None if None in found else [place for place in found if place is not None]

    def _index(self, dtypes: tuple[torch.dtype, ...], by_name: bool) -> dict[bytes, list[int]]:
        key = dtypes, by_name
        if key not in self._places:
            index: dict[bytes, list[int]] = defaultdict(list)
            for place, row in enumerate(_keys([a.to(d) for a, d in zip(self._all[by_name], dtypes, strict=True)])):
                index[row].append(place)
            self._places[key] = dict(index)
        return self._places[key]


def _tensors(value: Any, by_name: bool) -> list[torch.Tensor]:
    """Return the tensors that hold samples, those of a dict in the order of their names if asked to."""
    leaves = tree_leaves(_named(value) if by_name else value)
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor) and leaf.ndim > 0]


def _named(value: Any) -> Any:
    if isinstance(value, Mapping):
        return [_named(part) for _, part in sorted(value.items(), key=lambda item: str(item[0]))]
    return [_named(part) for part in value] if isinstance(value, tuple | list) else value


def _keys(leaves: list[torch.Tensor]) -> Iterator[bytes]:
    """Return the bytes of every row."""
    rows = [np.ascontiguousarray(_numbers(leaf)).reshape(len(leaf), -1) for leaf in leaves]
    for parts in zip(*rows, strict=True):
        yield b"".join(part.tobytes() for part in parts)


def _numbers(leaf: torch.Tensor) -> np.ndarray:
    """Return a tensor's numbers, short floats exactly in a longer format."""
    dense = leaf.cpu()
    return (dense.float() if dense.dtype in (torch.float16, torch.bfloat16) else dense).numpy()
