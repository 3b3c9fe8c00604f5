"""A network as it is drawn: vertices by depth, neighbouring depths folded into one where there are too many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

MOST_VERTICES = 24
MOST_EDGES = 60
_LEVELS = (24, 16, 10, 6)


@dataclass(frozen=True)
class Folded:
    """What is drawn of a network.

    Parameters
    ----------
    levels : tuple of tuple of int
        Indices of the groups from the inputs on.
    groups : tuple of tuple of str
        The vertices that each drawn one stands for, in topological order.
    edges : tuple of (int, int)
        Between groups, none from a group to itself.
    folded : bool
        Whether a group holds more than one vertex.
    """

    levels: tuple[tuple[int, ...], ...]
    groups: tuple[tuple[str, ...], ...]
    edges: tuple[tuple[int, int], ...]
    folded: bool

    def is_skip(self, edge: tuple[int, int]) -> bool:
        """Whether an edge passes a level."""
        return self.level[edge[1]] - self.level[edge[0]] > 1

    @cached_property
    def level(self) -> dict[int, int]:
        """The level of each group."""
        return {group: level for level, members in enumerate(self.levels) for group in members}


def fold(vertices: Iterable[str], edges: Iterable[tuple[str, str]]) -> Folded:
    """Return what is drawn.

    Parameters
    ----------
    vertices : iterable of str
        In topological order.
    edges : iterable of (source, target)

    Examples
    --------
    >>> fold("abc", [("a", "b"), ("b", "c"), ("a", "c")]).levels
    ((0,), (1,), (2,))
    >>> chain = [f"v{index}" for index in range(500)]
    >>> drawn = fold(chain, zip(chain, chain[1:]))
    >>> len(drawn.levels), drawn.groups[0], len(drawn.groups[1])
    (24, ('v0',), 23)
    """
    names, joined = list(vertices), list(dict.fromkeys(edges))
    depth = _depths(names, joined)
    whole = _grouped(names, joined, {name: (depth[name], name) for name in names})
    if len(names) <= MOST_VERTICES and len(whole.edges) <= MOST_EDGES:
        return whole
    most = max(depth.values())
    for count in _LEVELS:
        key = {name: (_bin(depth[name], most, count), "") for name in names}
        drawn = _grouped(names, joined, key)
        if len(drawn.edges) <= MOST_EDGES:
            break
    return drawn


def _depths(names: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """Return the length of the longest way from an input to each vertex."""
    before: dict[str, list[str]] = {name: [] for name in names}
    for source, target in edges:
        before[target].append(source)
    depth: dict[str, int] = {}
    for name in names:
        depth[name] = max((depth[source] + 1 for source in before[name]), default=0)
    return depth


def _bin(depth: int, most: int, count: int) -> int:
    """Return the level of a depth: first and last stay by themselves, those between share `count` - 2 levels."""
    if most < count:
        return depth
    if depth in (0, most):
        return 0 if depth == 0 else count - 1
    return 1 + (depth - 1) * (count - 2) // (most - 1)


def _grouped(names: list[str], edges: list[tuple[str, str]], key: Mapping[str, tuple[int, str]]) -> Folded:
    members: dict[tuple[int, str], list[str]] = {}
    for name in names:
        members.setdefault(key[name], []).append(name)
    index = {group: position for position, group in enumerate(members)}
    levels: dict[int, list[int]] = {}
    for group, position in index.items():
        levels.setdefault(group[0], []).append(position)
    between = dict.fromkeys((index[key[source]], index[key[target]]) for source, target in edges)
    return Folded(
        tuple(tuple(levels[level]) for level in sorted(levels)),
        tuple(tuple(group) for group in members.values()),
        tuple(edge for edge in between if edge[0] != edge[1]),
        any(len(group) > 1 for group in members.values()),
    )
