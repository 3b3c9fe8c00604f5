"""The graph of some of the samples: an error is often a sum over samples, then chunks of them make it up.

Let the constants whose first axis counts n samples be cut to some of them. Every node of a graph is in one of three
states, by induction over the nodes, and so is the node that computes it from the cut constants:

- *shared*: it depends on no sample. It is computed as before.
- *by samples*, along an axis whose length is m n: entries i m, ..., (i + 1) m - 1 along it depend on sample i alone.
  The cut graph has the entries of its samples.
- *a total*: a shared part plus a sum over the samples of arrays that depend on one sample each. The cut graph has the
  terms of its samples, and the shared part if it is asked to.

`_RULES` has the step of the induction for every operation that has one; an operation that mixes samples (statistics of
a batch), or is not linear in a total, has none there. So, for an output that is a total, the outputs over any partition
of the samples add up to it, if one part has the shared parts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from verify.graph.graph import Graph, Node
from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations.add import Add
from verify.operations.broadcast import Broadcast, SumOver
from verify.operations.contraction import Contraction
from verify.operations.cumulative_sum import CumulativeSum
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Gather
from verify.operations.leaves import Constant, Filled
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.maximum import Maximum
from verify.operations.operation import LinearOperation, Shape
from verify.operations.permute import Permute
from verify.operations.power import Logarithm, Power
from verify.operations.reshape import Reshape
from verify.operations.scale import Scale
from verify.operations.slices import Concatenate, Pad, Slice
from verify.operations.softmax import Softmax
from verify.operations.windows import Fold, Windows
from verify.outcomes import InputError

_ENTRYWISE = Elementwise | Power | Logarithm | Scale | Add
SHARED, TOTAL = -1, -2
"""States beside the axes along which an array is by samples."""
Cut: TypeAlias = tuple[Tensor, int]
"""The tensor of a node in the cut graph, and the node's state."""


def samples_of(graph: Graph) -> int:
    """Return how many samples there are: the length of the first axis of the first constant that has one, or 0.

    Examples
    --------
    >>> builder = GraphBuilder()
    >>> x, w = builder.constant("x", (5, 2)), builder.parameter("w", (2,))
    >>> samples_of(builder.build((x * w).square().sum()))
    5
    """
    return next((leaf.dimensions[0] for leaf in graph.leaves(Constant) if leaf.dimensions), 0)


def is_by_samples(dimensions: Shape, samples: int) -> bool:
    """Whether a constant of this shape is cut: its first axis has an entry for every sample."""
    return dimensions[:1] == (samples,)


def graph_of_samples(graph: Graph, samples: int, count: int, *, shared: bool) -> Graph:
    """Return the graph of `count` of the samples; see the module.

    Parameters
    ----------
    graph : Graph
        With one output.
    samples : int
        How many there are; constants of this length are cut.
    count : int
        How many of them are left: the cut constants keep their labels.
    shared : bool
        Whether its output has the shared parts of a total.

    Raises
    ------
    InputError
        If the output is not known to be a sum over the samples; the operation at fault is named.

    Examples
    --------
    >>> builder = GraphBuilder()
    >>> x, w = builder.constant("x", (5, 2)), builder.parameter("w", (2,))
    >>> graph = graph_of_samples(builder.build((x * w).square().mean() + w.sum()), 5, 3, shared=False)
    >>> [node.shape for node in graph.nodes if isinstance(node.operation, Constant)]
    [(3, 2)]
    """
    cutter = _Cutter(graph, samples, count, shared)
    output = cutter.cut(graph.outputs[0])
    return cutter.builder.build(output)


