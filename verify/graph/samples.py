"""The graph of some of the samples: an error is often a sum over samples, then chunks of them make it up.

Let some constants have an axis with an entry for each of n samples, and be cut to some of these. Every node of a graph
is in one of three states, by induction over the nodes, and so is the node that computes it from the cut constants:

- *shared*: it depends on no sample. It is computed as before.
- *by samples*, along an axis whose length is r n m: entries (k n + i) m + j along it, for k < r and j < m, depend on
  sample i alone. The cut graph has the entries of its samples.
- *a total*: a shared part plus a sum over the samples of arrays that depend on one sample each. The cut graph has the
  terms of its samples, and the shared part if it is asked to.

`_RULES` has the step of the induction for every operation that has one; an operation that mixes samples (statistics of
a batch), or is not linear in a total, has none there. So, for an output that is a total, the outputs over any partition
of the samples add up to it, if one part has the shared parts. That holds whatever is called a sample: `Samples` says
which axes of the constants are cut, and a wrong guess finds no rule.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, final

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


class State(NamedTuple):
    """The axis along which an array is by samples, and how often all of them follow each other along it: r."""

    axis: int
    repeats: int = 1


SHARED, TOTAL = State(-1), State(-2)
"""The other states; they are smaller than those by samples."""
Cut: TypeAlias = tuple[Tensor, State]
"""The tensor of a node in the cut graph, and the node's state."""


@final
@dataclass(frozen=True)
class Samples:
    """What a graph's constants know of samples.

    Parameters
    ----------
    count : int
        How many samples there are, n.
    axes : mapping of str to int
        The axis of length n along which a constant is cut, by label; constants that are not here are shared.
    """

    count: int
    axes: Mapping[str, int]

    def rows(self, label: str, rows: slice) -> tuple[slice, ...]:
        """Return the index of some samples in a constant."""
        return (*(slice(None),) * self.axes[label], rows) if label in self.axes else ()


def samples_of(graph: Graph) -> Samples:
    """Return the samples of an error that is a sum over them; where none is known to be, those of the first constant.

    Lengths of first axes are tried, in the order of the constants: with constants cut along first axes alone, as data
    mostly are, then along any axis of this length, for data that were transposed.

    Examples
    --------
    >>> builder = GraphBuilder()
    >>> x, w = builder.constant("x", (5, 2)), builder.parameter("w", (2,))
    >>> samples_of(builder.build((x * w).square().sum()))
    Samples(count=5, axes={'x': 0})
    """
    tried: list[Samples] = []
    for samples in _guesses(graph):
        if samples not in tried:
            tried.append(samples)
            try:
                graph_of_samples(graph, samples, 1, shared=True)
            except InputError:
                continue
            return samples
    return tried[0] if tried else Samples(0, {})


def _guesses(graph: Graph) -> Iterator[Samples]:
    shapes = {leaf.label: leaf.dimensions for leaf in graph.leaves(Constant) if leaf.dimensions}
    for count in dict.fromkeys(shape[0] for shape in shapes.values() if shape[0]):
        yield Samples(count, {label: 0 for label, shape in shapes.items() if shape[0] == count})
        axes = {label: [k for k, n in enumerate(shape) if n == count] for label, shape in shapes.items()}
        for end in (0, -1):
            yield Samples(count, {label: found[end] for label, found in axes.items() if found})


def graph_of_samples(graph: Graph, samples: Samples, count: int, *, shared: bool) -> Graph:
    """Return the graph of `count` of the samples; see the module.

    Parameters
    ----------
    graph : Graph
        With one output.
    samples : Samples
        Which constants are cut, and where.
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
    >>> whole = builder.build((x * w).square().mean() + w.sum())
    >>> graph = graph_of_samples(whole, Samples(5, {"x": 0}), 3, shared=False)
    >>> [node.shape for node in graph.nodes if isinstance(node.operation, Constant)]
    [(3, 2)]
    """
    cutter = _Cutter(graph, samples, count, shared)
    output = cutter.cut(graph.outputs[0])
    return cutter.builder.build(output)


class _Cutter:
    def __init__(self, graph: Graph, samples: Samples, count: int, shared: bool) -> None:
        self.graph, self.axes, self.samples, self.count, self.shared = graph, samples.axes, samples.count, count, shared
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
        if isinstance(operation, Constant) and operation.label in self.axes:
            axis = self.axes[operation.label]
            return self.builder.constant(operation.label, self.fewer(node.shape, axis)), State(axis)
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

    def state(self, node: Node) -> State:
        """Return the state of the only argument, which is by samples."""
        state = self.found[node.arguments[0]][1]
        if state.axis < 0 or len(node.arguments) != 1:
            raise self.refuse(node)
        return state

    def along(self, position: int, wanted: State, reader: Node) -> Tensor:
        """Return a node as one that is by samples along an axis: a shared one if it is repeated along it."""
        tensor, state = self.found[position]
        node = self.graph.nodes[position]
        axis = wanted.axis
        if state == wanted:
            return tensor
        if state == SHARED and isinstance(node.operation, Filled):
            return self.builder.filled(node.operation.value, self.fewer(node.shape, axis))
        if state == SHARED and isinstance(node.operation, Broadcast):
            (source,) = node.arguments
            own = axis - (len(node.shape) - len(self.graph.nodes[source].shape))
            if own < 0 or self.graph.nodes[source].shape[own] == 1:
                return self.builder.add(Broadcast(self.fewer(node.shape, axis)), self.found[source][0])
        if state == SHARED and isinstance(node.operation, _ENTRYWISE):
            operands = [self.along(argument, wanted, reader) for argument in node.arguments]
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


