"""Directional derivatives of a graph as a graph: forward accumulation, one `pushforward` for every node."""

from __future__ import annotations

from verify.graph.graph import Graph
from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations.leaves import Parameter


def tangent_graph(graph: Graph) -> Graph:
    """Return a graph with the derivatives of all outputs as outputs, along a direction of the parameters.

    The direction's parts are `Tangent` leaves with the labels of the parameters. Applied to a gradient's graph it gives
    exact Hessian-vector products (Pearlmutter).

    Examples
    --------
    >>> import numpy as np
    >>> from verify.graph.evaluation import evaluate
    >>> from verify.operations.leaves import Tangent
    >>> builder = GraphBuilder()
    >>> w = builder.parameter("w", (2,))
    >>> graph = builder.build((w * w).sum())
    >>> values = {Parameter("w", (2,)): np.array([3.0, 4.0]), Tangent("w", (2,)): np.array([1.0, 0.0])}
    >>> float(evaluate(tangent_graph(graph), values)[0])
    6.0
    """
    builder = GraphBuilder()
    tensors: list[Tensor] = []
    tangents: list[Tensor | None] = []
    for node in graph.nodes:
        builder.place = node.place
        arguments = [tensors[argument] for argument in node.arguments]
        result = builder.add(node.operation, *arguments)
        tensors.append(result)
        if isinstance(node.operation, Parameter):
            tangents.append(builder.tangent(node.operation.label, node.shape))
        else:
            moved = [tangents[argument] for argument in node.arguments]
            still = all(tangent is None for tangent in moved)
            tangents.append(None if still else node.operation.pushforward(arguments, result, moved))
    found = [tangents[output] for output in graph.outputs]
    return builder.build(*(tensors[o].zeros() if t is None else t for o, t in zip(graph.outputs, found, strict=True)))