class _Cutter:
    def __init__(self, graph: Graph, samples: int, count: int, shared: bool) -> None:
        self.graph, self.samples, self.count, self.shared = graph, samples, count, shared
        self.builder = GraphBuilder()
        self.found: list[Cut] = []

    def cut(self, output: int) -> Tensor:
        for node in self.graph.nodes:
            self.builder.place = node.place
            self.found.append(self._cut(node))
        tensor, state = self.found[output]
        if state != TOTAL:
            raise InputError(
                "the error is not a sum over the samples", samples=self.samples, remedy="leave out the size of chunks"
            )
        return tensor

    def _cut(self, node: Node) -> Cut:
        operation = node.operation
        if isinstance(operation, Constant) and is_by_samples(operation.dimensions, self.samples):
            return self.builder.constant(operation.label, self.fewer(node.shape, 0)), 0
        states = [self.found[argument][1] for argument in node.arguments]
        if all(state == SHARED for state in states):
            return self.builder.add(operation, *self.tensors(node)), SHARED
        if states == [TOTAL] and isinstance(operation, LinearOperation):
            return self.builder.add(operation, *self.tensors(node)), TOTAL
        rule = _RULES.get(type(operation))
        if rule is None:
            raise self.refuse(node)
        return rule(self, node, operation)

    def tensors(self, node: Node) -> list[Tensor]:
        return [self.found[argument][0] for argument in node.arguments]

    def shape(self, node: Node, argument: int = 0) -> Shape:
        """Return the shape of an argument for all samples."""
        return self.graph.nodes[node.arguments[argument]].shape

    def fewer(self, shape: Shape, axis: int) -> Shape:
        """Return a shape that is by samples along an axis, for those that are left."""
        return (*shape[:axis], shape[axis] // self.samples * self.count, *shape[axis + 1 :])

    def axis(self, node: Node) -> int:
        """Return the axis along which the only argument is by samples."""
        axis = self.found[node.arguments[0]][1]
        if axis < 0 or len(node.arguments) != 1:
            raise self.refuse(node)
        return axis

    def along(self, position: int, axis: int, reader: Node) -> Tensor:
        """Return a node as one that is by samples along an axis: a shared one if it is repeated along it."""
        tensor, state = self.found[position]
        node = self.graph.nodes[position]
        if state == axis:
            return tensor
        if state == SHARED and isinstance(node.operation, Filled):
            return self.builder.filled(node.operation.value, self.fewer(node.shape, axis))
        if state == SHARED and isinstance(node.operation, Broadcast):
            (source,) = node.arguments
            own = axis - (len(node.shape) - len(self.graph.nodes[source].shape))
            if own < 0 or self.graph.nodes[source].shape[own] == 1:
                return self.builder.add(Broadcast(self.fewer(node.shape, axis)), self.found[source][0])
        if state == SHARED and isinstance(node.operation, _ENTRYWISE):
            operands = [self.along(argument, axis, reader) for argument in node.arguments]
            return self.builder.add(node.operation, *operands)
        raise self.refuse(reader)

    def refuse(self, node: Node) -> InputError:
        return InputError(
            "the error is not known to be a sum over the samples",
            where=node.place or "the graph",
            operation=node.operation.name,
            remedy="leave out the size of chunks",
        )


Rule = Callable[[_Cutter, Node, Any], Cut]


def _applied(cutter: _Cutter, node: Node, operation: Any, state: int) -> Cut:
    return cutter.builder.add(operation, *cutter.tensors(node)), state


def _entrywise(cutter: _Cutter, node: Node, operation: Any) -> Cut:
    return _applied(cutter, node, operation, cutter.axis(node))


def _along_last(cutter: _Cutter, node: Node, operation: Any) -> Cut:
    """Take an operation along the last axis, with the same mask for all samples if it has one."""
    axis, dimensions = cutter.axis(node), len(cutter.shape(node))
    mask = getattr(operation, "mask", None)
    if mask is not None:
        own = axis - (dimensions - mask.values.ndim)
        if own >= 0 and mask.values.shape[own] != 1:
            raise cutter.refuse(node)
    if axis == dimensions - 1:
        raise cutter.refuse(node)
    return _applied(cutter, node, operation, axis)


def _along_own_axis(cutter: _Cutter, node: Node, operation: Slice | Pad | Gather) -> Cut:
    axis = cutter.axis(node)
    if operation.axis == axis:
        raise cutter.refuse(node)
    more = operation.indices.values.ndim - 1 if isinstance(operation, Gather) else 0
    return _applied(cutter, node, operation, axis + more if operation.axis < axis else axis)


def _over_windows(cutter: _Cutter, node: Node, operation: Windows | Fold) -> Cut:
    axis, slid = cutter.axis(node), len(operation.kernel) * (2 if isinstance(operation, Fold) else 1)
    if axis >= len(cutter.shape(node)) - slid:
        raise cutter.refuse(node)
    return _applied(cutter, node, operation, axis)


def _permuted(cutter: _Cutter, node: Node, operation: Permute) -> Cut:
    return _applied(cutter, node, operation, operation.axes.index(cutter.axis(node)))


def _reshaped(cutter: _Cutter, node: Node, operation: Reshape) -> Cut:
    """Find the axis behind as many entries as before: along it, every sample has the same consecutive entries."""
    axis, shape, target = cutter.axis(node), cutter.shape(node), operation.target
    before = math.prod(shape[:axis])
    for place, length in enumerate(target):
        if math.prod(target[:place]) == before and length and length % cutter.samples == 0:
            return _applied(cutter, node, Reshape(cutter.fewer(target, place)), place)
    raise cutter.refuse(node)


def _repeated(cutter: _Cutter, node: Node, operation: Broadcast) -> Cut:
    own = cutter.axis(node)
    axis = own + len(operation.target) - len(cutter.shape(node))
    if operation.target[axis] != cutter.shape(node)[own]:
        raise cutter.refuse(node)
    return _applied(cutter, node, Broadcast(cutter.fewer(operation.target, axis)), axis)


def _summed(cutter: _Cutter, node: Node, operation: SumOver) -> Cut:
    axis = cutter.axis(node)
    state = TOTAL if axis in operation.axes else axis - sum(1 for other in operation.axes if other < axis)
    return _applied(cutter, node, operation, state)


def _joined(cutter: _Cutter, node: Node, operation: Concatenate) -> Cut:
    axis = max(cutter.found[argument][1] for argument in node.arguments)
    if axis in (operation.axis, SHARED, TOTAL):
        raise cutter.refuse(node)
    parts = [cutter.along(argument, axis, node) for argument in node.arguments]
    return cutter.builder.add(operation, *parts), axis


def _added(cutter: _Cutter, node: Node, operation: Add) -> Cut:
    states = [cutter.found[argument][1] for argument in node.arguments]
    axis = max(states)
    if axis >= 0:
        return cutter.builder.add(operation, *(cutter.along(a, axis, node) for a in node.arguments)), axis
    kept = [
        tensor if state == TOTAL or cutter.shared else tensor.zeros()
        for tensor, state in zip(cutter.tensors(node), states, strict=True)
    ]
    return cutter.builder.add(operation, *kept), TOTAL


def _contracted(cutter: _Cutter, node: Node, operation: Contraction) -> Cut:
    states = [cutter.found[argument][1] for argument in node.arguments]
    if max(states) < 0:
        if states == [TOTAL, TOTAL]:
            raise cutter.refuse(node)
        return _applied(cutter, node, operation, TOTAL)
    letters = operation.left, operation.right
    first = 0 if states[0] >= 0 else 1
    letter = letters[first][states[first]]
    operands = cutter.tensors(node)
    other = 1 - first
    if letter in letters[other]:
        operands[other] = cutter.along(node.arguments[other], letters[other].index(letter), node)
    elif states[other] != SHARED:
        raise cutter.refuse(node)
    state = operation.out.index(letter) if letter in operation.out else TOTAL
    return cutter.builder.add(operation, *operands), state


_RULES: dict[type, Rule] = {
    **dict.fromkeys((Elementwise, Power, Logarithm, Scale), _entrywise),
    **dict.fromkeys((Softmax, LogSumExp, Maximum, CumulativeSum), _along_last),
    **dict.fromkeys((Slice, Pad, Gather), _along_own_axis),
    **dict.fromkeys((Windows, Fold), _over_windows),
    Permute: _permuted,
    Reshape: _reshaped,
    Broadcast: _repeated,
    SumOver: _summed,
    Concatenate: _joined,
    Add: _added,
    Contraction: _contracted,
}
