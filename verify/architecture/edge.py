"""An edge of the network, and the kinds of edges that there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

from verify.architecture.convolution import Conv2d
from verify.architecture.dense import Dense
from verify.architecture.linear_map import LinearMap
from verify.architecture.pooling import AvgPool2d
from verify.architecture.selection import Concat, Flatten, Identity
from verify.architecture.vertex import Vertex
from verify.outcomes import InputError

EDGE_KINDS: dict[str, type[LinearMap]] = {
    edge_kind.kind: edge_kind for edge_kind in (Dense, Identity, Concat, AvgPool2d, Flatten, Conv2d)
}

EdgeKey = tuple[str, str] | tuple[str, str, str]


@final
@dataclass(frozen=True)
class Edge:
    """A linear map from the units of one vertex to those of another.

    Examples
    --------
    >>> Edge("x", "h1", Dense(3, 2)).key
    ('x', 'h1')
    """

    source: str
    target: str
    map: LinearMap

    @property
    def kind(self) -> str:
        """How the specification calls the map."""
        return self.map.kind

    @property
    def key(self) -> EdgeKey:
        """Name of the edge's parameters: ``(source, target)`` if dense, else with the kind as third."""
        return (self.source, self.target) if self.kind == Dense.kind else (self.source, self.target, self.kind)

    def __str__(self) -> str:
        return f"{self.source}->{self.target}" + ("" if self.kind == Dense.kind else f" ({self.kind})")


def read_edge(source: Vertex, target: Vertex, options: Mapping[str, Any]) -> Edge:
    """Return the edge from `source` to `target` that the keys of an edge's table describe.

    Raises
    ------
    InputError
        If the kind or a key is unknown, a value is unusable, or the vertices do not suit the kind.
    """
    kind = options.get("kind", Dense.kind)
    if not isinstance(kind, str) or kind not in EDGE_KINDS:
        raise InputError("unknown kind of edge", kind=kind, remedy=f"known kinds are {', '.join(EDGE_KINDS)}")
    return Edge(source.name, target.name, EDGE_KINDS[kind].between(source, target, options))
