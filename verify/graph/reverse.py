"""The gradient of a graph as a graph: reverse accumulation, one `pullback` for every node, uses summed.

Theorem: let every node's pullback return the transposes of its derivatives times the adjoint. Then the adjoint
collected at a node is the derivative of the scalar output in that node's result. Proof by induction against the order:
a node's result enters the output only through the later nodes that read it, and by the chain rule its derivative is the
sum over these uses of J^T times their adjoint. A parameter that is used several times is one node, so its gradient sums
over its uses.
"""

from __future__ import annotations

from collections.abc import Sequence

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
    adjoints = _accumulated(graph, builder, tensors, kind)
    wanted = [p for p, node in enumerate(graph.nodes) if isinstance(node.operation, kind)]
    found = [adjoints[p] if p in adjoints else tensors[p].zeros() for p in wanted]
    return builder.build(tensors[graph.outputs[0]], *found)


def adjoint_graph(graph: Graph, kind: type[Leaf] = Parameter) -> tuple[Graph, dict[int, int]]:
    """Return a graph whose outputs are first all nodes of `graph`, in order, then derivatives of its output in them.

    Parameters
    ----------
    graph : Graph
        With one output of shape ``()``.
    kind : type of Leaf
        Of the leaves that move.

    Returns
    -------
    Graph
    dict of int to int
        Which output is the derivative in a node's result; nodes without influence, or that do not move, are left out.

    Raises
    ------
    InputError
        If the output is not one scalar.
    """
    builder = GraphBuilder()
    tensors = builder.include(graph)
    adjoints = _accumulated(graph, builder, tensors, kind)
    numbers = {position: len(tensors) + k for k, position in enumerate(adjoints)}
    return builder.build(*tensors, *adjoints.values()), numbers


def _accumulated(graph: Graph, builder: GraphBuilder, tensors: Sequence[Tensor], kind: type[Leaf]) -> dict[int, Tensor]:
    """Return the adjoint of every node that moves and that the output depends on."""
    if len(graph.outputs) != 1 or graph.nodes[graph.outputs[0]].shape != ():
        raise InputError("a gradient needs one scalar output", shapes=[graph.nodes[o].shape for o in graph.outputs])
    moving = _depend_on(graph, kind)
    parts: dict[int, list[Tensor]] = {graph.outputs[0]: [builder.filled(1)]}
    adjoints: dict[int, Tensor] = {}
    for position in reversed(range(len(graph.nodes))):
        node = graph.nodes[position]
        if position not in parts or not moving[position]:
            continue
        adjoint = adjoints[position] = _total(parts.pop(position))
        if isinstance(node.operation, kind):
            continue
        builder.place = node.place
        arguments = [tensors[argument] for argument in node.arguments]
        pulled = node.operation.pullback(arguments, tensors[position], adjoint)
        for argument, part in zip(node.arguments, pulled, strict=True):
            if part is not None and moving[argument]:
                parts.setdefault(argument, []).append(part)
    return adjoints


def _total(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else parts[0].apply(Add(), *parts)


def _depend_on(graph: Graph, kind: type[Leaf]) -> list[bool]:
    """Whether a node's result depends on a leaf of the kind."""
    depends: list[bool] = []
    for node in graph.nodes:
        depends.append(isinstance(node.operation, kind) or any(depends[argument] for argument in node.arguments))
    return depends
