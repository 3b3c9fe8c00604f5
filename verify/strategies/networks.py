"""Networks with skip connections; they shrink to few narrow layers, dense edges and no skips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from verify.architecture import Architecture
from verify.outcomes import InputError

ACTIVATIONS = ("tanh", "sigmoid", "identity", "softplus", "arctan", "erf", "gelu", "silu", "sin")
"""The smooth built-in activations, simplest first."""

EDGE_KINDS = ("dense", "identity", "concat", "conv2d", "avgpool2d")
"""Kinds of edges; ``conv2d`` and ``avgpool2d`` give the network an image as input."""

_IMAGE = 4


@st.composite
def architectures(
    draw: st.DrawFn,
    *,
    max_depth: int = 3,
    max_width: int = 3,
    skip_density: float = 0.5,
    activations: Sequence[Any] = ACTIVATIONS,
    edge_kinds: Sequence[str] = ("dense", "identity", "concat"),
) -> Architecture:
    """Strategy of networks: an input, hidden vertices ``h1``, ``h2``, ... and an output ``y``.

    Parameters
    ----------
    max_depth : int
        Of hidden vertices; there may be none.
    max_width : int
        Of every vertex.
    skip_density : float
        Part of the possible skip connections that are there on average; 0 none, 1 all.
    activations : sequence
        What `verify.activation` takes, simplest first; ``"relu"`` gives networks that are refuted.
    edge_kinds : sequence of str
        Of `EDGE_KINDS`; ``"dense"`` is always possible.

    Raises
    ------
    InputError
        When drawn from, if a parameter is out of range.

    Examples
    --------
    >>> from hypothesis import find, settings
    >>> simplest = find(architectures(), lambda each: each.size > 0, settings=settings(database=None))
    >>> simplest.to_data()["nodes"]["y"]["inputs"]
    ['x']
    """
    _check(max_depth, max_width, skip_density, edge_kinds)
    nodes = draw(_stems(max_width, activations, edge_kinds))
    for name in [f"h{index + 1}" for index in range(draw(st.integers(0, max_depth)))] + ["y"]:
        width = draw(st.integers(1, max_width))
        last, *earlier = reversed([each for each in nodes if "width" in nodes[each]])
        inputs = [last] if name == "y" else [draw(_edges(nodes, last, width, edge_kinds))]
        adds_input = "identity" in edge_kinds and draw(st.booleans())
        if adds_input and inputs == [last] and width == nodes[last]["width"]:
            inputs.append({"from": last, "kind": "identity"})
        inputs += [draw(_edges(nodes, source, width, edge_kinds)) for source in earlier if draw(_happens(skip_density))]
        nodes[name] = {
            "width": width,
            "activation": draw(st.sampled_from(activations)),
            "bias": draw(st.sampled_from([True, False])),
            "inputs": inputs,
        }
    return Architecture.from_data(nodes, "y")


@st.composite
def _stems(draw: st.DrawFn, max_width: int, activations: Sequence[Any], edge_kinds: Sequence[str]) -> dict[str, Any]:
    """Strategy of what comes before the hidden vertices: a plain input, or an image that is flattened."""
    kinds = [kind for kind in ("conv2d", "avgpool2d") if kind in edge_kinds]
    if not kinds or not draw(st.booleans()):
        return {"x": {"width": draw(st.integers(1, max_width))}}
    kind, channels, side = draw(st.sampled_from(kinds)), 1, _IMAGE
    nodes: dict[str, Any] = {"x": {"shape": [1, side, side]}}
    if kind == "conv2d":
        channels, stride = draw(st.integers(1, max_width)), draw(st.integers(1, 2))
        side //= stride
        edge: dict[str, Any] = {"channels": channels, "kernel": [3, 3], "stride": stride, "padding": 1}
    else:
        side //= 2
        edge = {"kernel": [2, 2], "stride": 2}
    nodes["c"] = {
        "shape": [channels, side, side],
        "activation": draw(st.sampled_from(activations)),
        "bias": "channel" if kind == "conv2d" else False,
        "inputs": [{"from": "x", "kind": kind, **edge}],
    }
    nodes["f"] = {
        "width": channels * side * side,
        "activation": "identity",
        "bias": False,
        "inputs": [{"from": "c", "kind": "flatten"}],
    }
    return nodes


def _edges(nodes: dict[str, Any], source: str, width: int, edge_kinds: Sequence[str]) -> st.SearchStrategy[Any]:
    """Strategy of edges between two vertices; a kind that does not fit their widths becomes dense, the simplest.

    The kind is drawn whether it fits or not: Hypothesis shrinks to fewer draws, which must not favour odd widths.
    """
    room = width - nodes[source]["width"]
    offsets = st.integers(0, max(room, 0))

    def edges(kind: str) -> st.SearchStrategy[Any]:
        if kind == "identity" and room == 0:
            return st.just({"from": source, "kind": kind})
        if kind == "concat" and room >= 0:
            return offsets.map(lambda offset: {"from": source, "kind": kind, "offset": offset})
        return st.just(source)

    return st.sampled_from(["dense", *(each for each in ("identity", "concat") if each in edge_kinds)]).flatmap(edges)


def _happens(part: float) -> st.SearchStrategy[bool]:
    """Strategy that is True in the given part of the cases and shrinks to False where it may."""
    return st.integers(0, 99).map(lambda number: number >= 100 - round(100 * part))


def _check(max_depth: int, max_width: int, skip_density: float, edge_kinds: Sequence[str]) -> None:
    if max_depth < 0 or max_width < 1:
        raise InputError("no network is that small", max_depth=max_depth, max_width=max_width, remedy="give 1 or more")
    if not 0 <= skip_density <= 1:
        raise InputError(
            "a density lies between 0 and 1", skip_density=skip_density, remedy="give 0 <= skip_density <= 1"
        )
    unknown = [kind for kind in edge_kinds if kind not in EDGE_KINDS]
    if unknown:
        raise InputError("unknown kind of edge", kind=unknown[0], remedy=f"use {', '.join(EDGE_KINDS)}")
