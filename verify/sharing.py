"""Facts that several parts of one analysis need are computed once: they are kept while a `sharing` block lasts.

A fact is a pure function of what it is kept by: an owner that nobody changes, which is held so that no other takes its
place, and a key. What raises is not kept.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

Fact = TypeVar("Fact")
_Kept = dict[tuple[int, Hashable], tuple[object, Any]]

_kept: ContextVar[_Kept | None] = ContextVar("kept", default=None)


@contextmanager
def sharing() -> Iterator[None]:
    """Keep the facts that are computed inside, up to the end of the outermost such block.

    Examples
    --------
    >>> owner = object()
    >>> with sharing():
    ...     print(shared(owner, "sum", lambda: 2 + 2), shared(owner, "sum", lambda: 2 + 3))
    4 4
    >>> shared(owner, "sum", lambda: 2 + 3)
    5
    """
    if _kept.get() is not None:
        yield
        return
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def shared(owner: object, key: Hashable, compute: Callable[[], Fact]) -> Fact:
    """Return what `compute` returns, or what it returned before for the same owner and key in this `sharing` block."""
    kept = _kept.get()
    if kept is None:
        return compute()
    place = (id(owner), key)
    if place not in kept:
        kept[place] = (owner, compute())
    fact: Fact = kept[place][1]
    return fact
