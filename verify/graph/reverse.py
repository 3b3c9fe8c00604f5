"""The gradient of a graph as a graph: reverse accumulation, one `pullback` for every node, uses summed.

Theorem: let every node's pullback return the transposes of its derivatives times the adjoint. Then the adjoint
collected at a node is the derivative of the scalar output in that node's result. Proof by induction against the order:
a node's result enters the output only through the later nodes that read it, and by the chain rule its derivative is the
sum over these uses of J^T times their adjoint. A parameter that is used several times is one node, so its gradient sums
over its uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verify.graph.graph import Graph
from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations.add import Add
from verify.operations.leaves import Leaf, Parameter
from verify.outcomes import InputError


def gradient_graph(graph: Graph, kind: type[Leaf] = Parameter) -> Graph:
    """Return a graph whose outputs are the scalar output of `graph` and its gradient in every leaf of a kind.

    Parameters
    ----------
    graph : Graph
        With one output of shape ``()``.
    kind : type of Leaf

    Returns
    -------
    Graph
        The outputs after the first follow the order of ``graph.leaves(kind)``.

    Raises
    ------
    InputError
        If the output is not one scalar.

    Examples
    --------
    >>> import numpy as np
    >>> from verify.graph.evaluation import evaluate
    >>> builder = GraphBuilder()
    >>> w = builder.parameter("w", (2,))
    >>> graph = builder.build((w * w).sum())
    >>> leaf = next(graph.leaves())
    >>> evaluate(gradient_graph(graph), {leaf: np.array([3.0, 4.0])})[1]
    array([6., 8.])
    """
    builder = GraphBuilder()
    tensors = builder.include(graph)
    wanted = [isinstance(node.operation, kind) for node in graph.nodes]
    adjoints = _adjoints(graph, builder, tensors, depending(graph, wanted))
    found = [adjoints[p] if p in adjoints else tensors[p].zeros() for p in range(len(graph.nodes)) if wanted[p]]
    return builder.build(tensors[graph.outputs[0]], *found)


@dataclass(frozen=True)
class AdjointGraph:
    """A graph with the derivatives of its scalar output in the results of its nodes.

    Parameters
    ----------
    graph : Graph
        The first output is the scalar.
    size : int
        Number of the network's own nodes, which stand first.
    primal : tuple of int
        Where each node of the network stands.
    adjoints : mapping of int to int
        Where the derivative in one of them stands, for every one that has one.
    """

    graph: Graph
    size: int
    primal: tuple[int, ...]
    adjoints: Mapping[int, int]


def adjoint_graph(graph: Graph, wanted: Sequence[bool]) -> AdjointGraph:
    """Return a graph of the adjoints of all nodes that depend on a wanted one, and of the wanted ones themselves.

    Examples
    --------
    >>> builder = GraphBuilder()
    >>> w = builder.parameter("w", (2,))
    >>> found = adjoint_graph(builder.build((w * w).sum()), [False, True, True])
    >>> [found.graph.nodes[p].operation.name for p in found.adjoints.values()]
    ['broadcast', 'filled']
    """
    builder = GraphBuilder()
    tensors = builder.include(graph)
    size = len(builder.nodes)
    adjoints = _adjoints(graph, builder, tensors, depending(graph, wanted))
    reached = sorted(adjoints)
    built = builder.build(tensors[graph.outputs[0]], *tensors, *(adjoints[p] for p in reached))
    primal, derivatives = built.outputs[1 : len(tensors) + 1], built.outputs[len(tensors) + 1 :]
    found = dict(zip((primal[p] for p in reached), derivatives, strict=True))
    return AdjointGraph(built, size, primal, found)


def _adjoints(graph: Graph, builder: GraphBuilder, tensors: list[Tensor], moving: list[bool]) -> dict[int, Tensor]:
    """Return the adjoint of every moving node that the output depends on."""
    if len(graph.outputs) != 1 or graph.nodes[graph.outputs[0]].shape != ():
        raise InputError(
            "a gradient needs one scalar output",
            shapes=[graph.nodes[o].shape for o in graph.outputs],
            remedy="build the graph of one scalar",
        )
    collected: dict[int, list[Tensor]] = {graph.outputs[0]: [builder.filled(1)]}
    adjoints: dict[int, Tensor] = {}
    for position in reversed(range(len(graph.nodes))):
        node = graph.nodes[position]
        if position not in collected or not moving[position]:
            continue
        adjoints[position] = _total(collected.pop(position))
        if not node.arguments:
            continue
        builder.place = node.place
        arguments = [tensors[argument] for argument in node.arguments]
        parts = node.operation.pullback(arguments, tensors[position], adjoints[position])
        for argument, part in zip(node.arguments, parts, strict=True):
            if part is not None and moving[argument]:
                collected.setdefault(argument, []).append(part)
    return adjoints


def _total(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else parts[0].apply(Add(), *parts)


def depending(graph: Graph, wanted: Sequence[bool]) -> list[bool]:
    """Whether a node is wanted or its result depends on one that is."""
    depends: list[bool] = []
    for node, itself in zip(graph.nodes, wanted, strict=True):
        depends.append(itself or any(depends[argument] for argument in node.arguments))
    return depends
