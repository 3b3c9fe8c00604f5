"""A graph that is linear in its tangents, for many directions in one evaluation: they stand beside each other."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import replace

from verify.graph.graph import Graph, Node
from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations.add import Add
from verify.operations.broadcast import Broadcast, SumOver
from verify.operations.contraction import Contraction
from verify.operations.cumulative_sum import CumulativeSum
from verify.operations.gather import Gather, ScatterAdd
from verify.operations.leaves import Tangent
from verify.operations.permute import Permute
from verify.operations.reshape import Reshape
from verify.operations.scale import Scale
from verify.operations.slices import Concatenate, Pad, Slice
from verify.operations.windows import Fold, Windows

_ALONG_THE_LAST = Scale | CumulativeSum | Windows | Fold
"""Operations that do the same with further axes in front."""
_ALONG_ONE = Slice | Pad | Concatenate | Gather | ScatterAdd


def stacked(graph: Graph, count: int) -> Graph | None:
    """Return the graph of as many directions, which are the first axis of every `Tangent` and of every output.

    Parameters
    ----------
    graph : Graph
        Linear in its `Tangent` leaves, as `tangent_graph` makes it.
    count : int

    Returns
    -------
    Graph or None
        None if an operation on tangents has no such form.

    Examples
    --------
    >>> import numpy as np
    >>> from verify.graph.evaluation import evaluate
    >>> builder = GraphBuilder()
    >>> graph = builder.build(builder.tangent("w", (2,)).sum())
    >>> evaluate(stacked(graph, 3), {Tangent("w", (3, 2)): np.arange(6.0).reshape(3, 2)})[0]
    array([1., 5., 9.])
    """
    builder = GraphBuilder()
    tensors: list[Tensor] = []
    many: list[bool] = []
    for node in graph.nodes:
        builder.place = node.place
        arguments = [tensors[argument] for argument in node.arguments]
        moving = [many[argument] for argument in node.arguments]
        if isinstance(node.operation, Tangent):
            tensors.append(builder.tangent(node.operation.label, (count, *node.shape)))
        elif not any(moving):
            tensors.append(builder.add(node.operation, *arguments))
        else:
            found = _stacked(node, arguments, moving, count)
            if found is None or found.shape != (count, *node.shape):
                return None
            tensors.append(found)
        many.append(isinstance(node.operation, Tangent) or any(moving))
    return builder.build(
        *(tensors[o] if many[o] else tensors[o].broadcast_to((count, *graph.nodes[o].shape)) for o in graph.outputs)
    )


def _stacked(node: Node, arguments: Sequence[Tensor], moving: Sequence[bool], count: int) -> Tensor | None:
    """Return a node's result for all directions."""
    operation, first = node.operation, arguments[0]
    if isinstance(operation, Contraction):
        return None if all(moving) else first.apply(_contraction(operation, moving[0]), *arguments)
    if not all(moving):
        return None
    match operation:
        case Add():
            return first.apply(operation, *arguments)
        case Reshape():
            return first.reshape((count, *operation.target))
        case Broadcast():
            missing = len(operation.target) + 1 - len(first.shape)
            return first.reshape((count, *(1,) * missing, *first.shape[1:])).broadcast_to((count, *operation.target))
        case Permute():
            return first.permute(0, *(axis + 1 for axis in operation.axes))
        case SumOver():
            return first.sum([axis + 1 for axis in operation.axes]) if operation.axes else first
    if isinstance(operation, _ALONG_ONE):
        return first.apply(replace(operation, axis=operation.axis + 1), *arguments)
    return first.apply(operation, *arguments) if isinstance(operation, _ALONG_THE_LAST) else None


def _contraction(operation: Contraction, left: bool) -> Contraction:
    """Return the contraction whose left or right factor has the directions in front."""
    new = next(c for c in string.ascii_letters if c not in operation.left + operation.right)
    factors = (new + operation.left, operation.right) if left else (operation.left, new + operation.right)
    return Contraction(*factors, new + operation.out)
