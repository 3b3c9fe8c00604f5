"""Networks written as formulas: a `Tensor` stands for the result of a node, and operators make new nodes."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import final

import numpy as np

from verify.arithmetic.floats import fraction
from verify.graph.graph import Graph, Node
from verify.operations.add import Add
from verify.operations.broadcast import Broadcast, SumOver
from verify.operations.contraction import Contraction
from verify.operations.leaves import Constant, Filled, Parameter, Tangent
from verify.operations.operation import Operation, Shape
from verify.operations.permute import Permute
from verify.operations.power import Power
from verify.operations.reshape import Reshape
from verify.operations.scale import Scale
from verify.operations.slices import Slice
from verify.outcomes import InputError


@final
class GraphBuilder:
    """Collects the nodes of a graph; what is written twice becomes one node.

    Examples
    --------
    >>> builder = GraphBuilder()
    >>> w = builder.parameter("w", (3,))
    >>> graph = builder.build((w * w).sum())
    >>> [node.operation.name for node in graph.nodes]
    ['parameter', 'contraction', 'sum']
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.place = ""
        self._known: dict[tuple[Operation, tuple[int, ...]], int] = {}

    def add(self, operation: Operation, *arguments: Tensor) -> Tensor:
        """Return the result of an operation.

        Raises
        ------
        InputError
            If it does not take arguments of these shapes; the place is named.
        """
        if any(argument.builder is not self for argument in arguments):
            raise InputError(
                "a tensor of another graph",
                where=f"operation {operation.name}",
                remedy="use one builder",
                arguments=len(arguments),
            )
        positions = tuple(argument.position for argument in arguments)
        known = self._known.get((operation, positions))
        if known is not None:
            return Tensor(self, known)
        try:
            shape = operation.shape(*(argument.shape for argument in arguments))
        except InputError as error:
            raise (error.at(self.place) if self.place else error) from None
        self.nodes.append(Node(operation, positions, shape, self.place))
        self._known[operation, positions] = len(self.nodes) - 1
        return Tensor(self, len(self.nodes) - 1)

    def parameter(self, label: str, shape: Shape) -> Tensor:
        """Return a trainable leaf."""
        return self.add(Parameter(label, tuple(shape)))

    def constant(self, label: str, shape: Shape) -> Tensor:
        """Return a leaf that training does not change."""
        return self.add(Constant(label, tuple(shape)))

    def tangent(self, label: str, shape: Shape) -> Tensor:
        """Return the direction of a parameter."""
        return self.add(Tangent(label, tuple(shape)))

    def filled(self, value: int, shape: Shape = ()) -> Tensor:
        """Return an array of one repeated whole number."""
        return self.add(Filled(value, tuple(shape)))

    def include(self, graph: Graph) -> list[Tensor]:
        """Add all nodes of a graph and return them in its order."""
        tensors: list[Tensor] = []
        for node in graph.nodes:
            self.place = node.place
            tensors.append(self.add(node.operation, *(tensors[argument] for argument in node.arguments)))
        return tensors

    def name_places(self, first: int, place: str) -> None:
        """Name the place of the nodes from a position on: known only once they are made."""
        self.nodes[first:] = [replace(node, place=place) for node in self.nodes[first:]]

    def build(self, *outputs: Tensor) -> Graph:
        """Return the graph of what the outputs need, in the order of writing."""
        needed = {output.position for output in outputs}
        for position in reversed(range(len(self.nodes))):
            if position in needed:
                needed.update(self.nodes[position].arguments)
        order = sorted(needed)
        renumbered = {position: number for number, position in enumerate(order)}
        nodes = tuple(
            Node(node.operation, tuple(renumbered[a] for a in node.arguments), node.shape, node.place)
            for node in (self.nodes[position] for position in order)
        )
        return Graph(nodes, tuple(renumbered[output.position] for output in outputs))