def _applied(cutter: _Cutter, node: Node, operation: Any, state: State) -> Cut:
    return cutter.builder.add(operation, *cutter.tensors(node)), state


def _entrywise(cutter: _Cutter, node: Node, operation: Any) -> Cut:
    return _applied(cutter, node, operation, cutter.state(node))


def _along_last(cutter: _Cutter, node: Node, operation: Any) -> Cut:
    """Take an operation along the last axis, with the same mask for all samples if it has one."""
    state, dimensions = cutter.state(node), len(cutter.shape(node))
    mask = getattr(operation, "mask", None)
    if mask is not None:
        own = state.axis - (dimensions - mask.values.ndim)
        if own >= 0 and mask.values.shape[own] != 1:
            raise cutter.refuse(node)
    if state.axis == dimensions - 1:
        raise cutter.refuse(node)
    return _applied(cutter, node, operation, state)


def _along_own_axis(cutter: _Cutter, node: Node, operation: Slice | Pad | Gather) -> Cut:
    axis, repeats = cutter.state(node)
    if operation.axis == axis:
        raise cutter.refuse(node)
    more = operation.indices.values.ndim - 1 if isinstance(operation, Gather) else 0
    return _applied(cutter, node, operation, State(axis + more if operation.axis < axis else axis, repeats))


def _over_windows(cutter: _Cutter, node: Node, operation: Windows | Fold) -> Cut:
    state, slid = cutter.state(node), len(operation.kernel) * (2 if isinstance(operation, Fold) else 1)
    if state.axis >= len(cutter.shape(node)) - slid:
        raise cutter.refuse(node)
    return _applied(cutter, node, operation, state)


def _permuted(cutter: _Cutter, node: Node, operation: Permute) -> Cut:
    axis, repeats = cutter.state(node)
    return _applied(cutter, node, operation, State(operation.axes.index(axis), repeats))


def _reshaped(cutter: _Cutter, node: Node, operation: Reshape) -> Cut:
    """Find an axis along which samples follow each other as before.

    In memory, entries ``(b n + i) M + c`` belong to sample i, for b < B, the axes before times r. So they do along an
    axis of the target behind P entries, with r' for r, if ``P r' = B`` and its length is a multiple of r' n.
    """
    axis, repeats = cutter.state(node)
    target, before = operation.target, math.prod(cutter.shape(node)[:axis]) * repeats
    for place, length in reversed(list(enumerate(target))):
        ahead = math.prod(target[:place])
        if ahead and length and before % ahead == 0 and length % (before // ahead * cutter.samples) == 0:
            return _applied(cutter, node, Reshape(cutter.fewer(target, place)), State(place, before // ahead))
    raise cutter.refuse(node)


def _repeated(cutter: _Cutter, node: Node, operation: Broadcast) -> Cut:
    own, repeats = cutter.state(node)
    axis = own + len(operation.target) - len(cutter.shape(node))
    if operation.target[axis] != cutter.shape(node)[own]:
        raise cutter.refuse(node)
    return _applied(cutter, node, Broadcast(cutter.fewer(operation.target, axis)), State(axis, repeats))


def _summed(cutter: _Cutter, node: Node, operation: SumOver) -> Cut:
    axis, repeats = cutter.state(node)
    if axis in operation.axes:
        return _applied(cutter, node, operation, TOTAL)
    left = axis - sum(1 for other in operation.axes if other < axis)
    return _applied(cutter, node, operation, State(left, repeats))


def _joined(cutter: _Cutter, node: Node, operation: Concatenate) -> Cut:
    state = max(cutter.found[argument][1] for argument in node.arguments)
    if state.axis < 0 or state.axis == operation.axis:
        raise cutter.refuse(node)
    parts = [cutter.along(argument, state, node) for argument in node.arguments]
    return cutter.builder.add(operation, *parts), state


def _added(cutter: _Cutter, node: Node, operation: Add) -> Cut:
    states = [cutter.found[argument][1] for argument in node.arguments]
    largest = max(states)
    if largest.axis >= 0:
        return cutter.builder.add(operation, *(cutter.along(a, largest, node) for a in node.arguments)), largest
    kept = [
        tensor if state == TOTAL or cutter.shared else tensor.zeros()
        for tensor, state in zip(cutter.tensors(node), states, strict=True)
    ]
    return cutter.builder.add(operation, *kept), TOTAL


def _contracted(cutter: _Cutter, node: Node, operation: Contraction) -> Cut:
    states = [cutter.found[argument][1] for argument in node.arguments]
    if max(states).axis < 0:
        if states == [TOTAL, TOTAL]:
            raise cutter.refuse(node)
        return _applied(cutter, node, operation, TOTAL)
    letters = operation.left, operation.right
    first = 0 if states[0].axis >= 0 else 1
    axis, repeats = states[first]
    letter = letters[first][axis]
    operands = cutter.tensors(node)
    other = 1 - first
    if letter in letters[other]:
        wanted = State(letters[other].index(letter), repeats)
        operands[other] = cutter.along(node.arguments[other], wanted, node)
    elif states[other] != SHARED:
        raise cutter.refuse(node)
    state = State(operation.out.index(letter), repeats) if letter in operation.out else TOTAL
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