@final
class Tensor:
    """The result of a node under construction; `+ - * / @` and the methods make new nodes.

    Shapes follow NumPy's rules: operands are repeated along axes of length 1 and along missing ones in front.
    """

    __slots__ = ("builder", "position")

    def __init__(self, builder: GraphBuilder, position: int) -> None:
        self.builder = builder
        self.position = position

    @property
    def shape(self) -> Shape:
        """Shape of the result."""
        return self.builder.nodes[self.position].shape

    def __repr__(self) -> str:
        return f"Tensor({self.builder.nodes[self.position].operation!r}, shape={self.shape})"

    def apply(self, operation: Operation, *arguments: Tensor) -> Tensor:
        """Return the result of an operation, by default of this tensor alone."""
        return self.builder.add(operation, *(arguments or (self,)))

    def zeros(self) -> Tensor:
        """Return zeros of this shape."""
        return self.builder.filled(0, self.shape)

    # arithmetic

    def __add__(self, other: Tensor | float) -> Tensor:
        left, right = self._aligned(other)
        return self.apply(Add(), left, right)

    __radd__ = __add__

    def __neg__(self) -> Tensor:
        return self.scale(Fraction(-1))

    def __sub__(self, other: Tensor | float) -> Tensor:
        return self + (-self._tensor(other))

    def __rsub__(self, other: Tensor | float) -> Tensor:
        return self._tensor(other) + (-self)

    def __mul__(self, other: Tensor | float) -> Tensor:
        if not isinstance(other, Tensor):
            return self.scale(fraction(other, "factor"))
        shape = _common(self.shape, other.shape)
        left, right = _names(self, shape), _names(other, shape)
        out = "".join(c for c in string.ascii_lowercase[: len(shape)] if c in left or c in right)
        product = self.apply(Contraction(left, right, out), _squeezed(self), _squeezed(other))
        return product.reshape(shape)

    __rmul__ = __mul__

    def __truediv__(self, other: Tensor | float) -> Tensor:
        if not isinstance(other, Tensor):
            divisor = fraction(other, "divisor")
            if not divisor:
                raise InputError("division by zero", divisor=other, remedy="divide by another number")
            return self.scale(1 / divisor)
        return self * other.reciprocal()

    def __rtruediv__(self, other: float) -> Tensor:
        return self.reciprocal() * other

    def __matmul__(self, other: Tensor) -> Tensor:
        stack = _common(self.shape[:-2], other.shape[:-2])
        left = self.broadcast_to((*stack, *self.shape[-2:]))
        right = other.broadcast_to((*stack, *other.shape[-2:])) if len(other.shape) > 2 else other
        letters = string.ascii_lowercase[: len(stack)]
        shared = letters if len(other.shape) > 2 else ""
        return self.apply(Contraction(f"{letters}xy", f"{shared}yz", f"{letters}xz"), left, right)

    def scale(self, factor: Fraction) -> Tensor:
        """Return a rational multiple."""
        return self if factor == 1 else self.apply(Scale(Fraction(factor)))

    def reciprocal(self) -> Tensor:
        """Return one over the entries; over a root of numbers, their power, whose bounds are tighter than two powers'.

        Both are defined for the same numbers, the positive ones: a root's exponent has the denominator 2.
        """
        node = self.builder.nodes[self.position]
        root = node.operation
        if isinstance(root, Power) and root.exponent.denominator == 2 and root.exponent > 0:
            return Tensor(self.builder, node.arguments[0]).apply(Power(-root.exponent))
        return self.apply(Power(Fraction(-1)))

    def square(self) -> Tensor:
        """Return the squares of the entries."""
        return self * self

    # shapes

    def reshape(self, shape: Sequence[int]) -> Tensor:
        """Return the same entries under another shape."""
        return self if tuple(shape) == self.shape else self.apply(Reshape(tuple(shape)))

    def permute(self, *axes: int) -> Tensor:
        """Return the array with axis ``axes[k]`` as axis k."""
        return self if axes == tuple(range(len(axes))) else self.apply(Permute(axes))

    def broadcast_to(self, shape: Sequence[int]) -> Tensor:
        """Return the array repeated to a larger shape."""
        return self if tuple(shape) == self.shape else self.apply(Broadcast(tuple(shape)))

    def slice(self, axis: int, start: int, stop: int, step: int = 1) -> Tensor:
        """Return a range of entries along an axis."""
        return self.apply(Slice(axis, start, stop, step))

    def sum(self, axes: int | Sequence[int] | None = None, *, keep: bool = False) -> Tensor:
        """Return the sum over axes (all of them by default), kept with length 1 if asked."""
        chosen = self._axes(axes)
        total = self.apply(SumOver(chosen)) if chosen else self
        return total.reshape(self._without(chosen)) if keep else total

    def mean(self, axes: int | Sequence[int] | None = None, *, keep: bool = False) -> Tensor:
        """Return the mean over axes."""
        count = 1
        for axis in self._axes(axes):
            count *= self.shape[axis]
        if not count:
            raise InputError("the mean of no entries", shape=self.shape, axes=axes, remedy="leave out empty axes")
        return self.sum(axes, keep=keep).scale(Fraction(1, count))

    def sum_to(self, shape: Sequence[int]) -> Tensor:
        """Return the transpose of `broadcast_to`: sums over the axes that it repeats."""
        if tuple(shape) == self.shape:
            return self
        lead = len(self.shape) - len(shape)
        axes = [*range(lead), *(lead + k for k, n in enumerate(shape) if n == 1 and self.shape[lead + k] != 1)]
        return self.sum(axes).reshape(shape)

    def _axes(self, axes: int | Sequence[int] | None) -> tuple[int, ...]:
        if axes is None:
            return tuple(range(len(self.shape)))
        chosen = (axes,) if isinstance(axes, int) else tuple(axes)
        dimensions = len(self.shape)
        counted = sorted(axis % dimensions if -dimensions <= axis < dimensions else -1 for axis in chosen)
        if -1 in counted or len(set(counted)) != len(counted):
            raise InputError(
                "no such axes, or one of them twice", axes=chosen, shape=self.shape, remedy="give each axis once"
            )
        return tuple(counted)

    def _without(self, axes: tuple[int, ...]) -> Shape:
        return tuple(1 if axis in axes else n for axis, n in enumerate(self.shape))

    def _tensor(self, other: Tensor | float) -> Tensor:
        if isinstance(other, Tensor):
            return other
        number = fraction(other, "summand")
        return self.builder.filled(number.numerator).scale(1 / Fraction(number.denominator))

    def _aligned(self, other: Tensor | float) -> tuple[Tensor, Tensor]:
        operand = self._tensor(other)
        shape = _common(self.shape, operand.shape)
        return self.broadcast_to(shape), operand.broadcast_to(shape)


def _common(left: Shape, right: Shape) -> Shape:
    try:
        return tuple(int(n) for n in np.broadcast_shapes(left, right))
    except ValueError:
        raise InputError("shapes do not fit together", left=left, right=right, remedy="reshape one of them") from None


def _names(x: Tensor, shape: Shape) -> str:
    """Return the letters of the axes of `shape` along which x is not repeated."""
    lead = len(shape) - len(x.shape)
    return "".join(
        string.ascii_lowercase[axis] for axis, n in enumerate(shape) if axis >= lead and x.shape[axis - lead] != 1
    )


def _squeezed(x: Tensor) -> Tensor:
    return x.reshape(tuple(n for n in x.shape if n != 1))
